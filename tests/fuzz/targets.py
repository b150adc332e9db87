"""What the guided fuzzer and the replay of what it found have in common: bytes, and how they are cut."""

from collections.abc import Callable, Iterable
from pathlib import Path

from . import answers_read, requests_read, surface_read, tricks

CORPUS = Path(__file__).with_name("corpus")
"""Inputs that the fuzzer found and that are kept, in a folder for each target."""

MOST_SIZES = 4


def _cut(data: bytes) -> tuple[int, bytes, bytes]:
    """Return flags, the sizes of the pieces, and the data that is cut into them."""
    flags = data[0] if data else 0
    count = flags % (MOST_SIZES + 1)
    return flags, data[1 : 1 + count], data[1 + count :]


def requests(data: bytes) -> None:
    """What clients send."""
    flags, sizes, rest = _cut(data)
    requests_read.check(rest, sizes, late=flags >= 128)


def answers(data: bytes) -> None:
    """What replicas send."""
    _, sizes, rest = _cut(data)
    answers_read.check(rest, sizes)


def surface(data: bytes) -> None:
    """What holders of the key send, to the true surface."""
    _, sizes, rest = _cut(data)
    surface_read.play(rest, sizes)


TARGETS: dict[str, Callable[[bytes], None]] = {
    "requests": requests,
    "answers": answers,
    "surface": surface,
}


def _whole(tables: Iterable[dict[str, bytes]]) -> list[bytes]:
    return [b"\0" + trick for table in tables for trick in table.values()]


SEEDS: dict[str, list[bytes]] = {
    "requests": _whole([tricks.REQUESTS]),
    "answers": _whole([tricks.ANSWERS]),
    "surface": _whole([tricks.ASKED]),
}
