"""``%%first --map``: the cell is the template, asked of every row of a variable."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from first_jupyter._errors import FirstError
from first_jupyter._schema import find_form

if TYPE_CHECKING:
    from first_jupyter._config import First
    from first_jupyter._talk import Question

__all__ = ["map_cell"]


def map_cell(shell: Any, config: First, question: Question, name: str) -> Any:
    """Ask a cell of every row.

    Parameters
    ----------
    name
        The variable: a DataFrame, a Series, or a list.

    Returns
    -------
    object
        The answers, unless they are stored in a variable.

    Raises
    ------
    FirstError
        If there is no such variable, or as `map` does.
    """
    names = shell.user_ns
    if name not in names:
        raise FirstError(f"--map {name}: it does not exist; define a DataFrame, a Series or a list first.")
    from first_jupyter._map.asked import Asked  # noqa: PLC0415  the magics are there before anything is asked
    from first_jupyter._map.call import Watch, job_of  # noqa: PLC0415  this takes OpenAI's client

    temperature = config.temperature if question.temperature is None else question.temperature
    job = job_of(
        Asked(names[name], question.text.strip("\n"), names),
        form=find_form(question.schema, names) if question.schema else None,
        model=question.model or config.model,
        system=question.system or config.system,
        body={"temperature": temperature, "max_tokens": question.max_tokens},
        headers=question.headers,
    )
    answers = Watch(job).run(fresh=False)
    if question.into:
        names[question.into] = answers
        return None
    return answers
