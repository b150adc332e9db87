"""What befalls the world, and who sets it right again where nobody of the product does."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from world import World, kill, processes_with

__all__ = ["BACK", "FAULTS", "STOPS", "Fault", "Happened", "happen"]

AGAIN = 2.0
"""Seconds after which a supervisor of the site starts again what the site runs."""

BACK = 180.0
"""Seconds after which a part that is not back counts as lost."""


@dataclass(frozen=True)
class Fault:
    """One kind of mishap.

    Parameters
    ----------
    name
        What happens.
    do
        Makes it happen; returns what says whether the part is back.
    needs
        Says whether what it befalls is there.
    lasts
        Whether it lasts for a while, a SIGSTOP, and ``do`` takes the seconds.
    breaks
        Whether a connection may break under a reader, because its other end is killed.
    """

    name: str
    do: Callable[..., Callable[[], object]]
    needs: Callable[[World], object]
    lasts: bool = False
    breaks: bool = False


@dataclass
class Happened:
    """One mishap.

    Attributes
    ----------
    at
        When it happened.
    went_on
        When what was stopped went on; the same as ``at`` where nothing was stopped.
    part
        Seconds until the part itself was there again; None where it was not, or not yet.
    """

    fault: Fault
    at: float
    went_on: float = 0.0
    part: float | None = None
    _watch: threading.Thread | None = None

    def watch(self, is_back: Callable[[], object]) -> None:
        """Watch for the part to be back, while other things happen."""
        self._watch = threading.Thread(target=self._look, args=(is_back,), daemon=True)
        self._watch.start()

    def wait(self, seconds: float) -> None:
        """Wait for it so long at the most."""
        if self._watch is not None:
            self._watch.join(seconds)

    def _look(self, is_back: Callable[[], object]) -> None:
        while time.monotonic() < self.went_on + BACK:
            with contextlib.suppress(OSError, ValueError, LookupError):
                if is_back():
                    self.part = time.monotonic() - self.went_on
                    return
            time.sleep(0.1)


def kill_data_plane(world: World) -> Callable[[], object]:
    before = world.data_plane()
    kill(before)
    return lambda: next((pid for pid in world.data_planes() if pid != before), 0)


def kill_jupyter(world: World) -> Callable[[], object]:
    kill(world.jupyter.process.pid)
    world.jupyter.process.wait()
    world.start_jupyter()
    return world.states


def kill_node_agent(world: World) -> Callable[[], object]:
    record = world.replica("laptop")
    kill(record["pid"])
    return lambda: (now := world.replica("laptop")) and now["pid"] != record["pid"]


def kill_jobs_node_agent(world: World) -> Callable[[], object]:
    record = world.replica("lab")
    kill(record["pid"])
    return lambda: (now := world.replica("lab")) and now["pid"] != record["pid"]


def kill_inference_server(world: World) -> Callable[[], object]:
    record = world.replica("laptop")
    for pid in servers(record):
        kill(pid)
    return lambda: (now := world.replica("laptop")) and now["restarts"] > record["restarts"]


def kill_campus(world: World) -> Callable[[], object]:
    world.campus.close()
    time.sleep(AGAIN)
    world.campus.start()
    return lambda: world.states().get("campus") == "hot"


def kill_endpoint(world: World) -> Callable[[], object]:
    world.agent.kill()
    time.sleep(AGAIN)
    world.agent.start()
    return lambda: world.serves("lab") and world.states().get("lab") == "hot"


def kill_broker(world: World) -> Callable[[], object]:
    world.broker.stop(grace=0.0)
    world.broker.start()
    return lambda: world.states().get("lab") == "hot"


def stop_replica(world: World, seconds: float) -> Callable[[], object]:
    stopped = servers(world.replica("laptop"))
    hold(stopped, seconds)
    return lambda: world.serves("laptop")


def stop_data_plane(world: World, seconds: float) -> Callable[[], object]:
    hold([world.data_plane()], seconds)
    return world.data_planes


def servers(record: dict) -> list[int]:
    """Return the processes of the inference server of a replica."""
    return processes_with(f"--port {record['port']}")


def hold(pids: list[int], seconds: float) -> None:
    """Stop processes for a while; one that is killed meanwhile is gone when they are to go on."""
    for number in (signal.SIGSTOP, signal.SIGCONT):
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)
        if number == signal.SIGSTOP:
            time.sleep(seconds)


def plane(world: World) -> object:
    return world.data_planes()


def laptop(world: World) -> object:
    return world.replica("laptop")


def lab(world: World) -> object:
    return world.replica("lab") and world.agent.is_online()


FAULTS = (
    Fault("kill -9 of the data plane", kill_data_plane, plane, breaks=True),
    Fault("kill -9 of the Jupyter server", kill_jupyter, plane, breaks=True),
    Fault("kill -9 of a node agent on this machine", kill_node_agent, laptop),
    Fault("kill -9 of a node agent in a Slurm job", kill_jobs_node_agent, lab),
    Fault("kill -9 of an inference server with a node agent", kill_inference_server, laptop),
    Fault("kill -9 of an inference server without one", kill_campus, plane),
    Fault("kill -9 of the endpoint", kill_endpoint, lab),
    Fault("kill -9 of the broker", kill_broker, lab),
)
STOPS = (
    Fault("SIGSTOP of a replica", stop_replica, laptop, lasts=True),
    Fault("SIGSTOP of the data plane", stop_data_plane, plane, lasts=True, breaks=True),
)


def happen(world: World, fault: Fault, seconds: float) -> Happened:
    """Make it happen, and begin to watch for the part to be back."""
    happened = Happened(fault, time.monotonic())
    is_back = fault.do(world, seconds) if fault.lasts else fault.do(world)
    happened.went_on = time.monotonic() if fault.lasts else happened.at
    happened.watch(is_back)
    return happened
