"""The byte streams of a tunnel, each a transport as asyncio's protocols know them (PEP 3156)."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any

from .frames import COUNT, Frame, Kind, ProtocolError
from .link import Link

__all__ = ["WINDOW", "Stream", "Streams"]

WINDOW = 256 * 1024
"""Bytes of a stream that may be on their way, or wait for their taker."""

PIECE = 32 * 1024
"""Bytes of the longest frame: a long one would hold up the other streams."""

HIGH, LOW = 64 * 1024, 16 * 1024
"""Bytes that wait for room in the window when the writer is told to stop, and to go on."""


class Stream(asyncio.Transport):
    """One stream.

    Parameters
    ----------
    link
        Carries its frames.
    number
        Its number, the same on both sides.
    fresh
        Where it puts itself when something has come that is to be handed over.
    ended
        Called when it is over.
    """

    def __init__(
        self, link: Link, number: int, fresh: dict[int, Stream], ended: Callable[[int], None]
    ) -> None:
        super().__init__()
        self._link, self.number, self._fresh, self._ended = link, number, fresh, ended
        self._protocol: asyncio.BaseProtocol
        self._loop = asyncio.get_running_loop()
        self._room = WINDOW
        self._heard = self._loop.time()
        self._unsent: deque[bytes] = deque()
        self._waiting = 0
        self._written, self._read = 0, 0
        self._unread: list[bytes] = []
        self._untold, self._granted = 0, 0
        self._is_paused = self._is_full = self._is_closing = self._is_over = False
        self._last: int | None = None

    # what its protocol asks of it

    def get_protocol(self) -> asyncio.BaseProtocol:
        """Return who takes its bytes."""
        return self._protocol

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        """Name who takes its bytes."""
        self._protocol = protocol

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """Return the seconds since bytes came last as ``silence``, else the default: there is no socket."""
        return self._loop.time() - self._heard if name == "silence" else default

    def is_closing(self) -> bool:
        """Whether it is over, or will be once all is sent."""
        return self._is_closing

    def is_reading(self) -> bool:
        """Whether bytes are handed over as they come."""
        return not self._is_paused

    def pause_reading(self) -> None:
        """Hand over nothing more; once the window is full the other side stops sending."""
        self._is_paused = True

    def resume_reading(self) -> None:
        """Hand over what has come, and what comes."""
        if self._is_paused:
            self._is_paused = False
            self._loop.call_soon(self.hand_over)

    def get_write_buffer_size(self) -> int:
        """Return the bytes that wait for room."""
        return self._waiting

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """Leave the limits as they are."""

    def write(self, data: Any) -> None:
        """Send bytes, as far as there is room, and the rest when there is."""
        if self._is_closing or not data:
            return
        size = len(data)
        if not self._unsent and size <= self._room and size <= PIECE:
            self._room -= size
            self._written += size
            self._link.send(Kind.DATA, self.number, bytes(data))
            return
        self._unsent.append(bytes(data))
        self._waiting += size
        self._send()
        if self._waiting > HIGH and not self._is_full:
            self._is_full = True
            self._tell("pause_writing")

    def can_write_eof(self) -> bool:
        """Say no: a stream ends in both directions at once."""
        return False

    def close(self) -> None:
        """End it once all is sent."""
        if not self._is_closing:
            self._is_closing = True
            self._send()

    def abort(self, reason: str = "") -> None:
        """End it now, and have the other side's end too."""
        if not self._is_over:
            self._link.send(Kind.RESET, self.number, reason.encode()[:1_000])
            self._over(None)

    # what the tunnel tells it

    def arrived(self, frame: Frame) -> None:
        """Take a frame.

        Raises
        ------
        ProtocolError
            Where it breaks the rules of streams.
        """
        if frame.kind is Kind.DATA:
            self._heard = self._loop.time()
            if not frame.body:
                return  # It says nothing, and would take a place all the same.
            self._read += len(frame.body)
            self._unread.append(frame.body)
            if self._read - self._granted > WINDOW:
                raise ProtocolError("more bytes of a stream than were let in")
            self._fresh[self.number] = self
        elif frame.kind is Kind.WINDOW:
            self._room += frame.number
            self._send()
        elif frame.kind is Kind.RESET:
            self._over(ConnectionResetError(frame.body.decode("utf-8", "replace") or "it was given up"))
        elif frame.kind is Kind.END:
            self._last = frame.number
            self._fresh[self.number] = self

    def lost(self, reason: str) -> None:
        """End it, since the tunnel is gone."""
        self._over(ConnectionResetError(reason))

    def _send(self) -> None:
        while self._unsent and self._room > 0:
            data = self._unsent[0]
            piece = data[: min(self._room, PIECE)]
            if len(piece) == len(data):
                self._unsent.popleft()
            else:
                self._unsent[0] = data[len(piece) :]
            self._room -= len(piece)
            self._waiting -= len(piece)
            self._written += len(piece)
            self._link.send(Kind.DATA, self.number, piece)
        if self._is_full and self._waiting < LOW:
            self._is_full = False
            self._tell("resume_writing")
        if self._is_closing and not self._unsent and not self._is_over:
            self._link.send(Kind.END, self.number, COUNT.pack(self._written))
            self._over(None)

    def hand_over(self) -> None:
        """Hand over what has come, in one piece however many frames it was."""
        if self._unread and not self._is_paused and not self._is_over:
            data = self._unread[0] if len(self._unread) == 1 else b"".join(self._unread)
            self._unread.clear()
            self._untold += len(data)
            self._tell("data_received", data)
        if self._is_over:
            return
        if self._last is not None and not self._unread:
            is_whole = self._last == self._read
            self._over(None if is_whole else ConnectionResetError("bytes are missing from the tunnel"))
        elif self._untold >= WINDOW // 4:
            self._link.send(Kind.WINDOW, self.number, COUNT.pack(self._untold))
            self._granted += self._untold
            self._untold = 0

    def _over(self, error: Exception | None) -> None:
        if self._is_over:
            return
        self._is_over = self._is_closing = True
        self._unsent.clear()
        self._unread.clear()
        self._waiting = 0
        self._ended(self.number)
        self._loop.call_soon(self._tell, "connection_lost", error)

    def _tell(self, event: str, *said: Any) -> None:
        try:
            getattr(self._protocol, event)(*said)
        except Exception as error:  # noqa: BLE001  (one protocol that fails must not end its neighbours)
            self._loop.call_exception_handler(
                {"message": f"A stream's {event} failed", "exception": error, "protocol": self._protocol}
            )
            self.abort("its taker failed")


class Streams:
    """All streams of a session.

    Parameters
    ----------
    link
        Carries them.
    serve
        Makes the protocol of a stream that the other side opens; None where it may open none.
    """

    def __init__(self, link: Link, serve: Callable[[], asyncio.BaseProtocol] | None = None) -> None:
        self.link, self._serve = link, serve
        self._open: dict[int, Stream] = {}
        self._fresh: dict[int, Stream] = {}
        self._newest = 0

    def __len__(self) -> int:
        return len(self._open)

    def open(self, protocol: asyncio.BaseProtocol) -> Stream:
        """Open a stream for a protocol."""
        self._newest += 1
        self.link.send(Kind.OPEN, self._newest)
        return self._begin(self._newest, protocol)

    def settle(self) -> None:
        """Hand over what the last frames brought."""
        fresh = list(self._fresh.values())
        self._fresh.clear()
        for stream in fresh:
            stream.hand_over()

    def arrived(self, frame: Frame) -> None:
        """Take a frame of the session; ``settle`` is to follow.

        Raises
        ------
        ProtocolError
            Where it breaks the rules.
        """
        if not self.link.take(frame):
            return
        if frame.kind is Kind.OPEN:
            if self._serve is None or frame.stream <= self._newest:
                raise ProtocolError(f"stream {frame.stream} may not be opened")
            self._newest = frame.stream
            self._begin(frame.stream, self._serve())
        elif (stream := self._open.get(frame.stream)) is not None:
            stream.arrived(frame)
        elif frame.stream > self._newest:
            raise ProtocolError(f"stream {frame.stream} was never opened")

    def lost(self, reason: str) -> None:
        """End all of them, since the session is over."""
        for stream in list(self._open.values()):
            stream.lost(reason)

    def abort(self, reason: str) -> None:
        """End all of them, and have the other side's end too."""
        for stream in list(self._open.values()):
            stream.abort(reason)

    def _begin(self, number: int, protocol: asyncio.BaseProtocol) -> Stream:
        stream = self._open[number] = Stream(self.link, number, self._fresh, self._ended)
        stream.set_protocol(protocol)
        protocol.connection_made(stream)
        return stream

    def _ended(self, number: int) -> None:
        self._open.pop(number, None)
