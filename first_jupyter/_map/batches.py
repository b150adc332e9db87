"""Files and batches of this kernel's server, through OpenAI's client."""

from __future__ import annotations

import io
import json
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Any, Literal

import openai
from openai.types import Batch

from first_jupyter._errors import NotConnectedError, StatusError
from first_jupyter._openai import OpenAI

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["ENDPOINT", "Batches"]

Json = dict[str, Any]

ENDPOINT: Literal["/v1/chat/completions"] = "/v1/chat/completions"
KEY = "first_map"
"""Names the batch's rows in its metadata, so that the same call finds it again."""
WINDOW = "7d"


class Batches:
    """The server's batches. All methods raise `NotConnectedError` or `StatusError`."""

    def __init__(self) -> None:
        self._client: OpenAI | None = None

    def find(self, key: str) -> Json | None:
        """Find the newest batch of these rows of which something can come."""
        with self._asked() as client:
            for each in client.batches.list(limit=1000):
                if (each.metadata or {}).get(KEY) == key and self._is_of_use(client, each):
                    return each.model_dump()
        return None

    def begin(
        self, source: IO[bytes], key: str, numbers: Mapping[str, int | None], headers: Mapping[str, str]
    ) -> Json:
        """Upload rows, and make a batch of them.

        Parameters
        ----------
        source
            The batch's input.
        key
            By which it is found again.
        numbers
            ``max_cost`` and ``replicas``.
        headers
            Say where the rows may be answered.
        """
        metadata = {KEY: key, **{name: str(number) for name, number in numbers.items() if number is not None}}
        with self._asked() as client:
            file = client.files.create(file=("map.jsonl", source), purpose="batch")
            made = client.batches.create(
                input_file_id=file.id,
                endpoint=ENDPOINT,
                completion_window=WINDOW,  # type: ignore[arg-type]  # ours may be longer than OpenAI's
                metadata=metadata,
                extra_headers=headers,
            )
            return made.model_dump()

    def get(self, identity: str) -> Json:
        """Read a batch."""
        with self._asked() as client:
            return client.batches.retrieve(identity).model_dump()

    def cancel(self, identity: str) -> Json:
        """Have a batch end with what is answered by now; one that has ended stays as it is."""
        with self._asked() as client:
            try:
                return client.batches.cancel(identity).model_dump()
            except openai.ConflictError:
                return client.batches.retrieve(identity).model_dump()

    def resume(self, identity: str, max_cost: int | None) -> None:
        """Have a batch that was cancelled or has expired go on with the rest."""
        with self._asked() as client:
            client.post(f"/batches/{identity}/resume", body={"max_cost": max_cost}, cast_to=Batch)

    def entries(self, file_id: str | None) -> Iterator[Json]:
        """Read a file of results, line by line."""
        if not file_id:
            return
        with self._asked() as client:
            content = client.files.content(file_id).content
        # Not by str.splitlines(): an answer may hold what Unicode takes for the end of a line.
        for line in io.BytesIO(content):
            yield json.loads(line)

    @staticmethod
    def _is_of_use(client: OpenAI, batch: Batch) -> bool:
        """Whether a batch still goes on, can be resumed, or has answers that are still there."""
        if batch.status != "completed":
            return batch.status != "failed"
        try:
            return bool(batch.output_file_id and client.files.retrieve(batch.output_file_id))
        except openai.NotFoundError:
            return False

    @contextmanager
    def _asked(self) -> Iterator[OpenAI]:
        try:
            self._client = self._client or OpenAI()
            yield self._client
        except openai.APIConnectionError as error:
            self._client = None  # a server that was started again has another address
            raise NotConnectedError(
                "The server does not answer; start it again with `jupyter lab`, then make the same call."
            ) from error
        except openai.APIStatusError as error:
            if error.status_code == 401:
                self._client = None
            said = error.body if isinstance(error.body, dict) else {}
            raise StatusError(error.status_code, str(said.get("message") or error.message)) from error
