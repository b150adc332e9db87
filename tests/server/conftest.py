"""A data plane on this loop, and replicas that do as the test says."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import httpx
import pytest
from first_jupyter_server.dataplane.plane import DataPlane
from first_jupyter_server.federation.catalog import Catalog, Model, Place, Replica, State

KEY = "the-scoped-key"
BATCH_KEY = "the-key-of-batches"
MODEL = "org/model"
CHAT = {"model": MODEL, "messages": [{"role": "user", "content": "hello"}]}


@dataclass
class Asked:
    """A request as a replica saw it."""

    target: str
    headers: dict[str, str]
    body: bytes


@dataclass
class FakeReplica:
    """An inference server that answers with what the test writes."""

    answer: Callable[[Asked, asyncio.StreamWriter], Awaitable[None]]
    asked: list[Asked] = field(default_factory=list)
    connections: int = 0
    hung_up: asyncio.Event = field(default_factory=asyncio.Event)
    port: int = 0

    async def serve(self, reader, writer):
        self.connections += 1
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                first, *lines = head.rstrip().split("\r\n")
                headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
                body = await reader.readexactly(int(headers.get("content-length", "0")))
                asked = Asked(first.split(" ")[1], headers, body)
                self.asked.append(asked)
                watch = asyncio.ensure_future(self._watch(reader))
                await self.answer(asked, writer)
                watch.cancel()
                await asyncio.wait([watch])
                if writer.is_closing():
                    return
        self.hung_up.set()

    async def _watch(self, reader):
        """Notice that the other side hangs up while the answer is being written."""
        if await reader.read(1) == b"":
            self.hung_up.set()


def json_answer(body=b'{"ok":true}', status=b"200 OK"):
    async def answer(asked, writer):
        writer.write(b"HTTP/1.1 %b\r\ncontent-type: application/json\r\n" % status)
        writer.write(b"content-length: %d\r\n\r\n%b" % (len(body), body))
        await writer.drain()

    return answer


async def begin_events(writer):
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n")
    await writer.drain()


async def event(writer, data=b"{}"):
    line = b"data: " + data + b"\n\n"
    writer.write(b"%x\r\n%b\r\n" % (len(line), line))
    await writer.drain()


async def end_events(writer):
    await event(writer, b"[DONE]")
    writer.write(b"0\r\n\r\n")
    await writer.drain()


@pytest.fixture
async def replica_server():
    """Starts fake replicas."""
    servers = []

    async def start(answer):
        fake = FakeReplica(answer)
        server = await asyncio.start_server(fake.serve, "127.0.0.1", 0)
        fake.port = server.sockets[0].getsockname()[1]
        servers.append(server)
        return fake

    yield start
    for server in servers:
        server.close()


async def until(true, seconds=5.0):
    """Wait for something to become true."""
    async with asyncio.timeout(seconds):
        while not true():  # noqa: ASYNC110  # what is waited for happens in another process, or has no event
            await asyncio.sleep(0.005)


def as_replica(replica, slots=None):
    if isinstance(replica, Replica):
        return replica
    return Replica(f"r{replica.port}", "127.0.0.1", replica.port, "its-key", slots=slots)


class Plane:
    """A data plane under test: what it says to the extension is in ``said``."""

    def __init__(self):
        self.said = []
        self.plane = DataPlane(self.said.append)

    def configure(self, max_body=2**20, batches=""):
        keys = {"key": KEY, "batch_key": BATCH_KEY}
        self.plane.receive({"type": "config", **keys, "max_body": max_body, "batches": batches})

    def catalog(self, *replicas, state=None, **more):
        state = state or (State.HOT if replicas else State.COLD)
        self.places(desk={"replicas": replicas, "state": state, **more})

    def places(self, **clusters):
        """Have a catalog in which each cluster serves with the replicas or the fields that it is given."""
        places = []
        for name, said in clusters.items():
            fields = dict(said) if isinstance(said, dict) else {"replicas": said}
            served = tuple(map(as_replica, fields.pop("replicas", ())))
            fields = {"backend": "vllm", "state": State.HOT if served else State.COLD, **fields}
            places.append(Place(name, fields.pop("kind", "local"), replicas=served, **fields))
        catalog = Catalog(models=(Model(MODEL, aliases=("alias",), places=tuple(places)),), current=MODEL)
        self.plane.receive({"type": "catalog", "catalog": catalog.to_json()})

    def messages(self, kind):
        return [message for message in self.said if message["type"] == kind]

    async def until(self, kind, count=1):
        await until(lambda: len(self.messages(kind)) >= count)
        return self.messages(kind)[count - 1]


@pytest.fixture
async def plane():
    """A data plane that serves on a free port."""
    under_test = Plane()
    under_test.configure()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(under_test.plane.connection, "127.0.0.1", 0)
    under_test.port = server.sockets[0].getsockname()[1]
    under_test.url = f"http://127.0.0.1:{under_test.port}/first"
    yield under_test
    server.close()


@pytest.fixture
async def client(plane):
    """A client that holds the key."""
    headers = {"Authorization": f"Bearer {KEY}"}
    async with httpx.AsyncClient(base_url=plane.url, headers=headers, timeout=10, trust_env=False) as client:
        yield client
