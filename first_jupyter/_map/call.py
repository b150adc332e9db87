"""`map` and `amap`: one call, with its progress shown until it has ended or is interrupted."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

from first_jupyter import _control as control
from first_jupyter._errors import FirstError, Interrupted
from first_jupyter._map.asked import Asked
from first_jupyter._map.job import Job
from first_jupyter._map.screen import shown
from first_jupyter._schema import form_of
from first_jupyter._stage import find_model
from first_jupyter._waiting import Waiting

if TYPE_CHECKING:
    from collections.abc import Mapping

    from first_jupyter._schema import Form

__all__ = ["Watch", "amap", "job_of", "map"]

PAUSE = 0.3
"""Seconds between two looks at the batch."""


def map(  # noqa: A001  read as first_jupyter.map
    prompts: Any,
    template: str | None = None,
    *,
    schema: Any = None,
    model: str = "",
    system: str = "",
    temperature: float | None = None,
    max_tokens: int | None = None,
    max_cost: float | None = None,
    replicas: int | None = None,
    fresh: bool = False,
) -> Any:
    """Ask a model the same of every row, as one batch on the federation.

    It can be interrupted, and survives the end of the kernel and of the Jupyter server: the same call goes
    on where it was, and asks no row twice.

    Parameters
    ----------
    prompts
        A list or Series of strings or chat messages; a DataFrame or a list of dicts with a `template`.
    template
        The prompt, with names of columns in braces: ``"Classify {text}"``. For a list or Series its one name
        stands for the value. Braces that name nothing stay. A row in which a named value is missing is not
        asked.
    schema
        A pydantic class or a JSON schema that each answer must fit.
    model
        An id or alias; ``model@cluster`` pins a cluster; nothing means the current choice.
    system, temperature, max_tokens
        As for ``%%first``; `max_tokens` is of each answer.
    max_cost
        Tokens, of prompts and answers together, after which no more rows are asked; those that are on their
        way are still answered.
    replicas
        How many replicas of the model the batch would like for as long as it runs.
    fresh
        Ask all rows anew, even if they have been answered before.

    Returns
    -------
    list, Series or DataFrame
        The answers in order, None where there is none: a list for a list; for pandas a Series with the same
        index, or with a schema of an object a DataFrame with a column for each of its fields. Its ``attrs``
        have the ``failures``, by the row's number, and the ``cost``.

    Raises
    ------
    FirstError
        If a row is no prompt, the rows are refused, or none of them was answered.
    """
    watch = Watch(
        job_of(
            Asked(prompts, template, {}),
            form=None if schema is None else form_of(schema),
            model=model,
            system=system,
            body={"temperature": temperature, "max_tokens": max_tokens},
            max_cost=max_cost,
            replicas=replicas,
        )
    )
    return watch.run(fresh=fresh)


async def amap(
    prompts: Any,
    template: str | None = None,
    *,
    schema: Any = None,
    model: str = "",
    system: str = "",
    temperature: float | None = None,
    max_tokens: int | None = None,
    max_cost: float | None = None,
    replicas: int | None = None,
    fresh: bool = False,
) -> Any:
    """Do what `map` does beside other things of the event loop; to cancel it is to interrupt it."""
    job = await asyncio.to_thread(
        job_of,
        Asked(prompts, template, {}),
        form=None if schema is None else form_of(schema),
        model=model,
        system=system,
        body={"temperature": temperature, "max_tokens": max_tokens},
        max_cost=max_cost,
        replicas=replicas,
    )
    return await Watch(job).run_beside(fresh=fresh)


def job_of(
    asked: Asked,
    *,
    form: Form | None,
    model: str,
    system: str,
    body: dict[str, Any],
    headers: Mapping[str, str] | None = None,
    max_cost: float | None = None,
    replicas: int | None = None,
) -> Job:
    """Prepare a call.

    Raises
    ------
    FirstError
        If there is no such model, or no server.
    """
    found, pinned = find_model(control.models(), model)
    if found is None:
        raise FirstError(f"There is no model {model or 'chosen'}; `%first models` lists them.")
    said = {
        "model": f"{found['id']}@{pinned}" if pinned else found["id"],
        "response_format": form.response_format if form else None,
        **body,
    }
    said = {name: value for name, value in said.items() if value is not None}
    most = None if max_cost is None else int(max_cost)
    return Job(asked, form, said, system, headers or {}, max_cost=most, replicas=replicas)


class Watch:
    """Sees a call through, and shows how far it is.

    Parameters
    ----------
    job
        The call.
    """

    def __init__(self, job: Job) -> None:
        self._job = job
        self._screen, self._waiting = shown(), Waiting(job.model)
        self._began = time.monotonic()

    def run(self, *, fresh: bool) -> Any:
        """Wait in this thread; an interrupt cancels the batch."""
        said = ""
        try:
            self._job.begin(fresh=fresh)
            while not self._job.look():
                self._show()
                time.sleep(PAUSE)
            answers, said = self._job.result()
        except KeyboardInterrupt:
            stopped = self._job.stop()
            self._screen.see(self._job, "")
            raise Interrupted(stopped) from None
        finally:
            self._close(said)
        return answers

    async def run_beside(self, *, fresh: bool) -> Any:
        """Wait in the event loop; to be cancelled cancels the batch."""
        said = ""
        try:
            await asyncio.to_thread(self._job.begin, fresh=fresh)
            while not await asyncio.to_thread(self._job.look):
                self._show()
                await asyncio.sleep(PAUSE)
            answers, said = await asyncio.to_thread(self._job.result)
        except asyncio.CancelledError:
            said = await asyncio.to_thread(self._job.stop)
            raise
        finally:
            self._close(said)
        return answers

    def _show(self) -> None:
        notice = None
        if not self._job.is_moving:
            notice = self._waiting.notice(time.monotonic() - self._began)
        self._screen.see(self._job, notice.line if notice else "")

    def _close(self, said: str) -> None:
        self._waiting.stop()
        self._screen.finish(said)
