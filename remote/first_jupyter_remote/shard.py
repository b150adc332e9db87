"""Rows of a batch, asked from beside their inference server: many requests that come back as one answer."""

from __future__ import annotations

import http.client
import json
import queue
import socket
import threading
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING

from .protocol.shards import Line, read_request

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Shard"]

HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/tab-separated-values\r\ntransfer-encoding: chunked\r\n\r\n"


class Shard:
    """The rows of one request, answered as many at a time as it says.

    Parameters
    ----------
    connect
        Opens a connection to the inference server; raises ``OSError`` where it cannot.
    key
        The server's.
    body
        The request's: see ``protocol.shards``.

    Notes
    -----
    A row whose connection breaks is left out of the answer. After as many failures in a row as rows are asked
    at a time, all further ones are left out: whoever asked has them answered another time or elsewhere.
    """

    def __init__(self, connect: Callable[[], socket.socket], key: str, body: bytes) -> None:
        self._asked = read_request(body)
        self._rows = deque(self._asked.rows)
        self._connect, self._key = connect, key
        self._results: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self._kept = HEAD
        self._lock = threading.Lock()
        self._open: set[http.client.HTTPConnection] = set()
        self._broken, self._over = 0, False
        self._left = min(self._asked.width, len(self._rows))
        if not self._left:
            self._end()
        for _ in range(self._left):
            threading.Thread(target=self._work, daemon=True, name="first-shard").start()

    def receive(self, most: int, seconds: float) -> bytes:
        """Return a piece of the answer, of at most so many bytes; nothing at its end.

        Raises
        ------
        TimeoutError
            Where none has come in so many seconds.
        """
        if not self._kept:
            try:
                self._kept = self._results.get(timeout=seconds)
            except queue.Empty:
                raise TimeoutError from None
        piece, self._kept = self._kept[:most], self._kept[most:]
        return piece

    def close(self) -> None:
        """Leave: what is being asked is hung up on, so that the server works on it no more."""
        self._over = True
        with self._lock:
            for connection in self._open:
                _hang_up(connection)

    def _work(self) -> None:
        connection = http.client.HTTPConnection("replica")
        with self._lock:
            self._open.add(connection)
        try:
            while not self._over and (row := self._next()) is not None:
                try:
                    line = self._ask(connection, *row)
                except (OSError, http.client.HTTPException):
                    connection.close()
                    self._count(failed=True)
                else:
                    self._put(line)
                    self._count(failed=line.status >= 500)
        finally:
            connection.close()
            with self._lock:
                self._open.discard(connection)
                self._left -= 1
                if not self._left:
                    self._end()

    def _next(self) -> tuple[int, bytes] | None:
        try:
            return self._rows.popleft()
        except IndexError:
            return None

    def _ask(self, connection: http.client.HTTPConnection, number: int, body: bytes) -> Line:
        has_served = connection.sock is not None
        try:
            answer = self._answer(connection, number, body)
        except ConnectionError:
            connection.close()
            if not has_served or self._over:
                raise
            answer = self._answer(connection, number, body)  # it was closed while nobody used it
        said = _one_line(answer.read())
        return Line(number, answer.status, self._identity(number), said)

    def _identity(self, number: int) -> str:
        """Return a row's id, by which its server and who asked speak of the same request."""
        return f"{self._asked.batch}-{number}"

    def _answer(
        self, connection: http.client.HTTPConnection, number: int, body: bytes
    ) -> http.client.HTTPResponse:
        if connection.sock is None:
            connection.sock = self._connect()
            connection.sock.settimeout(None)  # an answer takes its time; a node that is lost is noticed
        headers = {
            "Authorization": f"Bearer {self._key}",
            "Content-Type": "application/json",
            "X-Request-Id": self._identity(number),
        }
        connection.request("POST", self._asked.endpoint, body, headers)
        return connection.getresponse()

    def _count(self, *, failed: bool) -> None:
        self._broken = self._broken + 1 if failed else 0
        self._over = self._over or self._broken >= self._asked.width

    def _put(self, line: Line) -> None:
        data = line.to_bytes()
        self._results.put(b"%x\r\n%b\r\n" % (len(data), data))

    def _end(self) -> None:
        self._results.put(b"0\r\n\r\n")
        self._results.put(b"")


def _one_line(body: bytes) -> bytes:
    """Return a JSON body without line breaks, which only stand between its values; else the text as JSON."""
    try:
        return body if b"\n" not in body and json.loads(body) else json.dumps(json.loads(body)).encode()
    except ValueError:
        return json.dumps(body[:2_000].decode("utf-8", "replace")).encode()


def _hang_up(connection: http.client.HTTPConnection) -> None:
    sock = connection.sock
    if sock is not None:
        with suppress(OSError):
            sock.shutdown(socket.SHUT_RDWR)
