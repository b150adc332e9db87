"""The answers of a batch, in the shape of what was given."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from first_jupyter._errors import FirstError

if TYPE_CHECKING:
    from first_jupyter._schema import Form

__all__ = ["Answered", "Answers", "shaped"]

Json = dict[str, Any]


class Answers(list[Any]):
    """Answers in the order of the prompts; None where there is none.

    Attributes
    ----------
    attrs
        What pandas objects have in theirs: ``batch``, its id; ``failures``, reasons by the rows' numbers;
        ``cost``, with ``model``, ``prompt_tokens``, ``completion_tokens``, ``seconds`` and the rows by
        ``clusters``.
    """

    def __init__(self, values: list[Any], attrs: Json) -> None:
        super().__init__(values)
        self.attrs = attrs


class Answered:
    """Answers as they are read.

    Parameters
    ----------
    length
        How many rows there are.
    form
        The form they must have, if any.
    """

    def __init__(self, length: int, form: Form | None) -> None:
        self.form = form
        self.rows: list[Any] = [None] * length
        self.failures: dict[int, str] = {}
        self.count = 0

    def take(self, entry: Json) -> None:
        """Take a line of a batch's output."""
        number = int(entry["custom_id"])
        choice = entry["response"]["body"]["choices"][0]
        text = choice["message"].get("content") or ""
        try:
            self.rows[number] = self.form.parse(text) if self.form else text
        except FirstError as error:
            cut = " It was cut at the token limit." if choice.get("finish_reason") == "length" else ""
            self.fail(number, f"{error}{cut}")
        else:
            self.count += 1

    def refuse(self, entry: Json) -> None:
        """Take a line of a batch's errors."""
        body = (entry.get("response") or {}).get("body") or {}
        error = entry.get("error") or (body.get("error") if isinstance(body, dict) else None) or body
        reason = error.get("message") if isinstance(error, dict) else error
        self.fail(int(entry["custom_id"]), str(reason or "The server gave no reason."))

    def fail(self, number: int, reason: str) -> None:
        """Set a row aside."""
        self.failures[number] = reason


def shaped(answered: Answered, index: Any, batch: Json) -> Any:
    """Return a list; with an index a Series, or a DataFrame where answers are objects with known fields."""
    attrs = {
        "batch": batch.get("id"),
        "failures": dict(sorted(answered.failures.items())),
        "cost": _cost(batch),
    }
    if index is None:
        return Answers(answered.rows, attrs)
    import pandas as pd  # noqa: PLC0415  it is there already: the index is its own

    if answered.form and (fields := answered.form.fields):
        rows = [_plain(value) if value is not None else {} for value in answered.rows]
        table: Any = pd.DataFrame(rows, index=index, columns=fields)
    else:
        table = pd.Series([_plain(value) for value in answered.rows], index=index, name="answer")
    table.attrs |= attrs
    return table


def _plain(value: Any) -> Any:
    return value.model_dump(mode="json") if hasattr(value, "model_dump") else value


def _cost(batch: Json) -> Json:
    usage, first = batch.get("usage") or {}, batch.get("first") or {}
    ends = ("completed_at", "cancelled_at", "expired_at")
    ended = next((batch[name] for name in ends if batch.get(name)), None)
    begun = batch.get("in_progress_at")
    return {
        "model": batch.get("model") or "",
        "prompt_tokens": usage.get("input_tokens") or 0,
        "completion_tokens": usage.get("output_tokens") or 0,
        "seconds": ended - begun if ended and begun else 0,
        "clusters": first.get("clusters") or {},
    }
