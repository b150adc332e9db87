"""The processes of one inference server: the one that answers requests, and its parts on other nodes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .last_lines import blotted
from .log import Log
from .process import Process
from .tether import Tether

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from .backends.base import Launch

__all__ = ["Crew", "Member"]


class Words(Log):
    """What one process says: its own last lines, and its part of the whole log, under its node's name."""

    def __init__(self, whole: Log, host: str) -> None:
        super().__init__()
        self._whole, self._prefix = whole, f"{host}: " if host else ""

    def add(self, line: str) -> None:
        """Append one line to both."""
        self.tail.append(blotted(line, self._whole.secrets))
        self._whole.add(f"{self._prefix}{line}")


class Member:
    """One of the processes: its node, empty for this one, its words, and itself."""

    def __init__(self, host: str, words: Words, process: Process) -> None:
        self.host, self.words, self.process = host, words, process


class Crew:
    """Processes that live and end together, each on a leash of its own.

    Parameters
    ----------
    launch
        What to run.
    before, after
        The environment that each one's own is laid over, and what is laid over that.
    log
        Where the output goes; lines from other nodes begin with the node's name.
    on_line
        Called with each line of the process that answers requests.
    wake
        Called when one of them ended.
    """

    def __init__(
        self,
        launch: Launch,
        before: Mapping[str, str],
        after: Mapping[str, str],
        *,
        log: Log,
        on_line: Callable[[str], None],
        wake: Callable[[], None],
    ) -> None:
        self._silent: list[Words] = []
        self._wake = wake
        self.members: list[Member] = []
        self._add("", launch.argv, {**before, **launch.env, **after}, log, on_line)
        self._tether = Tether()
        for each in launch.followers:
            argv = [*each.launcher, *self._tether.command(each.lead, each.argv)]
            self._add(each.host, argv, {**before, **each.env, **after}, log, lambda _: None)

    def _add(
        self, host: str, argv: list[str], env: Mapping[str, str], log: Log, on_line: Callable[[str], None]
    ) -> None:
        words = Words(log, host)

        def on_end() -> None:
            self._silent.append(words)
            self._wake()

        self.members.append(Member(host, words, Process(argv, env, words, on_line, on_end)))

    def ended(self) -> Member | None:
        """Return the one that ended first, None while all live."""
        ended = [each for each in self.members if each.process.poll() is not None]
        order = list(self._silent)
        return min(
            ended,
            key=lambda each: order.index(each.words) if each.words in order else len(order),
            default=None,
        )

    def live(self) -> bool:
        """Say whether any of them is left."""
        return any(each.process.poll() is None for each in self.members)

    def terminate(self) -> None:
        """Ask all to end."""
        for each in self.members:
            each.process.terminate()

    def kill(self) -> None:
        """End all, and all that they started, now."""
        self._tether.cut()
        for each in self.members:
            each.process.kill()
