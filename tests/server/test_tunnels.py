"""A tunnel from end to end: the node agent's side, a network with its faults, and the data plane's side."""

import asyncio
import contextlib
import hashlib
import random

import pytest
from first_jupyter_remote import tunnel as node
from first_jupyter_remote import tunnel_dial
from first_jupyter_remote.protocol import connection as protocol
from first_jupyter_remote.protocol.connection import tunnel_key, welcome
from first_jupyter_server.paths import tunnels as paths
from first_jupyter_server.paths.tunnels import Tunnels

from .cable import Cable
from .far_server import Backend, Reader, answer_to

KEY = "sk-replica"


class Front:
    """Stands for the Jupyter server's port: hands over each connection that shows the key."""

    def __init__(self, tunnels):
        self.tunnels, self.refused = tunnels, 0

    async def __aenter__(self):
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_):
        self._server.close()

    async def _serve(self, reader, writer):
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        headers = dict(line.split(": ", 1) for line in head.split("\r\n")[1:] if line)
        if headers["Authorization"] != f"Bearer {tunnel_key(KEY)}":
            self.refused += 1
            writer.write(b"HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\n\r\n")
            writer.close()
            return
        connection = writer.get_extra_info("socket").dup()
        writer.transport.abort()
        await self.tunnels.take(connection, "r1", welcome(headers["Sec-WebSocket-Key"]))


class World:
    """All of it, joined by a cable."""

    def __init__(self, tunnels, backend, front, cable):
        self.tunnels, self.backend, self.front, self.cable = tunnels, backend, front, cable
        self.told = []

    async def ask(self, seed, length):
        reader = await self.tunnels.dial("r1", Reader)
        reader.transport.write(b"answer %d %d\n" % (seed, length))
        return reader

    async def until(self, condition, seconds=20):
        async with asyncio.timeout(seconds):
            while not condition():  # noqa: ASYNC110
                await asyncio.sleep(0.02)


@contextlib.asynccontextmanager
async def world(key=KEY):
    told = []
    tunnels = Tunnels(lambda replica, is_open: told.append((replica, is_open)))
    async with Backend() as backend, Front(tunnels) as front, Cable(front.port) as cable:
        end = node.Tunnel(f"http://127.0.0.1:{cable.port}/first/tunnel/r1", key, backend.port)
        made = World(tunnels, backend, front, cable)
        made.told, made.end = told, end
        try:
            yield made
        finally:
            await asyncio.to_thread(end.close)


@pytest.fixture
async def joined():
    async with world() as made:
        await made.until(lambda: made.told)
        yield made


@pytest.fixture
def impatient(monkeypatch):
    """Have signs of life come and be missed sooner."""
    monkeypatch.setattr(protocol, "PING_EVERY", 0.2)
    monkeypatch.setattr(protocol, "LOST_AFTER", 0.6)


async def test_an_answer_comes_whole(joined):
    reader = await joined.ask(1, 500_000)
    assert await reader.over is None
    assert reader.digest.hexdigest() == answer_to(1, 500_000)
    assert joined.told == [("r1", True)]


async def test_who_shows_another_key_is_not_let_in():
    async with world(key="sk-other") as made:
        await made.until(lambda: made.front.refused > 1)
        await made.until(lambda: made.end.trouble)
        assert "opens no tunnel (401 Unauthorized)" in made.end.trouble
        assert made.told == []


async def test_an_answer_goes_on_when_the_connection_breaks(joined):
    reader = await joined.ask(2, 2_000_000)
    await reader.first
    joined.cable.reset()
    assert await reader.over is None
    assert reader.digest.hexdigest() == answer_to(2, 2_000_000)
    assert joined.told == [("r1", True), ("r1", False), ("r1", True)]


async def test_an_answer_goes_on_after_the_network_was_away(joined):
    reader = await joined.ask(3, 1_000_000)
    await reader.first
    joined.cable.cut()
    await asyncio.sleep(1.0)
    joined.cable.mend()
    assert await reader.over is None
    assert reader.digest.hexdigest() == answer_to(3, 1_000_000)


async def test_an_answer_goes_on_where_a_connection_went_silent(impatient, joined):
    reader = await joined.ask(4, 1_000_000)
    await reader.first
    joined.cable.silence()
    assert await reader.over is None
    assert reader.digest.hexdigest() == answer_to(4, 1_000_000)
    assert joined.cable.made > 1


async def test_two_hundred_answers_over_a_tunnel_that_is_cut_at_random_are_whole(joined):
    rng, over = random.Random(5), asyncio.Event()

    async def cut():
        while not over.is_set():
            await asyncio.sleep(rng.uniform(0.01, 0.3))
            joined.cable.reset()

    async def read(seed):
        length = rng.randrange(1, 400_000)
        reader = await joined.ask(seed, length)
        return await reader.over, reader.digest.hexdigest() == answer_to(seed, length)

    cutting = asyncio.create_task(cut())
    found = []
    for batch in range(20):
        found += await asyncio.gather(*(read(10 * batch + seed) for seed in range(10)))
    over.set()
    await cutting
    assert found == [(None, True)] * 200
    assert joined.cable.made > 10


async def test_fifty_streams_are_read_while_one_reader_sleeps(joined):
    slow = await joined.ask(6, 3_000_000)
    await slow.first
    slow.transport.pause_reading()
    readers = [await joined.ask(seed, 100_000) for seed in range(50)]
    assert [await reader.over for reader in readers] == [None] * 50
    assert slow.length < 1_000_000
    slow.transport.resume_reading()
    assert await slow.over is None
    assert slow.digest.hexdigest() == answer_to(6, 3_000_000)


async def test_a_reader_that_leaves_ends_the_work_on_the_node(joined):
    reader = await joined.ask(7, 100_000_000)
    await reader.first
    reader.transport.abort()
    await joined.until(lambda: joined.backend.open == 0)
    assert joined.backend.broken == 1


async def test_a_long_question_waits_for_its_taker(joined):
    reader = await joined.tunnels.dial("r1", Reader)
    text = random.Random(8).randbytes(3_000_000)
    reader.transport.write(b"echo\n")
    reader.transport.write(text)
    await joined.until(lambda: reader.length == len(text))
    assert reader.digest.digest() == hashlib.sha256(text).digest()


async def test_a_server_that_is_not_there_ends_the_stream_with_the_reason(joined):
    await joined.backend.__aexit__()
    reader = await joined.ask(9, 10)
    assert "takes no connection" in str(await reader.over)


async def test_a_node_agent_that_ends_ends_what_is_under_way_at_once(joined):
    reader = await joined.ask(10, 100_000_000)
    await reader.first
    await asyncio.to_thread(joined.end.close)
    async with asyncio.timeout(3):
        assert "closed the tunnel" in str(await reader.over)


async def test_a_data_plane_that_was_started_anew_begins_anew(joined):
    reader = await joined.ask(11, 100_000_000)
    await reader.first
    joined.front.tunnels = anew = Tunnels(lambda *_: None)
    joined.cable.reset()
    await joined.until(lambda: joined.backend.open == 0)
    joined.tunnels, joined.told[:] = anew, []
    again = await joined.ask(12, 10_000)
    assert (await again.over, again.digest.hexdigest()) == (None, answer_to(12, 10_000))


async def test_a_replica_whose_tunnel_stays_away_is_refused_in_words(monkeypatch):
    monkeypatch.setattr(paths, "WAIT_FOR", 0.1)
    with pytest.raises(OSError, match=r"its tunnel has been away for 0\.1 s"):
        await Tunnels(lambda *_: None).dial("r1", Reader)


async def test_a_request_waits_for_a_tunnel_that_is_on_its_way_back(joined):
    joined.cable.cut()
    await joined.until(lambda: joined.told[-1] == ("r1", False))
    asking = asyncio.create_task(joined.ask(13, 1_000))
    await asyncio.sleep(0.2)
    joined.cable.mend()
    reader = await asking
    assert (await reader.over, reader.digest.hexdigest()) == (None, answer_to(13, 1_000))


async def test_what_is_under_way_ends_when_the_tunnel_stays_away(joined, monkeypatch):
    monkeypatch.setattr(paths, "RESUME_WITHIN", 0.3)
    reader = await joined.ask(14, 100_000_000)
    await reader.first
    joined.cable.cut()
    assert "its tunnel was lost" in str(await reader.over)
    joined.cable.mend()
    await joined.until(lambda: joined.backend.open == 0)


async def test_a_replica_that_is_gone_takes_its_tunnel_along(joined):
    reader = await joined.ask(15, 100_000_000)
    await reader.first
    joined.tunnels.end("r1")
    assert "it has ended" in str(await reader.over)


async def test_a_door_that_never_answers_is_left_before_it_is_dialled_again(monkeypatch):
    monkeypatch.setattr(tunnel_dial, "WITHIN", 0.1)
    left = asyncio.Event()

    async def silent(reader, writer):
        await reader.read()
        left.set()
        writer.close()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    with pytest.raises(tunnel_dial.DialError, match="does not answer within"):
        await tunnel_dial.dial(url, "key", lambda: None)
    async with asyncio.timeout(2):
        await left.wait()
    server.close()
