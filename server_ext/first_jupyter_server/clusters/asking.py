"""Asks a server a short question over HTTP, the way in which requests go to it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from first_jupyter_server.dataplane.pool import Pool
from first_jupyter_server.dataplane.upstream import UpstreamConnection, request_bytes

__all__ = ["Address", "Said", "Unanswered", "ask"]

LONGEST = 8 * 2**20
"""Bytes of the longest answer."""


class Unanswered(Exception):  # noqa: N818  # it is told as what befell a cluster
    """A question that got no answer.

    Parameters
    ----------
    reason
        One sentence: what happened, and what to do now.
    passing
        Whether it may have been a mere moment's.
    """

    def __init__(self, reason: str, *, passing: bool = False) -> None:
        super().__init__(reason)
        self.reason, self.passing = reason, passing


@dataclass(frozen=True, slots=True)
class Address:
    """Where a server's API begins."""

    host: str
    port: int
    tls: bool
    path: str

    @classmethod
    def of(cls, url: str) -> Address:
        """Read an ``http://`` or ``https://`` address."""
        parts = urlsplit(url)
        tls = parts.scheme == "https"
        return cls(parts.hostname or "", parts.port or (443 if tls else 80), tls, parts.path.rstrip("/"))


@dataclass(frozen=True, slots=True)
class Said:
    """An answer."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    def json(self) -> Any:
        """Return the body's value, None where it is no JSON."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None


async def ask(at: Address, path: str, *, key: str | None, body: Any = None, within: float) -> Said:
    """Ask, and return the answer whatever its status.

    Parameters
    ----------
    at, path
        The server, and what follows its address.
    key
        What the ``Authorization: Bearer`` header has to say.
    body
        A JSON value to post; nothing is asked for with GET.
    within
        Seconds for all of it.

    Raises
    ------
    Unanswered
        Where there is none.
    """
    pool = Pool(at.host, at.port, tls=at.tls)
    headers = [(b"accept", b"application/json"), (b"user-agent", b"first-jupyter"), (b"connection", b"close")]
    if key is not None:
        headers.append((b"authorization", b"Bearer " + key.encode()))
    if body is not None:
        headers.append((b"content-type", b"application/json"))
    method, sent = ("GET", b"") if body is None else ("POST", json.dumps(body).encode())
    answer = _Answer(pool.authority)
    try:
        async with asyncio.timeout(within):
            answer.connection = await pool.dial()
            answer.connection.send(
                request_bytes(method, at.path + path, pool.authority, headers, sent), answer
            )
            return await answer.said
    except TimeoutError:
        raise Unanswered(f"{pool.authority} does not answer within {within:g} s", passing=True) from None
    except OSError as error:
        raise Unanswered(str(error)) from None
    finally:
        if answer.connection is not None:
            answer.connection.abort()


class _Answer:
    """Gathers an answer."""

    def __init__(self, server: str) -> None:
        self._server = server
        self._status = 0
        self._headers: dict[str, str] = {}
        self._body: list[bytes] = []
        self._size = 0
        self.connection: UpstreamConnection | None = None
        self.said: asyncio.Future[Said] = asyncio.get_running_loop().create_future()

    def on_head(self, status: int, headers: list[tuple[bytes, bytes]]) -> None:
        """Take the head."""
        self._status = status
        self._headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in headers}

    def on_data(self, data: bytes) -> None:
        """Take a piece of the body."""
        self._body.append(data)
        self._size += len(data)
        if self._size > LONGEST:
            self._give_up(f"{self._server} answers with more than {LONGEST >> 20} MB")

    def on_end(self) -> None:
        """Hand all of it over."""
        if not self.said.done():
            self.said.set_result(Said(self._status, self._headers, b"".join(self._body)))

    def on_lost(self, reused: bool) -> None:
        """Give up."""
        self._give_up(f"{self._server} closed the connection before its answer was whole", passing=True)

    def _give_up(self, reason: str, *, passing: bool = False) -> None:
        if not self.said.done():
            self.said.set_exception(Unanswered(reason, passing=passing))
