"""The load generator: clients on keep-alive connections that check every answer to its end.

``python benchmarks/load.py '{"url": ..., "clients": 64, "seconds": 3}'`` prints one JSON object.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import gc
import json
import random
import sys
import time
import urllib.request
from typing import Any

import procs
import uvloop
from client import Client, Job, Tally, connect, percentiles

_UNDER_WAY_SECONDS = 30
_GRAIN_NS = 1_000_000
"""The event loop's timers."""

Memory = dict[str, dict[str, int]]


def memory(job: Job) -> Memory:
    """Return the watched processes' memory by role."""
    return {role: procs.memory_kb(pids) for role, pids in job.watch.items()}


async def under_way(job: Job, tally: Tally) -> None:
    """Wait until every stream has had two tokens, or until that takes too long."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_UNDER_WAY_SECONDS):
            while len(tally.transit) < 2 * job.clients:  # noqa: ASYNC110 - no check a token
                await asyncio.sleep(0.05)


async def loaded(job: Job, tally: Tally) -> Memory:
    """Return the memory with every stream under way."""
    await under_way(job, tally)
    return memory(job)


async def samples(job: Job, tally: Tally, kept: list[tuple[int, Memory]]) -> None:
    """Keep the memory every second, with how many requests had been answered by then."""
    while True:
        kept.append((len(tally.latency), memory(job)))
        await asyncio.sleep(1)


async def closed(job: Job, clients: list[Client], tally: Tally) -> None:
    """Let each client ask again when it has been answered."""
    await asyncio.gather(*(client.run(job, tally) for client in clients))


async def open_(job: Job, clients: list[Client], tally: Tally) -> None:
    """Ask at random moments; a request counts from the moment it was due, but for the timer's grain."""
    once, idle, loop = (
        dataclasses.replace(job, requests=1, seconds=3600),
        list(clients),
        asyncio.get_running_loop(),
    )

    async def ask(due: int) -> None:
        client = idle.pop() if idle else (await connect(dataclasses.replace(job, clients=1)))[0]
        await client.run(once, tally, min(due + _GRAIN_NS, time.monotonic_ns()))
        idle.append(client)

    due, asked = loop.time(), []
    end = due + job.seconds
    while (due := due + random.expovariate(job.rate)) < end:
        await asyncio.sleep(due - loop.time())
        asked.append(asyncio.ensure_future(ask(int(due * 1e9))))
    await asyncio.gather(*asked)


async def leave(job: Job, clients: list[Client], tally: Tally) -> list[int]:
    """Close all connections amid their answers; return the streams written then, 1 s and 5 s later."""
    running = [asyncio.ensure_future(client.run(job, tally)) for client in clients]
    await under_way(job, tally)
    written = [_streams(job.leave)]
    for task, client in zip(running, clients, strict=True):
        task.cancel()
        client.done.cancel()
        client.transport.abort()
    left = time.monotonic()
    for seconds in (1, 5):
        await asyncio.sleep(left + seconds - time.monotonic())
        written.append(_streams(job.leave))
    _streams(f"{job.leave}/end")
    return written


def _streams(url: str) -> int:
    with urllib.request.urlopen(url, timeout=60) as answer:
        streams: int = json.load(answer)["streams"]
    return streams


async def main(job: Job) -> dict[str, Any]:
    result: dict[str, Any] = {}
    if job.memory:
        result["idle_kb"] = memory(job)
    clients = await connect(job)
    if job.warm:
        short = dataclasses.replace(job, requests=1, tokens=min(job.tokens, 2), delay_ms=0)
        await closed(short, clients, Tally())
    gc.freeze()
    gc.disable()
    tally = Tally()
    look = asyncio.ensure_future(loaded(job, tally)) if job.memory else None
    kept: list[tuple[int, Memory]] = []
    keeping = asyncio.ensure_future(samples(job, tally, kept)) if job.sample else None
    cpu, began = {role: procs.cpu_seconds(pids) for role, pids in job.watch.items()}, time.monotonic()
    if job.leave:
        result["written"] = await leave(job, clients, tally)
    else:
        await (open_ if job.rate else closed)(job, clients, tally)
    seconds = time.monotonic() - began
    result["cpu"] = {role: procs.cpu_seconds(pids) - cpu[role] for role, pids in job.watch.items()}
    if look:
        look.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            result["loaded_kb"] = await look
    if keeping:
        keeping.cancel()
        result["kept_kb"] = [*kept, (len(tally.latency), memory(job))]
    for client in clients:
        client.transport.abort()
    return result | {
        "clients": job.clients,
        "seconds": seconds,
        "requests": len(tally.latency),
        "tokens": len(tally.transit),
        "failed": tally.failed,
        "failures": tally.failures,
        "latency_ms": percentiles(tally.latency),
        "ttft_ms": percentiles(tally.ttft),
        "transit_ms": percentiles(tally.transit),
        "own_cpu": time.process_time(),
    }


if __name__ == "__main__":
    print(json.dumps(uvloop.run(main(Job(**json.loads(sys.argv[1]))))))
