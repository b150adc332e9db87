"""How an answer travels by Globus Compute: in numbered parts, each longer than the one before it; pure."""

from __future__ import annotations

import base64
import hashlib
import math
import zlib
from dataclasses import dataclass
from typing import Any

from .replica import Wire

__all__ = ["IDLE", "LARGEST", "Cutter", "Gatherer", "Part", "PartsError", "lasts", "pack", "unpack"]

LARGEST = 3 * 2**20
"""Bytes of the largest part: packed, three of them are within the 10 MB that a result may have."""

IDLE = 30.0
"""Seconds after which a part without a byte tells that the answer is still waited for."""

LINGER = 0.05
"""Seconds for which the first bytes wait for more: they are seldom a token."""

_STEPS = ((8, 0.5), (12, 1.0), (16, 2.0), (math.inf, 4.0))
_STEPS_OF_SHARDS = ((4, 2.0), (8, 10.0), (math.inf, 60.0))


class PartsError(Exception):
    """What is wrong with the parts of an answer, in a sentence."""


@dataclass(frozen=True, slots=True)
class Part(Wire):
    """One part of an answer.

    Parameters
    ----------
    number
        Its place, from 0 on.
    data
        Its bytes, packed.
    size
        The bytes of the answer up to its end.
    last
        Whether the answer ends with it.
    digest
        Of the last one: the SHA-256 of the whole answer.
    error
        Of the last one: what keeps the answer from being whole, if anything does.
    """

    number: int
    data: str = ""
    size: int = 0
    last: bool = False
    digest: str = ""
    error: str = ""


def lasts(number: int, *, shard: bool = False) -> float:
    """Return the seconds of an answer that a part holds: half a second at first, so that it flows.

    Nobody reads along where a ``shard`` of a batch is answered: its parts are to be few.
    """
    steps = _STEPS_OF_SHARDS if shard else _STEPS
    return next(seconds for until, seconds in steps if number < until) if number else 0.0


def pack(data: bytes) -> str:
    """Put bytes into a text: compressed, since the events of a stream are much alike."""
    return base64.b64encode(zlib.compress(data)).decode() if data else ""


def unpack(text: str, limit: int) -> bytes:
    """Return the bytes of a text.

    Raises
    ------
    PartsError
        Where they are more than ``limit``, or it holds none.
    """
    if not text:
        return b""
    try:
        unpacking = zlib.decompressobj()
        data = unpacking.decompress(base64.b64decode(text, validate=True), limit)
    except (ValueError, zlib.error) as error:
        raise PartsError(f"a part of it cannot be read ({error})") from None
    if not unpacking.eof:
        raise PartsError(f"a part of it is not whole, or larger than {limit >> 20} MB")
    return data


class Cutter:
    """Cuts an answer into parts as it comes.

    Parameters
    ----------
    now
        The moment at which the answer is begun to be waited for, by any clock that the calls share.
    shard
        Whether it is that of a shard of a batch.
    """

    def __init__(self, now: float, *, shard: bool = False) -> None:
        self._shard = shard
        self._number = self._size = 0
        self._kept = bytearray()
        self._digest = hashlib.sha256()
        self._since = now
        self._came: float | None = None

    def add(self, data: bytes, now: float) -> None:
        """Take a piece of the answer; there may be no more than ``room`` bytes."""
        self._kept += data
        is_head_alone = not self._number and self._kept.find(b"\r\n\r\n") in (-1, len(self._kept) - 4)
        if self._came is None and not is_head_alone:  # of which nobody would have anything yet
            self._came = now

    @property
    def room(self) -> int:
        """The bytes that this part still takes."""
        return LARGEST - len(self._kept)

    def left(self, now: float) -> float:
        """Return the seconds until the part is to be cut."""
        if not self.room:
            return 0.0
        if self._came is None:
            return max(0.0, self._since + IDLE - now)
        held = lasts(self._number, shard=self._shard)
        due = self._since + held if self._number else self._came + LINGER
        return max(0.0, due - now)

    def cut(self, now: float, *, last: bool = False, error: str = "") -> Part:
        """Return the part, and begin the next one."""
        data, self._kept, self._since, self._came = bytes(self._kept), bytearray(), now, None
        self._size += len(data)
        self._digest.update(data)
        number, self._number = self._number, self._number + 1
        digest = self._digest.hexdigest() if last else ""
        return Part(number, pack(data), self._size, last, digest, error)


class Gatherer:
    """Puts the parts of an answer together again, and finds out whether one is missing or wrong."""

    def __init__(self) -> None:
        self.number = self.size = 0
        self.is_over = self.is_whole = False
        self._digest = hashlib.sha256()

    def take(self, said: Any) -> bytes:
        """Take the next part, as JSON; return its bytes.

        Raises
        ------
        PartsError
            Where it is not the next one, or not as it was sent, or says itself that there are no more.
        """
        try:
            part = Part.from_json(said)
        except ValueError:
            raise PartsError(f"what came as part {self.number} of it is none") from None
        data = unpack(part.data, LARGEST)
        if part.number != self.number:
            raise PartsError(f"part {part.number} of it came where part {self.number} was to")
        self.number += 1
        self.size += len(data)
        self._digest.update(data)
        self.is_over = part.last
        if part.error:
            raise PartsError(part.error)
        if self.size != part.size or (part.last and part.digest != self._digest.hexdigest()):
            raise PartsError(f"part {part.number} of it came otherwise than it was sent")
        self.is_whole = part.last
        return data
