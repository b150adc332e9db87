"""The part of the WebSocket protocol that a tunnel needs: binary messages, pings and closes (RFC 6455)."""

from __future__ import annotations

import base64
import hashlib
import os
import struct
from collections.abc import Iterator

from .frames import ProtocolError

__all__ = ["CLOSE", "LONGEST", "MESSAGE", "PING", "PONG", "Decoder", "accept", "encode", "new_key"]

MESSAGE, CLOSE, PING, PONG = 0x2, 0x8, 0x9, 0xA
_CONTINUATION, _TEXT = 0x0, 0x1
_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

LONGEST = 256 * 1024
"""Bytes of the longest message that is taken; a tunnel's frames are far shorter."""

MOST_PARTS = 1_024
"""Parts that a message may have been divided into on its way."""


def new_key() -> str:
    """Return what a client's ``Sec-WebSocket-Key`` says."""
    return base64.b64encode(os.urandom(16)).decode()


def accept(key: str) -> str:
    """Return what the server's ``Sec-WebSocket-Accept`` has to answer (RFC 6455, section 4.2.2)."""
    digest = hashlib.sha1(key.encode() + _GUID, usedforsecurity=False).digest()
    return base64.b64encode(digest).decode()


def encode(data: bytes, *, masked: bool, opcode: int = MESSAGE) -> bytes:
    """Return a message on the wire; what a client sends is masked."""
    size, mask_bit = len(data), 0x80 if masked else 0
    if size < 126:
        head = struct.pack("!BB", 0x80 | opcode, mask_bit | size)
    elif size < 65_536:
        head = struct.pack("!BBH", 0x80 | opcode, mask_bit | 126, size)
    else:
        head = struct.pack("!BBQ", 0x80 | opcode, mask_bit | 127, size)
    if not masked:
        return head + data
    mask = os.urandom(4)
    return head + mask + _mask(data, mask)


class Decoder:
    """Takes bytes apart into messages.

    Parameters
    ----------
    masked
        Whether the other side has to mask what it sends: a client does, a server does not.
    """

    def __init__(self, *, masked: bool) -> None:
        self._masked = masked
        self._rest = b""
        self._begun: list[bytes] = []
        self._size = 0

    def feed(self, data: bytes) -> Iterator[tuple[int, bytes]]:
        """Take bytes; yields the opcode and the data of each message that is whole by now.

        Raises
        ------
        ProtocolError
            Where the bytes are no WebSocket's, or a message is too long.
        """
        buffer, at = self._rest + data if self._rest else data, 0
        try:
            while (found := self._frame(buffer, at)) is not None:
                first, body, at = found
                yield from self._message(first, body)
        finally:
            self._rest = buffer[at:]

    def _frame(self, buffer: bytes, at: int) -> tuple[int, bytes, int] | None:
        """Return a frame's first byte, its data, and where the next one begins; None of a part."""
        if len(buffer) - at < 2:
            return None
        first, second = buffer[at], buffer[at + 1]
        if first & 0x70 or bool(second & 0x80) is not self._masked:
            raise ProtocolError("bytes that are no WebSocket's")
        at, size = at + 2, second & 0x7F
        if size > 125:
            form = "!H" if size == 126 else "!Q"
            wide = struct.calcsize(form)
            if len(buffer) - at < wide:
                return None
            (size,) = struct.unpack_from(form, buffer, at)
            at += wide
        if size > LONGEST:
            raise ProtocolError(f"a message of {size} bytes")
        mask = buffer[at : at + 4] if self._masked else b""
        at += 4 if self._masked else 0
        if len(buffer) - at < size:
            return None
        body = buffer[at : at + size]
        return first, _mask(body, mask) if mask else body, at + size

    def _message(self, first: int, body: bytes) -> Iterator[tuple[int, bytes]]:
        """Put the parts of a message together; a proxy on the way may have divided it."""
        opcode, is_last = first & 0x0F, bool(first & 0x80)
        if opcode >= CLOSE:
            if len(body) > 125 or not is_last:
                raise ProtocolError("a control frame that is long, or in parts")
            yield opcode, body
            return
        if opcode == _TEXT or (opcode == _CONTINUATION) is not bool(self._begun):
            raise ProtocolError("a message of text, or a part of none")
        self._begun.append(body)
        self._size += len(body)
        if self._size > LONGEST or len(self._begun) > MOST_PARTS:
            raise ProtocolError("a message in parts that is too long, or in too many")
        if is_last:
            whole, self._begun, self._size = b"".join(self._begun), [], 0
            yield MESSAGE, whole


def _mask(data: bytes, mask: bytes) -> bytes:
    """Mask, or take the mask away (RFC 6455, section 5.3), all bytes at once as one number."""
    size = len(data)
    pattern = (mask * (size // 4 + 1))[:size]
    return (int.from_bytes(data, "big") ^ int.from_bytes(pattern, "big")).to_bytes(size, "big")
