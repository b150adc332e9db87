"""What clusters find in the server that they are opened in."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from logging import Logger
from pathlib import Path
from typing import TYPE_CHECKING

from first_jupyter_server.federation.history import StartHistory
from first_jupyter_server.paths.doors import Doors
from first_jupyter_server.paths.relay import Relay
from first_jupyter_server.paths.rooms import Rooms
from first_jupyter_server.usage.held import Held

if TYPE_CHECKING:
    from first_jupyter_server.auth.tokens import Tokens

__all__ = ["Surroundings"]


@dataclass(frozen=True)
class Surroundings:
    """What clusters find in this server.

    Parameters
    ----------
    data
        The server's data folder.
    federation_file
        The federation file, where there is one; the lock lies beside it.
    tokens
        The login's tokens, where any cluster needs one.
    history
        What earlier starts took.
    changed
        Called when an offer has changed.
    log
        The server's log, where starts and ends are told.
    doors
        Where node agents knock that this server cannot reach.
    rooms
        Where it meets those that cannot reach it either.
    relay
        What has answers carried by Globus Compute alone.
    environment
        The server's environment, with what was taken out of it so that no kernel inherits it.
    idle
        Returns the seconds since somebody did something in Jupyter.
    held
        Takes note of the nodes that a replica has had, the same one again and again.
    """

    data: Path
    federation_file: Path | None
    tokens: Tokens | None
    history: StartHistory
    changed: Callable[[], None]
    log: Logger
    environment: Mapping[str, str] = field(default_factory=lambda: os.environ)
    idle: Callable[[], float] = lambda: 0.0
    doors: Doors = field(default_factory=Doors)
    rooms: Rooms = field(default_factory=Rooms)
    relay: Relay = field(default_factory=Relay)
    held: Callable[[Held], None] = lambda _: None

    def folder(self, cluster: str) -> Path:
        """Return the folder of one cluster."""
        return self.data / "clusters" / cluster
