"""The side towards the replicas: keep-alive connections that hand over an answer's bytes as they come."""

from __future__ import annotations

import asyncio
import socket
import struct
from typing import TYPE_CHECKING, Protocol, cast

import httptools

from .chunks import OPENINGS

if TYPE_CHECKING:
    from .pool import Pool

__all__ = ["Receiver", "UpstreamConnection", "head_bytes", "request_bytes"]

_FRAMING = (b"content-length", b"transfer-encoding")

MAX_HEAD = 262_144
"""Bytes that may come without any of an answer's body among them: a head, what frames chunks, trailers."""

HEAD_WITHIN = 10.0
"""Seconds within which a head that has begun has to be whole."""

_TCP_INFO = struct.Struct("8x12I")
"""The beginning of Linux' ``struct tcp_info``; its last field is the milliseconds since data came last."""


class Receiver(Protocol):
    """Who an answer is for."""

    def on_head(self, status: int, headers: list[tuple[bytes, bytes]]) -> None:
        """Take the status and the headers, names in lower case."""

    def on_data(self, data: bytes) -> None:
        """Take a piece of the body."""

    def on_end(self) -> None:
        """Take note that the answer is whole."""

    def on_lost(self, reused: bool) -> None:
        """Take note that the connection went too early; ``reused`` tells that it had served before."""


def request_bytes(
    method: str, path: str, host: str, headers: list[tuple[bytes, bytes]], body: bytes
) -> bytes:
    """Put a request on the wire (RFC 9112); length and host are added here."""
    return b"%bcontent-length: %d\r\n\r\n%b" % (head_bytes(method, path, host, headers), len(body), body)


def head_bytes(method: str, path: str, host: str, headers: list[tuple[bytes, bytes]]) -> bytes:
    """Return the beginning of a request: to be followed by more headers, an empty line, and the body."""
    head = [b"%b %b HTTP/1.1\r\nhost: %b\r\n" % (method.encode(), path.encode(), host.encode())]
    return b"".join([*head, *[b"%b: %b\r\n" % header for header in headers]])


class UpstreamConnection(asyncio.Protocol):
    """One connection to a replica; serves one request at a time."""

    __slots__ = (
        *("_between_chunks", "_bodiless", "_body", "_chunk_is_whole", "_complete"),
        *("_ends_with_connection", "_half_head", "_headers", "_in_head", "_keep_alive", "_parser"),
        *("_pool", "_receiver", "_served", "transport"),
    )

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._receiver: Receiver | None = None
        self._served = 0
        self._parser: httptools.HttpResponseParser | None = None
        self._headers: list[tuple[bytes, bytes]] = []
        self._body: list[bytes] = []
        self._complete = False
        self._keep_alive = False
        self._ends_with_connection = False
        self._bodiless = 0
        self._in_head = False
        self._half_head: asyncio.TimerHandle | None = None
        self._chunk_is_whole = self._between_chunks = False
        self.transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self.transport = cast("asyncio.Transport", transport)

    def send(self, request: bytes, receiver: Receiver) -> None:
        """Send a request whose answer goes to the receiver."""
        self._receiver = receiver
        self._complete = False
        self._ends_with_connection = False
        self._chunk_is_whole = self._between_chunks = False
        self._headers = []
        self._bodiless = 0
        self._parser = httptools.HttpResponseParser(self)
        self.transport.write(request)

    def abort(self) -> None:
        """Hang up at once: nobody wants the answer any more."""
        self._receiver = None
        self.transport.abort()

    def silence(self) -> float:
        """Return the seconds since the other side said something; 0 where the system does not tell."""
        if (silent := self.transport.get_extra_info("silence")) is not None:
            return float(silent)
        sock = self.transport.get_extra_info("socket")
        try:
            told = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _TCP_INFO.size)
        except (AttributeError, OSError):
            return 0.0
        return float(_TCP_INFO.unpack(told)[-1]) / 1000

    def pause_reading(self) -> None:
        """Stop taking bytes until ``resume_reading``."""
        self.transport.pause_reading()

    def resume_reading(self) -> None:
        """Take bytes again."""
        self.transport.resume_reading()

    def data_received(self, data: bytes) -> None:
        """Parse what came and hand its body over in one piece, however many chunks it was.

        Nearly every token comes as one chunk in one read. The parser need not see it: it is between two
        chunks before and after.
        """
        receiver = self._receiver
        if self._parser is None or receiver is None:
            self.transport.abort()
            return
        if self._between_chunks and (size := len(data)) < len(OPENINGS):
            opening = OPENINGS[size]
            if data.startswith(opening) and data.endswith(b"\r\n"):
                receiver.on_data(data[len(opening) : -2])
                return
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self.transport.abort()
            return
        if not self._body and not self._may_go_on(len(data)):
            self.transport.abort()
            return
        # Were it within the next chunk's first line, either that line were whole or the end of it missing.
        if self._chunk_is_whole and data.endswith(b"\r\n"):
            self._between_chunks, self._bodiless = True, 0
        else:
            self._between_chunks = False
        self._hand_over()

    def _may_go_on(self, size: int) -> bool:
        """Count bytes without any body, and return whether there may be more; half a head gets its time."""
        self._bodiless += size
        if self._in_head and self._half_head is None:
            loop = asyncio.get_running_loop()
            self._half_head = loop.call_later(HEAD_WITHIN, self.transport.abort)
        return self._bodiless <= MAX_HEAD

    def _hand_over(self) -> None:
        receiver = self._receiver
        if receiver is not None and self._body:
            body, self._body = self._body, []
            self._bodiless = 0
            receiver.on_data(body[0] if len(body) == 1 else b"".join(body))
        # The receiver may have hung up while it took the data.
        if self._complete and self._receiver is not None:
            self._finish()

    def _finish(self) -> None:
        receiver, self._receiver = self._receiver, None
        self._parser = None
        self._served += 1
        if self._keep_alive and not self.transport.is_closing():
            self.resume_reading()
            self._pool.release(self)
        else:
            self.transport.close()
        if receiver is not None:
            receiver.on_end()

    def on_message_begin(self) -> None:
        """Note that a head has begun: the answer's, or an interim one's before it (called by the parser)."""
        if self._complete:
            raise ValueError("an answer that nobody asked for")
        self._headers = []
        self._in_head = True

    def _head_is_over(self) -> None:
        self._in_head = False
        if self._half_head is not None:
            self._half_head.cancel()
            self._half_head = None

    def on_header(self, name: bytes, value: bytes) -> None:
        """Collect a header (called by the parser), but for those in a trailer."""
        if self._in_head:
            self._headers.append((name.lower(), value.rstrip(b" \t")))

    def on_headers_complete(self) -> None:
        """Hand over the head, unless it is an interim one (called by the parser)."""
        self._head_is_over()
        status = cast("httptools.HttpResponseParser", self._parser).get_status_code()
        headers, self._headers = self._headers, []
        if status < 200 and (status < 100 or any(name in _FRAMING for name, _ in headers)):
            raise ValueError("neither an answer nor an interim one, which has no body")
        if self._receiver is not None and status >= 200:
            codings = [value for name, value in headers if name == b"transfer-encoding"]
            if any(coding.lower() != b"chunked" for coding in codings):
                raise ValueError("a body that is coded as nobody asked for")
            has_length = any(name == b"content-length" for name, _ in headers)
            self._ends_with_connection = not (has_length or codings)
            self._receiver.on_head(status, headers)

    def on_body(self, data: bytes) -> None:
        """Collect a piece of the body (called by the parser)."""
        self._body.append(data)

    def on_chunk_header(self) -> None:
        """Note that a chunk has begun (called by the parser)."""
        self._chunk_is_whole = False

    def on_chunk_complete(self) -> None:
        """Note that a chunk has ended (called by the parser)."""
        self._chunk_is_whole = True

    def on_message_complete(self) -> None:
        """Note the end (called by the parser), but for an interim answer."""
        parser = cast("httptools.HttpResponseParser", self._parser)
        if parser.get_status_code() >= 200:
            self._complete = True
            # The parser knows this only now: it forgets with the end of the message.
            self._keep_alive = parser.should_keep_alive()

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell the receiver, if one still waits.

        An answer with neither length nor chunks ends where its connection does (RFC 9112, section 6.3).
        """
        self._head_is_over()
        self._pool.forget(self)
        receiver, self._receiver = self._receiver, None
        if receiver is None:
            return
        if exc is None and self._ends_with_connection:
            receiver.on_end()
        else:
            receiver.on_lost(reused=self._served > 0)
