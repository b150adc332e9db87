"""Answers in a given form: a pydantic class or a JSON schema, and back to an object."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from first_jupyter._errors import FirstError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Form", "find_form"]


class Form:
    """The form an answer must have.

    Parameters
    ----------
    name
        What it is called in the request and in errors.
    kind
        A pydantic model class, or a JSON schema as a dict.
    """

    def __init__(self, name: str, kind: Any) -> None:
        self._name, self._kind = name, kind

    @property
    def response_format(self) -> dict[str, Any]:
        """What the request says about it."""
        schema = self._kind if isinstance(self._kind, dict) else _strict(self._kind.model_json_schema())
        return {"type": "json_schema", "json_schema": {"name": self._name, "strict": True, "schema": schema}}

    def parse(self, text: str) -> Any:
        """Read an answer.

        Returns
        -------
        object
            An instance of the pydantic class, or what the JSON holds.

        Raises
        ------
        FirstError
            If the answer does not have the form.
        """
        try:
            if not isinstance(self._kind, dict):
                return self._kind.model_validate_json(text)
            value = json.loads(text)
            _check(value, self._kind)
        except ValueError as error:
            raise FirstError(
                f"The answer does not fit {self._name}: {_first_line(error)}. "
                "Its text is in first_jupyter.last.text; a longer --max-tokens or a stronger model may help."
            ) from error
        return value


def find_form(name: str, names: Mapping[str, Any]) -> Form:
    """Look a form up among the variables."""
    kind = names.get(name)
    if isinstance(kind, dict) or hasattr(kind, "model_json_schema"):
        return Form(name, kind)
    found = f"is a {type(kind).__name__}" if name in names else "does not exist"
    raise FirstError(
        f"--schema {name}: it {found}; define a pydantic model class or a JSON schema dict first."
    )


def _strict(node: Any) -> Any:
    """Close every object and require all its keys, as strict servers demand."""
    if isinstance(node, list):
        return [_strict(part) for part in node]
    if not isinstance(node, dict):
        return node
    closed = {key: _strict(part) for key, part in node.items()}
    if isinstance(closed.get("properties"), dict) and closed.get("type") == "object":
        closed |= {"additionalProperties": False, "required": list(closed["properties"])}
    return closed


def _check(value: Any, schema: dict[str, Any]) -> None:
    import fastjsonschema  # noqa: PLC0415  jsonschema takes seconds to import

    fastjsonschema.validate(schema, value)


def _first_line(error: ValueError) -> str:
    details = getattr(error, "errors", None)
    if callable(details) and (found := details()):
        return f"{'.'.join(map(str, found[0]['loc'])) or 'it'}: {found[0]['msg']}"
    return str(error).splitlines()[0]
