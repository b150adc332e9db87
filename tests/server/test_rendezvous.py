"""A tunnel through a relay, from end to end: the node agent, the relay's process, the data plane."""

import asyncio
import contextlib
import datetime as dt
import hashlib
import random
import signal
import ssl
from ipaddress import ip_address

import pytest
import uvloop
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from first_jupyter_remote import tunnel as node
from first_jupyter_remote.protocol.connection import tunnel_key
from first_jupyter_remote.protocol.head import Head
from first_jupyter_remote.protocol.meeting import SWITCHING
from first_jupyter_server.dataplane import dialing
from first_jupyter_server.paths.identity import certificate
from first_jupyter_server.paths.meeting_place import MeetingPlace
from first_jupyter_server.paths.rendezvous import Rendezvous
from first_jupyter_server.paths.rooms import Rooms

from .cable import Cable
from .far_server import Backend, Reader, answer_to
from .relays import ACCESS, RelayProcess, Wire

KEY = "sk-replica"
DAY = dt.timedelta(days=1)


class World:
    """Both ends, each of which dials a relay and nothing else."""

    def __init__(self, folder, backend, to_relay, *, access, key, for_node):
        self.told, self.troubles, self.backend = [], [], backend
        self.rendezvous = Rendezvous(
            lambda _, is_open: self.told.append(is_open), lambda _, why: self.troubles.append(why)
        )
        self.rooms = Rooms(MeetingPlace(to_relay, access), folder / "identity.pem", self._send)
        invited = self.rooms.invitation
        self.end = node.Tunnel(
            for_node or invited["relay"], key, backend.port, certificate=invited["certificate"]
        )
        self.rooms.expect("r1", KEY, lambda: None)
        self.rooms.open("r1")

    def _send(self, message):
        if message["type"] == "shut":
            self.rendezvous.shut("r1")
        else:
            self.rendezvous.open(message)

    async def ask(self, seed, length):
        reader = await self.rendezvous.dial("r1", Reader)
        reader.transport.write(b"answer %d %d\n" % (seed, length))
        return reader

    async def until(self, condition, seconds=20):
        async with asyncio.timeout(seconds):
            while not condition():  # noqa: ASYNC110
                await asyncio.sleep(0.02)


@contextlib.asynccontextmanager
async def world(folder, to_relay, *, access=ACCESS, key=KEY, for_node=""):
    async with Backend() as backend:
        made = World(folder, backend, to_relay, access=access, key=key, for_node=for_node)
        try:
            yield made
        finally:
            made.rooms.forget("r1")
            await asyncio.to_thread(made.end.close)


@pytest.fixture
async def relay(tmp_path):
    async with RelayProcess(tmp_path) as made:
        yield made


@pytest.fixture
async def joined(relay, tmp_path):
    async with world(tmp_path, relay.url) as made:
        await made.until(lambda: made.told)
        yield made


async def is_whole(reader, seed, length):
    return (await reader.over, reader.digest.hexdigest()) == (None, answer_to(seed, length))


async def test_an_answer_comes_whole(joined):
    assert await is_whole(await joined.ask(1, 2_000_000), 1, 2_000_000)
    assert (joined.told, joined.end.trouble, joined.rooms.trouble("r1")) == ([True], "", "")


async def test_a_long_question_waits_for_its_taker(joined):
    reader = await joined.rendezvous.dial("r1", Reader)
    text = random.Random(8).randbytes(3_000_000)
    reader.transport.write(b"echo\n")
    reader.transport.write(text)
    await joined.until(lambda: reader.length == len(text))
    assert reader.digest.digest() == hashlib.sha256(text).digest()


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
async def test_an_answer_goes_on_when_the_relay_is_restarted(relay, joined, how):
    reader = await joined.ask(2, 3_000_000)
    await reader.first
    await relay.end(how)
    await joined.until(lambda: joined.told == [True, False])
    await relay.start()
    assert await is_whole(reader, 2, 3_000_000)
    assert joined.told == [True, False, True]
    assert "Traceback" not in relay.said


async def test_forty_answers_over_a_way_to_the_relay_that_is_cut_at_random_are_whole(relay, tmp_path):
    rng, over = random.Random(9), asyncio.Event()
    async with Cable(relay.port) as cable, world(tmp_path, f"http://127.0.0.1:{cable.port}") as made:

        async def cut():
            while not over.is_set():
                await asyncio.sleep(rng.uniform(0.1, 0.6))
                cable.reset()

        async def read(seed):
            length = rng.randrange(1, 1_000_000)
            return await is_whole(await made.ask(seed, length), seed, length)

        cutting = asyncio.create_task(cut())
        found = []
        for batch in range(4):
            found += await asyncio.gather(*(read(10 * batch + seed) for seed in range(10)))
        over.set()
        await cutting
        assert found == [True] * 40
        assert False in made.told


@pytest.mark.parametrize("run", [asyncio.run, uvloop.run])
async def test_a_relay_that_speaks_tls_itself_carries_tls(tmp_path, monkeypatch, run):
    file = tmp_path / "relay.pem"
    file.write_bytes(self_signed("127.0.0.1"))
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    dialing._context.cache_clear()

    async def ask(url):
        async with world(tmp_path, url) as made:
            return await is_whole(await made.ask(3, 500_000), 3, 500_000)

    async with RelayProcess(tmp_path, "--cert", str(file)) as relay:
        assert relay.url.startswith("https://")
        assert await asyncio.to_thread(run, ask(relay.url))
    dialing._context.cache_clear()


async def test_a_relay_sees_nothing_of_requests_and_answers(relay, tmp_path):
    async with Wire(relay.port) as wire, world(tmp_path, wire.url) as made:
        reader = await made.rendezvous.dial("r1", Reader)
        secret = b"the residuals of the fit " * 100
        reader.transport.write(b"echo\n" + secret)
        await made.until(lambda: reader.length == len(secret))
        assert len(wire.seen) > 4 * len(secret)  # both ways, at both ends
        for plain in (b"residuals", b"echo\n", b"first/tunnel", tunnel_key(KEY).encode(), KEY.encode()):
            assert plain not in wire.seen
        assert ACCESS.encode() in wire.seen


async def test_a_relay_that_flips_a_bit_breaks_the_connection_and_no_answer(relay, tmp_path):
    async with Wire(relay.port, spoil=200_000) as wire, world(tmp_path, wire.url) as made:
        reader = await made.ask(4, 1_000_000)
        assert await is_whole(reader, 4, 1_000_000)
        assert False in made.told


async def test_a_relay_that_answers_in_the_server_s_place_gets_no_key(tmp_path):
    identity = tmp_path / "another.pem"
    certificate(identity)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(identity)
    heard = []

    async def pretend(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(SWITCHING)
        with contextlib.suppress(OSError):
            await writer.start_tls(context)
            heard.append(await reader.read(1))
        writer.close()

    async with await asyncio.start_server(pretend, "127.0.0.1", 0) as server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with world(tmp_path, "http://127.0.0.1:9", for_node=url) as made:
            await made.until(lambda: made.end.trouble)
            assert "is not this replica's Jupyter server" in made.end.trouble
    assert set(heard) <= {b""}


async def test_who_joins_in_a_node_s_place_without_its_key_gets_no_request(tmp_path):
    """A relay that lets another in than who has the ticket: that one speaks TLS, and knows no key."""

    async def pretend(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(SWITCHING)
        await reader.readuntil(b"\r\n\r\n")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        head = Head()
        secure = await asyncio.get_running_loop().start_tls(writer.transport, head, context)
        secure.write(b"GET /first/tunnel HTTP/1.1\r\nauthorization: Bearer guessed\r\n\r\n")
        with contextlib.suppress(OSError):
            await head.first

    async with await asyncio.start_server(pretend, "127.0.0.1", 0) as server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with world(tmp_path, url, for_node="http://127.0.0.1:9") as made:
            await made.until(lambda: made.troubles)
            assert made.troubles[0].endswith("has no key of this replica")
            assert made.told == []


async def test_a_node_with_the_key_of_another_replica_is_in_another_room(relay, tmp_path):
    async with world(tmp_path, relay.url, key="sk-other") as made:
        await asyncio.sleep(0.5)
        assert made.told == []


async def test_who_has_no_access_key_is_told_by_the_relay(relay, tmp_path):
    async with world(tmp_path, relay.url, access="x" * 32) as made:
        await made.until(lambda: made.rooms.trouble("r1") or made.troubles)
        assert made.troubles[0] == (
            f"the relay 127.0.0.1:{relay.port} does not know the access key in FirstApp.relay_key_file"
        )


async def test_a_relay_that_is_not_there_is_told_by_both_sides(tmp_path):
    async with world(tmp_path, "http://127.0.0.1:9") as made:
        await made.until(lambda: made.troubles and made.end.trouble)
        assert "127.0.0.1:9 takes no connections" in made.troubles[0]
        assert made.end.trouble == "127.0.0.1:9 takes no connections from this node"


async def test_a_server_that_begins_anew_is_met_again(relay, joined):
    joined.rendezvous.shut("r1")
    await joined.until(lambda: joined.told == [True, False])
    joined.rooms.open_all()
    assert await is_whole(await joined.ask(5, 10_000), 5, 10_000)


async def test_a_node_that_comes_first_waits_for_the_server(relay, tmp_path):
    async with world(tmp_path, relay.url) as made:
        made.rendezvous.shut("r1")
        await asyncio.sleep(0.5)
        made.rooms.open("r1")
        assert await is_whole(await made.ask(6, 10_000), 6, 10_000)


def self_signed(address):
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "relay")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - DAY)
        .not_valid_after(now + DAY)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address(address))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    plain = serialization.NoEncryption()
    return key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain) + made.public_bytes(pem)
