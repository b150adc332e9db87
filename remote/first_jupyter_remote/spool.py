"""Where the parts of an answer lie on the login node until they are fetched: one folder for each answer."""

from __future__ import annotations

import json
import re
import shutil
import time
from contextlib import suppress
from pathlib import Path

from .protocol.parts import Part
from .records import put

__all__ = ["Spool"]

NAME = re.compile(r"[0-9a-f]{32}")
STALE = 3600.0
"""Seconds after which nobody fetches what is left of an answer."""


class Spool:
    """The parts of one answer; any process of this machine's user may put them here and take them.

    Parameters
    ----------
    home
        The folder of records and logs.
    answer
        The answer's name, 32 hexadecimal digits.
    """

    def __init__(self, home: Path, answer: str) -> None:
        if not NAME.fullmatch(answer):
            raise ValueError(f"{answer!r} cannot name an answer")
        self._all = home / "relay"
        self._place = self._all / answer
        self._given_up, self._over = self._place / "given-up", self._place / "over"

    def begin(self) -> None:
        """Make room for the answer, and away with what was forgotten."""
        self._place.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._all.chmod(0o700)
        for place in self._all.iterdir():
            with suppress(OSError):
                if time.time() - place.stat().st_mtime > STALE:
                    shutil.rmtree(place, ignore_errors=True)

    def put(self, part: Part) -> None:
        """Let a part be fetched."""
        put(self._place / f"{part.number}.part", part.to_json())
        if part.last:
            self._over.touch(mode=0o600)

    def take(self, number: int) -> Part | None:
        """Return a part and remove it; None where it is not there."""
        path = self._place / f"{number}.part"
        try:
            part = Part.from_json(json.loads(path.read_text()))
        except FileNotFoundError:
            return None
        path.unlink(missing_ok=True)
        return part

    def waiting(self) -> int:
        """Return how many parts nobody has fetched yet."""
        return sum(1 for _ in self._place.glob("[0-9]*.part"))

    def give_up(self) -> None:
        """Let it be known that nobody wants the answer any more, whether it has begun or not."""
        self._place.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._given_up.touch(mode=0o600)

    @property
    def is_given_up(self) -> bool:
        """Whether nobody wants the answer any more."""
        return self._given_up.exists()

    @property
    def is_over(self) -> bool:
        """Whether no further part comes."""
        return self._over.exists()

    def changed(self) -> int:
        """Return what is another number once something has come or gone; 0 where nothing has begun."""
        try:
            return self._place.stat().st_mtime_ns
        except FileNotFoundError:
            return 0

    def end(self) -> None:
        """Remove what nobody fetches; that it is over stays known to tasks that are still to look."""
        for path in self._place.glob("*.part"):
            path.unlink(missing_ok=True)
        self._over.touch(mode=0o600)
