"""Answers in a given form: a pydantic class or a JSON schema, and back to an object."""

from __future__ import annotations

import json
from functools import cached_property
from typing import TYPE_CHECKING, Any

from first_jupyter._errors import FirstError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["Form", "find_form", "form_of"]


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
            self._check(value)
        except ValueError as error:
            raise FirstError(f"The answer does not fit {self._name}: {_first_line(error)}.") from error
        return value

    @property
    def fields(self) -> list[str]:
        """The names of what an answer holds, if it is an object with given names."""
        schema = self._kind if isinstance(self._kind, dict) else self._kind.model_json_schema()
        return list(schema.get("properties") or {})

    @cached_property
    def _check(self) -> Callable[[Any], Any]:
        import fastjsonschema  # noqa: PLC0415  jsonschema takes seconds to import

        made: Callable[[Any], Any] = fastjsonschema.compile(self._kind)
        return made


def form_of(kind: Any) -> Form:
    """Make a form of a pydantic class or a JSON schema."""
    if not _is_form(kind):
        raise FirstError(
            f"schema is a {type(kind).__name__}; it must be a pydantic model class or a JSON schema dict."
        )
    return Form("schema" if isinstance(kind, dict) else kind.__name__, kind)


def find_form(name: str, names: Mapping[str, Any]) -> Form:
    """Look a form up among the variables."""
    kind = names.get(name)
    if _is_form(kind):
        return Form(name, kind)
    found = f"is a {type(kind).__name__}" if name in names else "does not exist"
    raise FirstError(
        f"--schema {name}: it {found}; define a pydantic model class or a JSON schema dict first."
    )


def _is_form(kind: Any) -> bool:
    """Whether this says which form an answer has."""
    return isinstance(kind, dict) or hasattr(kind, "model_json_schema")


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


def _first_line(error: ValueError) -> str:
    details = getattr(error, "errors", None)
    if callable(details) and (found := details()):
        return f"{'.'.join(map(str, found[0]['loc'])) or 'it'}: {found[0]['msg']}"
    return str(error).splitlines()[0]
