"""What the node agent needs to know about an inference server's software."""

from __future__ import annotations

import abc
import re
import signal
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from first_jupyter_remote import memory, modules
from first_jupyter_remote.nodes import Place
from first_jupyter_remote.protocol import Load

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from first_jupyter_remote.probe import Address
    from first_jupyter_remote.protocol import ModelSpec

__all__ = ["Backend", "Cause", "Follower", "Launch", "LaunchError", "Phase", "Sign", "parse_metrics"]

ALONE = Place()
SAMPLE = re.compile(r"^([A-Za-z_:][\w:]*)(?:\{.*\})?\s+(\S+)")


class LaunchError(Exception):
    """The backend cannot serve the model as it was asked for."""


@dataclass(frozen=True, slots=True)
class Follower:
    """The part of an inference server that runs on another node.

    Parameters
    ----------
    host
        That node.
    launcher
        What stands before a command so that it runs there.
    lead
        The name or the address under which this node is known there.
    argv, env
        The command, and what to add to the environment, which the launcher passes on.
    """

    host: str
    launcher: tuple[str, ...]
    lead: str
    argv: list[str]
    env: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Launch:
    """A command, and what to add to the environment; secrets go into the environment alone.

    Parameters
    ----------
    argv, env
        The server that answers requests, on this node.
    followers
        Its parts on other nodes, where the model takes several. All live and end together.
    note
        What a person should know about the choices made, if anything.
    """

    argv: list[str]
    env: dict[str, str] = field(default_factory=dict)
    followers: tuple[Follower, ...] = ()
    note: str = ""


@dataclass(frozen=True, slots=True)
class Phase:
    """What a server that is not ready yet is doing."""

    reason: str
    progress: float | None = None


@dataclass(frozen=True, slots=True)
class Cause:
    """Why a server ended, and whether starting it again is in vain."""

    reason: str
    final: bool


@dataclass(frozen=True, slots=True)
class Sign:
    """A pattern in the log and the sentence it stands for.

    The sentence may hold ``{0}``, the pattern's first group, ``{weights}``, ``{name}`` and ``{remedy}``.
    """

    pattern: str
    reason: str
    final: bool = True


class Backend(abc.ABC):
    """One kind of inference server. Override ``launch``, name the metrics, and describe its log.

    The server has to speak OpenAI's API under ``/v1``, guarded by the key, and to give Prometheus' text under
    ``/metrics``.
    """

    name: ClassVar[str]
    remedy: ClassVar[str]
    """How to install it."""
    running: ClassVar[str]
    waiting: ClassVar[str]
    generated: ClassVar[str]
    prompted: ClassVar[str]
    """The metrics' names: requests running and waiting, tokens generated and read since the start."""
    signs: ClassVar[tuple[Sign, ...]] = ()
    """What the log says about an end, the most telling first."""
    sleep: ClassVar[str] = ""
    wake: ClassVar[str] = ""
    """The routes by which it gives its GPUs' memory back and takes it again; none where it never does."""

    @abc.abstractmethod
    def launch(self, spec: ModelSpec, weights: Path | None, address: Address, place: Place = ALONE) -> Launch:
        """Return the command that serves ``weights`` at ``address``, on the GPUs and nodes of ``place``.

        Raises
        ------
        LaunchError
            If the backend cannot serve the model as it was asked for.
        """

    def phase(self, line: str) -> Phase | None:
        """Return what a log line says about the start, if anything."""
        return None

    def load(self, metrics: str, *, embeddings: bool = False) -> Load:
        """Read the load out of ``/metrics``; a server for embeddings counts the tokens it read."""
        values = parse_metrics(metrics)
        tokens = self.prompted if embeddings else self.generated
        return Load(
            running=int(values.get(self.running, 0)),
            waiting=int(values.get(self.waiting, 0)),
            tokens=int(values.get(tokens, 0)),
        )

    def context(self, listed: Mapping[str, Any]) -> int | None:
        """Read the context length of each request out of the model's entry in ``/v1/models``."""
        meta = listed.get("meta") or {}
        stated = (listed.get("max_model_len"), meta.get("n_ctx"), meta.get("n_ctx_train"))
        return next((number for number in stated if type(number) is int and number > 0), None)

    def warm_up(self, spec: ModelSpec) -> tuple[str, dict[str, Any]]:
        """Return the path and the body of a tiny first request."""
        if spec.embeddings:
            return "/v1/embeddings", {"model": spec.id, "input": "warm"}
        return "/v1/completions", {"model": spec.id, "prompt": "warm", "max_tokens": 1}

    def explain(self, log: Sequence[str], code: int, weights: Path | str) -> Cause:
        """Return why the server ended, from its last log lines, its exit code, and what it was to serve."""
        text = "\n".join(log)
        for sign in (*COMMON, *self.signs):
            if found := re.search(sign.pattern, text, re.MULTILINE):
                reason = sign.reason.format(
                    *found.groups(), weights=weights, name=self.name, remedy=self.remedy
                )
                return Cause(reason, sign.final)
        if code == -signal.SIGKILL and memory.LEFT in log:
            return Cause(f"{self.name} was killed (SIGKILL) by somebody", final=False)
        if code < 0:
            try:
                number = signal.Signals(-code).name
            except ValueError:
                number = f"signal {-code}"
            hint = " (often this means that the machine ran out of memory)" if code == -signal.SIGKILL else ""
            return Cause(f"{self.name} was ended by {number}{hint}", final=False)
        last = f": {log[-1][:300]}" if log else ""
        return Cause(f"{self.name} ended with exit code {code}{last}", final=False)


COMMON = (
    Sign(rf"^{modules.SAYS} (.*?)[. ]*$", "{0}; correct modules"),
    Sign(
        rf"^{memory.USED_UP}(.*)$",
        "{name} was killed because {0} was used up. Ask for more memory, or take a smaller model or context.",
    ),
    Sign(
        r"leash: cannot run '(.*)': (.*)",
        "{name} cannot be started: {0}: {1}. Name an interpreter that has it.",
    ),
    Sign(
        r"No module named '?(xllamacpp|vllm)'?\)?$",
        "{name} is not installed where it shall run. {remedy}",
    ),
)


def parse_metrics(text: str) -> dict[str, float]:
    """Read Prometheus' text; samples that differ only in their labels are added up."""
    values: dict[str, float] = {}
    for line in text.splitlines():
        if found := SAMPLE.match(line):
            try:
                values[found[1]] = values.get(found[1], 0.0) + float(found[2])
            except ValueError:
                continue
    return values
