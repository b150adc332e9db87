"""One call of `map`: its batch is found again or begun, looked at until it has ended, and read."""

from __future__ import annotations

import hashlib
import json
import tempfile
import time
from typing import IO, TYPE_CHECKING, Any

from first_jupyter import _control as control
from first_jupyter._errors import FirstError, NotConnectedError, StatusError
from first_jupyter._map.answers import Answered, shaped
from first_jupyter._map.batches import ENDPOINT, Batches
from first_jupyter._map.words import ending

if TYPE_CHECKING:
    from collections.abc import Mapping

    from first_jupyter._map.asked import Asked
    from first_jupyter._schema import Form

__all__ = ["Job"]

Json = dict[str, Any]

RUNS = ("validating", "in_progress")
ENDED = ("completed", "failed", "expired", "cancelled")
PATIENCE = 300.0
"""Seconds for which a server that was lost may take to be there again; the batch goes on with it."""
SETTLES = 3.0
"""Seconds for which whoever interrupts waits until the batch has ended."""


class Job:
    """One call of `map`.

    Parameters
    ----------
    asked
        What is asked of each row.
    form
        The form of the answers, if they have one.
    body
        What each request says besides its messages.
    system
        The system prompt, or nothing.
    headers
        Say where the rows may be answered.
    max_cost
        Tokens after which no more is asked.
    replicas
        How many the batch wants for as long as it runs.
    """

    def __init__(
        self,
        asked: Asked,
        form: Form | None,
        body: Json,
        system: str,
        headers: Mapping[str, str],
        *,
        max_cost: int | None,
        replicas: int | None,
    ) -> None:
        self._asked, self._form, self._body, self._system = asked, form, body, system
        self._headers, self._max_cost = headers, max_cost
        self._numbers = {"max_cost": max_cost, "replicas": replicas}
        self._batches = Batches()
        self._missing: list[int] = []
        self._ran = False
        self._lost: float | None = None
        self.batch: Json = {}
        self.trouble = ""

    def begin(self, *, fresh: bool) -> None:
        """Find the batch of these very rows, or make one.

        Parameters
        ----------
        fresh
            Do not look for one.

        Raises
        ------
        FirstError
            If a row is no prompt, or the server refuses them.
        """
        with tempfile.TemporaryFile() as file:
            count, key = self._write(file)
            if not count:
                return
            found = None if fresh else self._batches.find(key)
            if found is None:
                file.seek(0)
                found = self._batches.begin(file, key, self._numbers, self._headers)
        self.batch = found

    def look(self) -> bool:
        """See how far the batch is; returns whether it has ended.

        Raises
        ------
        FirstError
            If the server is away for long, or refuses the rows.
        """
        if not self.batch:
            return True
        try:
            return self._look()
        except (NotConnectedError, StatusError) as error:
            self._lost = self._lost or time.monotonic()
            refused = isinstance(error, StatusError) and error.status not in (401, 502, 503)
            if refused or time.monotonic() - self._lost > PATIENCE:
                raise
            self.trouble = "The server does not answer; the batch goes on once it is there again."
            return False

    def stop(self) -> str:
        """Have the batch end where it is; returns how to go on, in a sentence."""
        if not self.batch:
            return "stopped before anything was asked."
        try:
            self.batch = self._batches.cancel(self.batch["id"])
            self._settle()
        except (NotConnectedError, StatusError) as error:
            why = str(error).rstrip(".")
            return (
                f"stopped waiting; {self._kept}. The batch could not be cancelled ({why}) and goes on "
                "with the server. The same call takes it up again."
            )
        return f"stopped; {self._kept}. The same call goes on with the rest."

    def _settle(self) -> None:
        """Wait a moment for a batch that is being cancelled, so that what is said of it is true."""
        until = time.monotonic() + SETTLES
        while self.batch["status"] == "cancelling" and time.monotonic() < until:
            time.sleep(0.1)
            self.batch = self._batches.get(self.batch["id"])

    def result(self) -> tuple[Any, str]:
        """Read the answers; returns them in the shape of what was given, and a sentence on how it ended.

        Raises
        ------
        FirstError
            If the server found the rows wrong, or no row was answered.
        """
        if self.batch.get("status") == "failed":
            faults = (self.batch.get("errors") or {}).get("data") or [{}]
            raise FirstError(
                f"The server refuses these rows: {faults[0].get('message') or 'it says not why.'}"
            )
        answered = Answered(len(self._asked), self._form)
        for number in self._missing:
            answered.fail(number, "a value that the prompt needs is missing in this row")
        for entry in self._batches.entries(self.batch.get("output_file_id")):
            answered.take(entry)
        for entry in self._batches.entries(self.batch.get("error_file_id")):
            answered.refuse(entry)
        said = ending(self.batch, answered, self._max_cost if self.is_spent else None)
        if answered.failures and not answered.count and self.batch.get("status") == "completed":
            raise FirstError(said)
        return shaped(answered, self._asked.index, self.batch), said

    @property
    def model(self) -> str:
        """The model that is asked."""
        return str(self._body["model"])

    @property
    def is_moving(self) -> bool:
        """Whether any row is done."""
        counts = self.batch.get("request_counts") or {}
        return bool(counts.get("completed") or counts.get("failed"))

    @property
    def is_spent(self) -> bool:
        """Whether as many tokens are used as may be."""
        used: int = (self.batch.get("usage") or {}).get("total_tokens") or 0
        return self._max_cost is not None and used >= self._max_cost

    def _look(self) -> bool:
        self.batch = self._batches.get(self.batch["id"])
        self._lost, self.trouble = None, ""
        status = self.batch["status"]
        if status in RUNS:
            self._ran = True
            if self.is_spent:  # it was begun with another max_cost
                self.batch = self._batches.cancel(self.batch["id"])
        elif status in ("cancelled", "expired") and not self.is_spent and not (self._ran and self._is_ours):
            self._ran = True
            self._batches.resume(self.batch["id"], self._max_cost)
            return False
        return status in ENDED

    @property
    def _is_ours(self) -> bool:
        """Whether the batch runs with the `max_cost` of this call."""
        stated: int | None = (self.batch.get("first") or {}).get("max_cost")
        return stated == self._max_cost

    @property
    def _kept(self) -> str:
        counts = self.batch["request_counts"]
        return f"{counts['completed']:,} of {counts['total']:,} rows are answered and kept"

    def _write(self, file: IO[bytes]) -> tuple[int, str]:
        """Write the batch's input; returns how many requests it has, and a name that it alone has."""
        # A batch whose rows may go elsewhere is another one.
        stay = self._headers.get("x-first-stay"), control.rules().get("stay")
        count, content = 0, hashlib.sha256(repr(stay).encode())
        before = [{"role": "system", "content": self._system}] if self._system else []
        for number, messages in enumerate(self._asked):
            if messages is None:
                self._missing.append(number)
                continue
            body = {**self._body, "messages": [*before, *messages]}
            request = {"custom_id": str(number), "method": "POST", "url": ENDPOINT, "body": body}
            line = json.dumps(request).encode() + b"\n"
            content.update(line)
            file.write(line)
            count += 1
        return count, content.hexdigest()
