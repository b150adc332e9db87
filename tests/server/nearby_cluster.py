"""A cluster of the kind globus-compute without Globus: its control tasks run here, and a test is its jobs."""

from __future__ import annotations

import asyncio
import logging
import time
from concurrent.futures import Future

from first_jupyter_remote import functions
from first_jupyter_remote.news import is_news
from first_jupyter_remote.protocol import ReplicaRecord, Stage
from first_jupyter_remote.records import write
from first_jupyter_server import config
from first_jupyter_server.clusters.globus_compute import GlobusComputeCluster
from first_jupyter_server.clusters.surroundings import Surroundings
from first_jupyter_server.federation.catalog import State
from first_jupyter_server.federation.history import StartHistory

from .conftest import json_answer, until

HOUR = 3600.0


class Nearby:
    """An endpoint whose control tasks run here, and whose jobs begin when the test says so."""

    endpoint, seen = "e-1", None

    def __init__(self):
        self.calls = []
        self.jobs = {}
        self.asked_for = []
        self.fault = None

    async def is_online(self):
        self.seen = time.time()
        return True

    async def prepare(self, config):
        if self.fault is not None:
            raise self.fault

    async def submit(self, config, function, *args, **kwargs):
        self.calls.append((function, args, kwargs))
        self.asked_for.append(config)
        future = self.jobs[args[1]] = Future()
        return future

    async def result(self, config, future):
        return await asyncio.wrap_future(future)

    async def task_id(self, future):
        return "task"

    async def has_ended(self, task):
        return False

    async def call(self, config, function, *args, patience):
        self.calls.append((function, args, {}))
        if self.fault is not None:
            raise self.fault
        if function != "watch":
            return await asyncio.to_thread(getattr(functions, function), *args)
        home, owner, known, seconds = args
        async with asyncio.timeout(seconds + 1):
            while True:
                found = functions.watch(home, owner, known, 0)
                seen = {record["replica"]: Stage(record["stage"]) for record in found["records"]}
                seconds -= 0.02
                if seconds <= 0 or any(is_news(known.get(name), stage) for name, stage in seen.items()):
                    return found
                await asyncio.sleep(0.02)

    async def close(self):
        pass

    def made(self, function):
        return [(args, kwargs) for name, args, kwargs in self.calls if name == function]


def answering(body):
    """Answer once on each connection."""

    async def answer(asked, writer):
        await json_answer(body)(asked, writer)
        writer.close()

    return answer


class Cluster:
    """A cluster of one model, and its records' folder."""

    def __init__(self, folder, replica):
        self.home, self.data, self.replica = folder / "cluster", folder / "data", replica
        self.servers = []

    async def open(self, held=lambda _: None, **more):
        here = Surroundings(
            self.data,
            None,
            None,
            StartHistory(self.data / "starts.json"),
            lambda: None,
            logging.getLogger("first"),
            held=held,
        )
        self.relay = here.relay
        section = config.GlobusComputeCluster.model_validate(
            {
                "kind": "globus-compute",
                "endpoint": "6c1d5b2e-0000-0000-0000-000000000000",
                "home": str(self.home),
                "models": [{"id": "org/model", "backend": "vllm", "weights": "/w"}],
                **more,
            }
        )
        self.endpoint = Nearby()
        self.cluster = GlobusComputeCluster("lab", section, self.endpoint, here)
        self.servers.append(self.cluster)
        await self.cluster.open()
        return self

    @property
    def place(self):
        return self.cluster.offers()[0].place

    async def job(self, count=1):
        """Wait until so many replicas were submitted, and name the last one."""
        await until(lambda: len(self.endpoint.jobs) >= count)
        return list(self.endpoint.jobs)[count - 1]

    def write(self, name, stage=Stage.READY, **more):
        """Write a record as its node agent does."""
        now = time.time()
        owner = (self.data / "clusters" / "owner").read_text()
        terms = {"expires": now + HOUR, "job_ends": now + 8 * HOUR, "updated": now, "owner": owner}
        terms["port"] = self.replica.port
        record = ReplicaRecord(
            name,
            "org/model",
            stage,
            pid=1,
            node="n1",
            job="4711",
            host="127.0.0.1",
            addresses=("127.0.0.1",),
            key="k",
            **{**terms, **more},
        )
        write(self.home / "replicas" / f"{name}.json", record)

    async def until(self, state):
        await until(lambda: self.place.state is state)
        return self.place

    async def have_hot(self, **terms):
        await self.cluster.start("org/model")
        name = await self.job()
        self.write(name, **terms)
        await self.until(State.HOT)
        return name
