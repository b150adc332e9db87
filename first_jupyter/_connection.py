"""Find the server that belongs to this kernel."""

from __future__ import annotations

import json
import os
import socket
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from first_jupyter._errors import NotConnectedError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

__all__ = ["Connection", "connection"]

LOOPBACK = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True)
class Connection:
    """Where the server is, and the key that opens it.

    Parameters
    ----------
    base_url
        Root of the OpenAI surface; it ends in ``/v1``.
    api_key
        Valid on this server's ``/first`` routes and nowhere else.
    source
        Where it was found: ``environment``, or the path of a runtime file.
    """

    base_url: str
    api_key: str = field(repr=False)
    source: str

    @property
    def control_url(self) -> str:
        """Root of the control API."""
        return self.base_url.rstrip("/").removesuffix("/v1") + "/api"

    @property
    def label(self) -> str:
        """By which the server knows this notebook; empty where no notebook's session started this process."""
        return self.api_key.partition(".")[2]

    @property
    def is_loopback(self) -> bool:
        """Whether the server is on this machine, where no proxy must stand in between."""
        return urlsplit(self.base_url).hostname in LOOPBACK


def connection() -> Connection:
    """Find the server: the environment first, else the runtime file of the nearest ancestor, else the newest.

    A kernel outlives a restarted Jupyter server, and then its environment names a port where nobody listens.
    So each candidate on this machine is knocked at before it is believed.

    Returns
    -------
    Connection
        The first candidate that listens.

    Raises
    ------
    NotConnectedError
        If there is none.
    """
    refused = None
    for found in _candidates():
        if _listens(found):
            return found
        refused = refused or found
    if refused:
        raise NotConnectedError(
            f"The server at {refused.base_url} has ended; start one with `jupyter lab`, "
            "then run this cell again."
        )
    raise NotConnectedError(
        "No Jupyter server with first-jupyter is running; start one with `jupyter lab`, "
        "or set FIRST_BASE_URL and FIRST_API_KEY."
    )


def _candidates() -> Iterator[Connection]:
    url, key = os.environ.get("FIRST_BASE_URL"), os.environ.get("FIRST_API_KEY")
    if url and key:
        yield Connection(url, key, "environment")
    lineage = dict.fromkeys([*ancestors(os.getpid(), _parent), *_session_parent()])
    for path in in_order(_runtime_dir(), list(lineage)):
        if found := _read(path):
            yield found


def ancestors(pid: int, parent: Callable[[int], int]) -> Iterator[int]:
    """Walk up the processes above `pid`, nearest first."""
    seen = {pid}
    while (pid := parent(pid)) > 1 and pid not in seen:
        seen.add(pid)
        yield pid


def in_order(folder: Path, lineage: list[int]) -> list[Path]:
    """Runtime files in the order of trust: those of ancestors, nearest first, then the newest."""
    files = {path: path.stat().st_mtime for path in folder.glob("first-*.json")}
    rank = {f"first-{pid}.json": place for place, pid in enumerate(lineage)}
    return sorted(files, key=lambda path: (rank.get(path.name, len(rank)), -files[path]))


def _session_parent() -> Iterator[int]:
    # Set by jupyter_client: still right where a launcher stands between the server and the kernel.
    pid = os.environ.get("JPY_PARENT_PID", "")
    if pid.isdigit():
        yield int(pid)
        yield from ancestors(int(pid), _parent)


def _parent(pid: int) -> int:
    try:
        # The second field is the command's name in parentheses and may hold anything.
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except (OSError, IndexError, ValueError):
        pass
    try:
        shown = subprocess.run(
            ["ps", "-o", "ppid=", "-p", str(pid)],  # noqa: S607
            capture_output=True,
            text=True,
            timeout=2,
            check=True,
        )
        return int(shown.stdout)
    except (OSError, ValueError, subprocess.SubprocessError):
        return 0


def _runtime_dir() -> Path:
    if folder := os.environ.get("JUPYTER_RUNTIME_DIR"):
        return Path(folder)
    from jupyter_core.paths import jupyter_runtime_dir  # noqa: PLC0415

    return Path(jupyter_runtime_dir())


def _read(path: Path) -> Connection | None:
    try:
        record: Mapping[str, str | int] = json.loads(path.read_text(encoding="utf-8"))
        if not _alive(int(record["pid"])):
            return None
        return Connection(str(record["base_url"]), str(record["api_key"]), str(path))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _alive(pid: int) -> bool:
    if os.name == "nt":  # there, signal 0 is Ctrl-C; knocking at the port has to do
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _listens(found: Connection) -> bool:
    if not found.is_loopback:
        return True
    where = urlsplit(found.base_url)
    try:
        socket.create_connection((where.hostname or "", where.port or 80), timeout=1).close()
    except ConnectionRefusedError:
        return False
    except OSError:
        return True
    return True
