"""What `map` is given, as one prompt for each row; pandas is never imported for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from first_jupyter._errors import FirstError
from first_jupyter._interpolate import interpolate, places

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["Asked"]

Missing = type("Missing", (), {"__repr__": lambda _: "missing"})()
"""Stands for a value that a table lacks."""


class Asked:
    """The rows of a list, a Series or a table, and what is asked of each.

    Parameters
    ----------
    given
        Prompts: strings, or lists of chat messages. With a template: values, or a table, which is a
        DataFrame or a list of dicts.
    template
        The prompt, with names of columns in braces. Where there are no columns, its one name is the value.
    names
        What else can be named in it.

    Raises
    ------
    FirstError
        If the template names nothing that there is, or a row is no prompt.
    """

    def __init__(self, given: Any, template: str | None, names: Mapping[str, Any]) -> None:
        self._template, self._names = template, names
        self.index = given.index if _is_pandas(given) else None
        self._columns: dict[str, list[Any]] = {}
        if _is_pandas(given) and given.ndim == 2:
            columns = list(given.columns)
            self._take_table(columns, lambda name: _values(given.iloc[:, columns.index(name)]))
        else:
            values = _values(given) if _is_pandas(given) else _listed(given)
            if template is not None and values and all(isinstance(value, dict) for value in values):
                known = dict.fromkeys(name for value in values for name in value)
                self._take_table(list(known), lambda name: [value.get(name, Missing) for value in values])
            else:
                self._take_values(values)
        self._length = len(self.index) if self.index is not None else len(next(iter(self._columns.values())))

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> Iterator[list[dict[str, Any]] | None]:
        """Go through the rows' chat messages; None for a row in which something is missing."""
        for number, row in enumerate(zip(*self._columns.values(), strict=True)):
            if any(value is Missing for value in row):
                yield None
            elif self._template is None:
                yield _messages(row[0], number)
            else:
                said = [value if isinstance(value, str) else str(value) for value in row]
                known = dict(zip(self._columns, said, strict=True))
                yield _messages(interpolate(self._template, {**self._names, **known}), number)

    def _take_table(self, columns: list[Any], column: Any) -> None:
        if self._template is None:
            raise FirstError(
                'A table needs a template, such as template="Classify {text}"; '
                f"its columns are {_listing(columns)}."
            )
        wanted = self._wanted()
        self._columns = {name: column(name) for name in columns if name in wanted}
        if not self._columns:
            raise FirstError(
                "The template names no column of the table, so that each row would be asked the same; "
                f"the columns are {_listing(columns)}."
            )

    def _take_values(self, values: list[Any]) -> None:
        name = ""
        if self._template is not None:
            wanted = [name for name in self._wanted() if name not in self._names]
            if len(wanted) != 1:
                found = f"names {_listing(wanted)}" if wanted else "names nothing"
                raise FirstError(
                    f"The template {found}. For a list or a Series it has to have one name, "
                    'which stands for the value, as in "Classify {text}".'
                )
            name = wanted[0]
        self._columns = {name: values}

    def _wanted(self) -> dict[str, None]:
        return dict.fromkeys(place["name"] for place in places(self._template or ""))


def _is_pandas(given: Any) -> bool:
    return type(given).__module__.partition(".")[0] == "pandas" and hasattr(given, "iloc")


def _values(column: Any) -> list[Any]:
    return [
        Missing if lacks else value
        for value, lacks in zip(column.tolist(), column.isna().tolist(), strict=True)
    ]


def _listed(given: Any) -> list[Any]:
    if isinstance(given, str | bytes | dict):
        raise FirstError(
            f"map() takes a list of prompts, a Series or a DataFrame, not one {type(given).__name__}."
        )
    try:
        values = list(given)
    except TypeError:
        raise FirstError(
            f"map() takes a list of prompts, a Series or a DataFrame, not a {type(given).__name__}."
        ) from None
    return [Missing if value is None else value for value in values]


def _messages(prompt: Any, number: int) -> list[dict[str, Any]]:
    if isinstance(prompt, str):
        return [{"role": "user", "content": prompt}]
    if isinstance(prompt, list | tuple) and prompt and all(isinstance(part, dict) for part in prompt):
        return list(prompt)
    raise FirstError(
        f"Row {number} is neither a string nor a list of chat messages but a {type(prompt).__name__}."
    )


def _listing(names: list[Any]) -> str:
    shown = ", ".join(str(name) for name in names[:12])
    return f"{shown}, …" if len(names) > 12 else shown
