"""One HTTP request to the server, on the standard library, that any thread can end."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import time
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlsplit

from first_jupyter._errors import FirstError, NotConnectedError, StatusError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from first_jupyter._connection import Connection

__all__ = ["Exchange"]

AT_ONCE = 0.0005


class Exchange:
    """One request and its answer.

    `close` ends it from any thread and in any phase, also while another thread waits for the first byte:
    the server sees the connection go at once and frees the model. A pooled client cannot do that.

    Parameters
    ----------
    connection
        Which server, and its key.
    method, url
        What to ask.
    body
        Sent as JSON, if given.
    headers
        Sent besides the key.
    timeout
        Seconds of silence that are endured; None endures any.

    Attributes
    ----------
    pile_up
        Seconds for which events may pile up once there are no more to read.
    """

    def __init__(
        self,
        connection: Connection,
        method: str,
        url: str,
        body: Any = None,
        *,
        headers: Mapping[str, str] | None = None,
        timeout: float | None = None,
    ) -> None:
        self._connection, self._method, self._url = connection, method, url
        self._body = None if body is None else json.dumps(body).encode()
        self._headers = {name: value.encode() for name, value in (headers or {}).items()}
        self._timeout = timeout
        self._socket: socket.socket | None = None
        self._response: http.client.HTTPResponse | None = None
        self.closed = False
        self.pile_up = 0.0

    def __enter__(self) -> Self:
        """Send the request and read the head of its answer."""
        where = urlsplit(self._url)
        kind = http.client.HTTPSConnection if where.scheme == "https" else http.client.HTTPConnection
        wire = kind(where.hostname or "", where.port, timeout=5)
        headers: dict[str, str | bytes] = {
            "Authorization": f"Bearer {self._connection.api_key}",
            "Content-Type": "application/json",
            **self._headers,
        }
        try:
            wire.connect()
            self._socket = wire.sock
            self._socket.settimeout(self._timeout)
            if self.closed:
                self.close()
            wire.request(
                self._method, where.path + (f"?{where.query}" if where.query else ""), self._body, headers
            )
            self._response = wire.getresponse()
            if self._response.status >= 400:
                raise _refusal(self._response.status, self._response.read())
        except (OSError, http.client.HTTPException) as error:
            wire.close()
            raise NotConnectedError(
                f"The server at {self._connection.base_url} does not answer ({_reason(error)}); "
                "if Jupyter was restarted, run this cell again, else see `%first status`."
            ) from error
        except FirstError:
            wire.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
        if self._response:
            self._response.close()
        if self._socket:
            self._socket.close()

    def close(self) -> None:
        """End the exchange; a thread that reads from it finds its end."""
        self.closed = True
        if self._socket:
            with contextlib.suppress(OSError):  # it was closed already
                self._socket.shutdown(socket.SHUT_RDWR)

    @property
    def headers(self) -> Mapping[str, str]:
        """The headers of the answer, their names in lower case."""
        return {name.lower(): value for name, value in self._answer.getheaders()}

    @property
    def is_stream(self) -> bool:
        """Whether the answer comes in events."""
        return self._answer.headers.get_content_type() == "text/event-stream"

    def json(self) -> Any:
        """Read the whole answer as JSON."""
        try:
            return json.loads(self._answer.read() or b"null")
        except (OSError, ValueError, http.client.HTTPException) as error:
            raise FirstError(f"The server's answer to {self._url} broke off: {_reason(error)}.") from error

    def events(self) -> Iterator[tuple[str, bytes]]:
        """Read the answer as server-sent events, (name, data) each, until its end, however that comes."""
        name, data = "", b""
        for line in self._lines():
            if not line:
                if data:
                    yield name, data
                name, data = "", b""
            elif line.startswith(b"data:"):
                data = (data + b"\n" if data else b"") + line[5:].removeprefix(b" ")
            elif line.startswith(b"event:"):
                name = line[6:].strip().decode()

    def _lines(self) -> Iterator[bytes]:
        rest = b""
        while True:
            asked = time.perf_counter()
            try:
                chunk = self._answer.read1(65536)
            except (OSError, ValueError, http.client.HTTPException):
                return
            if not chunk:
                return
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                yield line.removesuffix(b"\r")
            if self.pile_up and time.perf_counter() - asked > AT_ONCE:
                time.sleep(self.pile_up)

    @property
    def _answer(self) -> http.client.HTTPResponse:
        assert self._response is not None, "enter the exchange first"  # noqa: S101
        return self._response


def _refusal(status: int, body: bytes) -> StatusError:
    try:
        message = json.loads(body)["error"]["message"]
    except (ValueError, KeyError, TypeError):
        message = f"HTTP {status} {http.client.responses.get(status, '')}".strip()
    if status == 401:
        message = f"{message.rstrip('.')}. This kernel's key is of another server: restart the kernel."
    return StatusError(status, message)


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
