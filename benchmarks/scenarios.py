"""What every target is asked to do, and how much of it."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from client import Job

if TYPE_CHECKING:
    from targets import Target


def turns(share: float) -> dict[str, Job]:
    """Return the jobs that every target gets, by their names in the results."""
    seconds = 1.5 * share
    return {
        "ns1": Job("", clients=1, seconds=seconds),
        "ns64": Job("", clients=64, seconds=seconds),
        "ttft1": Job("", clients=1, seconds=seconds, stream=True, tokens=8, delay_ms=2),
        "mix100": Job("", clients=150, rate=100, seconds=2 * seconds, stream=True, tokens=60, delay_ms=20),
        "st64": streams(64, share),
        "st256": streams(256, share),
        "stock": Job("", requests=3, stream=True, tokens=int(100 * share), delay_ms=5, by="stock.py"),
    }


def streams(clients: int, share: float) -> Job:
    """Return one answer a client, 50 tokens a second."""
    return Job("", clients=clients, requests=1, stream=True, tokens=int(150 * share), delay_ms=20)


def few() -> Job:
    """Return a few short streams, after which a process is what it usually is."""
    return Job("", requests=5, stream=True, tokens=2)


def memory(share: float) -> Job:
    """Return 1,000 slow streams at once, to see what they take."""
    slow = max(200.0, 1000 * share)
    return dataclasses.replace(streams(1000, share), tokens=4, delay_ms=slow, warm=False, memory=True)


def leaving(direct: Target) -> Job:
    """Return 1,000 streams whose clients leave, long before they end."""
    asked = direct.url.replace("/v1/chat/completions", "/streams")
    return dataclasses.replace(streams(1000, 1), tokens=1000, delay_ms=500, warm=False, leave=asked)


def many(share: float, seconds: float) -> Job:
    """Return a million requests, or as many as come in time, with the memory over them."""
    clients = 64
    return Job("", clients=clients, requests=int(1e6 * share / clients), seconds=seconds, sample=True)


def aim(job: Job, target: Target) -> Job:
    """Return the job for a target: its address, its headers, and as much work as it can do."""
    headers = target.headers | ({"accept": target.accept} if target.accept and job.stream else {})
    job = dataclasses.replace(job, url=target.url, headers=headers, watch=target.watch)
    if not target.slow:
        return job
    if job.stream and job.clients > 1:
        return dataclasses.replace(job, clients=job.clients // 10, rate=job.rate / 10)
    return job
