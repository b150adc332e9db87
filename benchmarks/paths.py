"""Measure the ways to a replica beside each other: ``python benchmarks/paths.py [--quick]``.

The data plane and the node agent's end of the tunnel are the true ones; the inference server answers at
once. What runs on a node has one core, as another machine would, and what runs beside Jupyter has another:
the data plane and the clients. A wire of the given length is between them, the same for both ways.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import dataclasses
import json
import logging
import secrets
import statistics
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import procs
import targets
from client import Job
from first_jupyter_remote.protocol.connection import tunnel_key, welcome
from first_jupyter_server.dataplane.supervisor import Supervisor
from first_jupyter_server.federation.catalog import Catalog, Model, Place, Replica, State
from upstream import MODEL

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

PATHS = ("direct", "tunnel")
TRIPS = (0, 40)
"""Milliseconds of a round trip."""


class World:
    """One data plane with one replica, known by each of its paths."""

    def __init__(self, seconds: float) -> None:
        self._opened = asyncio.Event()
        self._seconds = seconds
        self.dataplane = Supervisor(self._told, logging.getLogger(__name__))
        self.key, self._replica_key = secrets.token_hex(16), secrets.token_hex(16)

    def _told(self, message: dict[str, Any]) -> None:
        if message["type"] == "tunnel" and message["open"]:
            self._opened.set()

    async def _door(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the handshake as ``paths/entrance.py`` does."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        headers = dict(line.split(": ", 1) for line in head.split("\r\n")[1:] if line)
        assert headers["Authorization"] == f"Bearer {tunnel_key(self._replica_key)}"
        connection = writer.get_extra_info("socket").dup()
        writer.transport.abort()
        said = welcome(headers["Sec-WebSocket-Key"]).decode()
        self.dataplane.hand_over(connection, {"replica": "tunnel", "answer": said})
        connection.close()

    @contextlib.asynccontextmanager
    async def running(self, port: int) -> AsyncIterator[World]:
        """Have all of it run before a server at a port."""
        door = await asyncio.start_server(self._door, "127.0.0.1", 0)
        with contextlib.ExitStack() as stack:
            far = stack.enter_context(_wire(port, self._seconds))
            near = stack.enter_context(_wire(door.sockets[0].getsockname()[1], self._seconds))
            self.dataplane.push_catalog(_catalog(far))
            with procs.pinned(procs.cpus()[0]):
                await self.dataplane.start(key=self.key, max_body=2**20)
            url = f"http://127.0.0.1:{near}/first/tunnel/tunnel"
            command = [sys.executable, str(targets.HERE / "node_end.py"), url, self._replica_key, str(port)]
            with procs.pinned(procs.cpus()[1]):
                node = subprocess.Popen(command, stdin=subprocess.PIPE, text=True)  # noqa: ASYNC220  # it takes no time
            stack.callback(procs.end, node)
            try:
                async with asyncio.timeout(30):
                    await self._opened.wait()
                yield self
            finally:
                await self.dataplane.stop()
                door.close()

    async def turn(self, path: str, job: Job) -> dict[str, Any]:
        """Do one job over one path."""
        headers = {"authorization": f"Bearer {self.key}"}
        url = f"{self.dataplane.base_url}/chat/completions"
        aimed = dataclasses.replace(job, url=url, headers=headers, model=f"bench/{path}")
        command = [sys.executable, str(targets.HERE / "load.py"), json.dumps(dataclasses.asdict(aimed))]
        with procs.pinned(procs.cpus()[0]):
            process = await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE)
        out, _ = await process.communicate()
        if process.returncode:
            raise SystemExit(process.returncode)
        result: dict[str, Any] = json.loads(out)
        if result["failures"]:
            raise SystemExit(f"{path}: {result['failures'][0]}")
        return result


def _catalog(port: int) -> dict[str, Any]:
    """Return a catalog with one model for each path to the same server."""
    models = []
    for path in PATHS:
        replica = Replica(path, "127.0.0.1", port, path=path, model=MODEL)
        place = Place("benchmark", "static", "vllm", State.HOT, replicas=(replica,))
        models.append(Model(f"bench/{path}", places=(place,)))
    return Catalog(models=tuple(models)).to_json()


@contextlib.contextmanager
def _wire(port: int, seconds: float) -> Any:
    """Lead to a port that is so many seconds away; with none, it is the port itself."""
    if not seconds:
        yield port
        return
    command = [sys.executable, str(targets.HERE / "wire.py"), str(port), str(seconds)]
    with procs.pinned(procs.cpus()[1]):
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout
        yield int(process.stdout.readline())
    finally:
        procs.end(process)


async def measure(trip: int, rounds: int, share: float) -> dict[str, dict[str, list[float]]]:
    """Measure every path with one length of the wire, in turns.

    Returns
    -------
    dict
        By path: first tokens in ms, and tokens per second of 64 streams, one figure a round.
    """
    found: dict[str, dict[str, list[float]]] = {path: {"first": [], "rate": []} for path in PATHS}
    first = Job("", clients=1, seconds=3 * share, stream=True, tokens=8, delay_ms=2)
    many = Job("", clients=64, seconds=4 * share, stream=True, tokens=400)
    with targets.upstream(procs.cpus()[1]) as (direct, _):
        port = int(direct.url.split("/")[2].partition(":")[2])
        async with World(trip / 2000).running(port) as world:
            for number in range(rounds):
                for path in PATHS if number % 2 else reversed(PATHS):
                    result = await world.turn(path, first)
                    found[path]["first"].append(result["ttft_ms"][0])
                    result = await world.turn(path, many)
                    found[path]["rate"].append(result["tokens"] / result["seconds"])
    return found


def table(found: dict[int, dict[str, dict[str, list[float]]]]) -> str:
    """Return the figures: medians over the rounds."""
    lines = [
        "| round trip | path | first token, median | more than direct | 64 streams, tokens/s | of direct |",
        "|---|---|---|---|---|---|",
    ]
    for trip, paths in found.items():
        base = {name: statistics.median(values) for name, values in paths["direct"].items()}
        for path, figures in paths.items():
            first, rate = (statistics.median(figures[name]) for name in ("first", "rate"))
            more = "" if path == "direct" else f"{first - base['first']:+.2f} ms"
            part = "" if path == "direct" else f"{rate / base['rate']:.2f}"
            lines.append(f"| {trip} ms | {path} | {first:.2f} ms | {more} | {rate:,.0f} | {part} |")
    return "\n".join(lines)


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="how often each path has its turns (5)")
    parser.add_argument("--quick", action="store_true", help="one short round: does everything work?")
    asked = parser.parse_args()
    procs.prefer()
    rounds, share = (1, 0.1) if asked.quick else (asked.rounds, 1.0)
    print(table({trip: await measure(trip, rounds, share) for trip in TRIPS}))
    print(f"\n{procs.machine()}, {procs.today()}")


if __name__ == "__main__":
    asyncio.run(main())
