"""What ties a server's parts on other nodes to this process: a connection that ends when it does, always.

A scheduler's launcher is no tie: the step of an ``srun`` that was killed goes on, and keeps its GPUs.
"""

from __future__ import annotations

import contextlib
import socket
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from .addresses import EVERYWHERE

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Tether"]

TETHERED = Path(__file__).with_name("tethered.py")


class Tether:
    """Listens once there are parts, says nothing to them, and keeps their connections until it is cut."""

    def __init__(self) -> None:
        self._open: list[socket.socket] = []

    def command(self, host: str, argv: Sequence[str]) -> list[str]:
        """Return the command that runs ``argv`` on another node, tied to this one, called ``host`` there."""
        if not self._open:
            self._open.append(socket.create_server((EVERYWHERE, 0)))
            threading.Thread(target=self._accept, name="first-tether", daemon=True).start()
        port = self._open[0].getsockname()[1]
        return [sys.executable, "-I", "-S", str(TETHERED), host, str(port), *argv]

    def cut(self) -> None:
        """End what hangs on it."""
        for each in self._open:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                self._open.append(self._open[0].accept()[0])
