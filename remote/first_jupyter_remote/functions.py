"""What runs on a cluster, for a Globus Compute endpoint or a local executor; plain JSON in and out."""

from __future__ import annotations

import dataclasses
import os
import signal
import threading
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from .addresses import LOOPBACK
from .agent import Agent
from .busy import busy
from .news import is_news
from .protocol import ModelSpec, ReplicaRecord, Stage
from .queue import waiting_jobs
from .records import alive, read_all, remove, state, write
from .relay import relay, relay_end, relay_part, relay_reach
from .shelf import shelf
from .stopping import Stop
from .tail import tail
from .together import divided, run_together, take_turns
from .turns import Turns
from .wishes import hold, stop, wake

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = [
    "find",
    "hold",
    "relay",
    "relay_end",
    "relay_part",
    "relay_reach",
    "serve",
    "serve_together",
    "shelf",
    "stop",
    "tail",
    "wake",
    "watch",
]

KEEP_ENDED = 86400.0
LOOK_EVERY = 0.5


def serve(
    spec: dict[str, Any],
    replica: str,
    home: str,
    report: Callable[[dict[str, Any]], None] | None = None,
    stop: Stop | None = None,
    *,
    bind: str = LOOPBACK,
    owner: str = "",
    hold: float | None = None,
    door: str = "",
    rendezvous: dict[str, str] | None = None,
) -> dict[str, Any]:
    """Be the node agent of one replica, until it ends.

    Parameters
    ----------
    spec
        A ``ModelSpec`` as JSON.
    replica
        The replica's id: letters, digits, ``.``, ``_`` and ``-``.
    home
        The folder on the cluster that keeps records and logs; empty for the cluster's own choice.
    report
        Called with each ``ReplicaRecord``, as JSON.
    stop
        Lets another thread ask for the end.
    bind
        The address that the inference server listens on; ``0.0.0.0`` lets other machines in.
    owner
        Who asks, for the record.
    hold
        Seconds from when it is ready for which it stays, used or not.
    door
        The URL below which the Jupyter server takes tunnels, each at its replica's id; empty where none is
        wanted.
    rendezvous
        Where the Jupyter server comes to meet node agents: the URL of a ``relay``, and the ``certificate``
        that it shows there (PEM).

    Returns
    -------
    dict
        The last ``ReplicaRecord``, as JSON.
    """
    wish = stop or Stop()
    tell = (lambda record: report(record.to_json())) if report else None
    where = state(home)
    agent = Agent(
        ModelSpec.from_json(spec),
        replica,
        where,
        tell,
        wish,
        bind=bind,
        owner=owner,
        hold=hold,
        door=_door(door, replica),
        rendezvous=rendezvous,
    )
    with _sigterm(wish), busy():
        return agent.run().to_json()


def serve_together(
    parts: list[dict[str, Any]],
    home: str,
    report: Callable[[dict[str, Any]], None] | None = None,
    stop: Stop | None = None,
    *,
    bind: str = LOOPBACK,
    owner: str = "",
    hold: float | None = None,
    door: str = "",
    rendezvous: dict[str, str] | None = None,
) -> list[dict[str, Any]]:
    """Be the node agents of several replicas on one node, until all have ended.

    Parameters
    ----------
    parts
        The replicas, each ``{"spec": …, "replica": …}`` with what ``serve`` takes. A model's ``gpus`` is its
        part of the node's; those without one share the rest equally. Where all of them have ``sleep_after``
        each may take all GPUs, and one is awake at a time; the first one is the one that was asked for.
    home, report, bind, owner, hold, door, rendezvous
        As for ``serve``, for all of them.
    stop
        Lets another thread ask all of them to end.

    Returns
    -------
    list of dict
        The last ``ReplicaRecord`` of each, as JSON, in the order of the parts.

    Raises
    ------
    ValueError
        If two replicas have the same id, or the node has fewer GPUs than the models need.
    """
    names = [part["replica"] for part in parts]
    if len(set(names)) < len(names):
        raise ValueError(f"each replica needs an id of its own, and these were given: {', '.join(names)}")
    wish = stop or Stop()
    one_at_a_time = threading.Lock()

    def tell(record: ReplicaRecord) -> None:
        if report:
            with one_at_a_time:
                report(record.to_json())

    specs = divided([ModelSpec.from_json(part["spec"]) for part in parts], os.environ)
    turns = Turns(names) if take_turns(specs) else None
    agents = [
        Agent(
            spec,
            name,
            state(home),
            tell,
            bind=bind,
            owner=owner,
            hold=hold,
            turns=turns,
            wanted=name == names[0],
            door=_door(door, name),
            rendezvous=rendezvous,
        )
        for spec, name in zip(specs, names, strict=True)
    ]
    with _sigterm(wish), busy():
        return [record.to_json() for record in run_together(agents, wish)]


def find(home: str) -> list[dict[str, Any]]:
    """Return the records of the replicas in ``home``.

    A record whose node agent is gone is marked as failed; what ended more than a day ago is removed.
    """
    records, now = [], time.time()
    for path, record in read_all(state(home)).items():
        if record.stage.is_final and now - record.updated > KEEP_ENDED:
            remove(path)
            continue
        found = record
        if not record.stage.is_final and not alive(record, now):
            found = dataclasses.replace(
                ReplicaRecord(record.replica, record.model, restarts=record.restarts, updated=now),
                owner=record.owner,
                stage=Stage.FAILED,
                entered={**record.entered, Stage.FAILED.value: record.updated},
                reason=f"its node agent (process {record.pid} on {record.node}) is gone: it was killed, "
                "its job was cancelled, or the node failed",
                again=True,
            )
            with suppress(OSError):
                write(path, found)
        records.append(found.to_json())
    return records


def watch(home: str, owner: str, known: dict[str, str], patience: float) -> dict[str, Any]:
    """Return an owner's records in ``home`` as soon as they are news, or after a while.

    Parameters
    ----------
    home
        The folder on the cluster.
    owner
        Whose replicas are asked for.
    known
        The stages that the caller knows of, by replica, with the number of restarts: ``ready/1``. A replica
        that is missing from it is news unless it has ended. From one stage of a start to the next is no news.
    patience
        Seconds to wait for news.

    Returns
    -------
    dict
        ``records``, each a ``ReplicaRecord`` as JSON, and ``queue``, each a ``QueuedJob``: the jobs that wait
        for their nodes, where a replica that the caller knows of has not begun, or it knows of none.
    """
    until = time.monotonic() + patience
    while True:
        records = [record for record in find(home) if record["owner"] == owner]
        if any(
            is_news(known.get(each["replica"]), Stage(each["stage"]), each["restarts"]) for each in records
        ):
            break
        if time.monotonic() >= until:
            break
        time.sleep(LOOK_EVERY)
    for each in records:
        if known.get(each["replica"]) == f"{each['stage']}/{each['restarts']}":
            each["log"] = ()  # the caller has it
    begun = {each["replica"] for each in records}
    queued = {name for name, stage in known.items() if stage == Stage.QUEUED} - begun
    jobs = waiting_jobs() if queued or not known else []
    return {"records": records, "queue": [job.to_json() for job in jobs]}


def _door(door: str, replica: str) -> str:
    """Return where one replica's tunnel is taken."""
    return f"{door.rstrip('/')}/{replica}" if door else ""


@contextmanager
def _sigterm(wish: Stop) -> Iterator[None]:
    """While it lasts, SIGTERM asks for the end; only a main thread can see to that."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(
        signal.SIGTERM,
        lambda *_: wish.ask("its node agent was told to end (SIGTERM)", hurry=True, again=True),
    )
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
