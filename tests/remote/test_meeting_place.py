"""A relay: who may open a room, who may join it, and what both may have."""

import asyncio
import contextlib
import hashlib
import socket

import pytest
from first_jupyter_remote import cli
from first_jupyter_remote.protocol.meeting import JOIN, OPEN, SWITCHING, TICKET, digest, knock, room, ticket
from first_jupyter_remote.rendezvous import relay as relays
from first_jupyter_remote.rendezvous import room as rooms
from first_jupyter_remote.rendezvous.access import Access, read
from first_jupyter_remote.rendezvous.pace import AHEAD, Pace
from first_jupyter_remote.rendezvous.relay import Limits, Relay

ADA, BOB = "a" * 32, "b" * 32
ONE, OTHER = "sk-one-replica", "sk-other-replica"
MIB = 2**20


class Running:
    """A relay in this process."""

    def __init__(self, **limits):
        self.log = []
        limits = {"rooms": 2, "rate": 1_000 * MIB} | limits
        self._relay = Relay(Access({"ada": ADA, "bob": BOB}), Limits(**limits), self.log.append)

    async def __aenter__(self):
        self._server = await asyncio.start_server(self._relay.serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        self._writers = []
        return self

    async def __aexit__(self, *_):
        self._server.close()
        for writer in self._writers:
            writer.close()

    async def say(self, request):
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(request)
        self._writers.append(writer)
        return reader, writer

    async def open(self, key=ONE, access=ADA):
        shown = f"{TICKET}: {digest(ticket(key))}"
        return await self.say(knock("http://relay", OPEN, room(key), access, shown))

    async def join(self, key=ONE, shown=None):
        return await self.say(knock("http://relay", JOIN, room(key), shown or ticket(key)))

    async def meet(self, key=ONE, access=ADA):
        """Have two sides meet; the one that opened the room answers the other."""
        opener, joiner = await self.open(key, access), await self.join(key)
        assert await opener[0].readexactly(len(SWITCHING)) == SWITCHING
        opener[1].write(SWITCHING)
        assert await joiner[0].readexactly(len(SWITCHING)) == SWITCHING
        return opener, joiner


@pytest.fixture
async def relay():
    async with asyncio.timeout(20), Running() as made:
        yield made


@pytest.fixture
def impatient(monkeypatch):
    """Have sides wait for each other for a moment only."""
    monkeypatch.setattr(relays, "HELD", 0.2)


async def status(connection):
    return int((await connection[0].readline()).split()[1])


async def test_what_one_side_says_the_other_hears_to_the_end(relay):
    opener, joiner = await relay.meet()
    data = bytes(range(256)) * 20_000
    opener[1].write(data)
    opener[1].close()
    assert await joiner[0].read(-1) == data


async def test_both_directions_at_once(relay):
    opener, joiner = await relay.meet()
    sent = [bytes(3_000_000), b"x" * 3_000_000]
    for side, data in zip((opener, joiner), sent, strict=True):
        side[1].write(data)
    heard = await asyncio.gather(*(side[0].readexactly(3_000_000) for side in (joiner, opener)))
    assert [hashlib.sha256(data).digest() for data in heard] == [
        hashlib.sha256(data).digest() for data in sent
    ]


async def test_who_joins_first_waits_for_the_room(relay):
    joiner = await relay.join()
    await asyncio.sleep(0.1)
    opener = await relay.open()
    assert await status(opener) == 101
    opener[1].write(b"welcome")
    assert await joiner[0].readexactly(7) == b"welcome"


@pytest.mark.parametrize("access", ["", "c" * 32, ticket(ONE)])
async def test_nobody_without_an_access_key_opens_a_room(relay, access):
    assert await status(await relay.open(access=access)) == 401


async def test_nobody_without_its_ticket_joins_a_room(relay):
    opener = await relay.open()
    await asyncio.sleep(0.1)
    for shown in ("guessed", ticket(OTHER), ADA, digest(ticket(ONE))):
        assert await status(await relay.join(shown=shown)) == 401
    joiner = await relay.join()
    assert await status(opener) == 101
    opener[1].write(b"welcome")
    assert await joiner[0].readexactly(7) == b"welcome"


async def test_nobody_without_its_ticket_ends_a_room_that_is_joined(relay):
    opener, joiner = await relay.meet()
    assert await status(await relay.join(shown="guessed")) == 401
    opener[1].write(b"still here")
    assert await joiner[0].readexactly(10) == b"still here"


async def test_another_access_key_does_not_take_a_room_over(relay):
    await relay.open()
    await asyncio.sleep(0.1)
    assert await status(await relay.open(access=BOB)) == 409


async def test_who_opens_a_room_anew_ends_what_was_in_it(relay):
    opener, joiner = await relay.meet()
    await relay.meet()
    assert (await opener[0].read(), await joiner[0].read()) == (b"", b"")


async def test_who_joins_anew_ends_what_was_in_the_room(relay):
    opener, joiner = await relay.meet()
    await relay.join()
    assert (await opener[0].read(), await joiner[0].read()) == (b"", b"")


async def test_one_more_room_than_a_key_may_have_is_refused_until_one_is_closed(relay):
    first, _ = await relay.meet("sk-1")
    await relay.open("sk-2")
    await asyncio.sleep(0.1)
    assert await status(await relay.open("sk-3")) == 429
    assert "ada has 2 rooms open and wanted one more" in relay.log
    await relay.meet("sk-3", access=BOB)
    first[1].close()
    await asyncio.sleep(0.1)
    await relay.meet("sk-3b")


async def test_all_rooms_of_a_key_share_its_rate():
    async with asyncio.timeout(20), Running(rate=2 * MIB) as relay:
        pairs = [await relay.meet(key) for key in ("sk-1", "sk-2")]
        began = asyncio.get_running_loop().time()
        for opener, _ in pairs:
            opener[1].write(bytes(MIB))
        await asyncio.gather(*(joiner[0].readexactly(MIB) for _, joiner in pairs))
        took = asyncio.get_running_loop().time() - began
    assert 1.0 - AHEAD - 0.1 < took < 3.0


async def test_a_side_that_takes_nothing_holds_the_other_one_up(relay):
    opener, joiner = await relay.meet()
    joiner[1].transport.pause_reading()
    opener[1].write(bytes(64 * MIB))
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(1):
            await opener[1].drain()
    assert opener[1].transport.get_write_buffer_size() > 32 * MIB


async def test_a_side_whose_peer_does_not_come_is_sent_away_to_ask_again(impatient, relay):
    opener, joiner = await relay.open("sk-1"), await relay.join("sk-2")
    assert (await status(opener), await status(joiner)) == (204, 204)


async def test_a_side_that_leaves_while_it_waits_leaves_nothing_behind(relay):
    opener, joiner = await relay.open("sk-1"), await relay.join("sk-2")
    await asyncio.sleep(0.1)
    opener[1].close()
    joiner[1].close()
    await asyncio.sleep(0.1)
    assert not relay._relay._rooms
    assert not relay._relay._waiting


async def test_only_so_many_wait_for_rooms_that_nobody_has_opened(relay, monkeypatch):
    monkeypatch.setattr(relays, "WAITING", 2)
    for key in ("sk-1", "sk-2"):
        await relay.join(key)
    await asyncio.sleep(0.1)
    assert await status(await relay.join("sk-3")) == 503


async def test_a_room_in_which_nothing_is_said_is_closed(relay, monkeypatch):
    monkeypatch.setattr(rooms, "SILENT", 0.3)
    opener, joiner = await relay.meet()
    assert (await opener[0].read(), await joiner[0].read()) == (b"", b"")


@pytest.mark.parametrize(
    ("request_line", "expected"),
    [
        ("GET / HTTP/1.1", 404),
        (f"GET /open/{'0' * 64} HTTP/1.1", 400),
        (f"POST /open/{'0' * 64} HTTP/1.1", 404),
        ("GET /open/../../etc HTTP/1.1", 404),
    ],
)
async def test_anything_else_is_refused(relay, request_line, expected):
    assert await status(await relay.say(f"{request_line}\r\nHost: relay\r\n\r\n".encode())) == expected


async def test_a_relay_below_a_path_is_found(relay):
    request = knock("http://lab/relay/", OPEN, room(ONE), ADA, f"{TICKET}: {digest(ticket(ONE))}")
    opener = await relay.say(request)
    await relay.join()
    assert await status(opener) == 101


async def test_a_head_without_an_end_is_cut_off(relay):
    reader, writer = await relay.say(b"GET /open HTTP/1.1\r\n" + b"x" * 200_000)
    with contextlib.suppress(OSError):
        assert await reader.read() == b""
    writer.close()


async def test_the_log_names_people_and_neither_keys_nor_rooms(relay):
    opener, _ = await relay.meet()
    opener[1].close()
    await asyncio.sleep(0.1)
    assert relay.log[0] == "a room of ada is joined"
    assert relay.log[1].startswith("a room of ada is closed")
    assert not any(secret in line for line in relay.log for secret in (ADA, room(ONE), ticket(ONE)))


@pytest.mark.parametrize(
    ("size", "moments", "waits"),
    [
        (100, [0.0], [1.0 - AHEAD]),
        (10, [0.0, 0.0, 0.0], [0.0, 0.0, 0.3 - AHEAD]),
        (10, [0.0, 100.0], [0.0, 0.0]),
    ],
)
def test_a_pace_lets_a_moment_s_worth_ahead(size, moments, waits):
    pace = Pace(100.0)
    assert [pace.wait(size, 1_000.0 + now) for now in moments] == pytest.approx(waits)


@pytest.mark.parametrize(
    ("text", "mode", "said"),
    [
        (f"ada {ADA}\n", 0o644, "others may read"),
        ("ada short\n", 0o600, "the key of ada is shorter than 32 characters"),
        ("ada\n", 0o600, "line 1: write a name and a key"),
        (f"ada {ADA}\nada {BOB}\n", 0o600, "line 2: the name ada, or its key, stands there already"),
        ("# nobody\n", 0o600, "has no key"),
    ],
)
def test_a_file_of_access_keys_says_what_is_wrong_with_it(tmp_path, text, mode, said):
    file = tmp_path / "keys"
    file.write_text(text)
    file.chmod(mode)
    with pytest.raises(ValueError, match=said) as refused:
        read(file)
    assert ADA not in str(refused.value)


def test_an_access_key_is_known_by_its_name(tmp_path):
    file = tmp_path / "keys"
    file.write_text(f"# the lab's\nada {ADA}\n\nbob {BOB}\n")
    file.chmod(0o600)
    access = read(file)
    assert [access.whose(key) for key in (ADA, BOB, "", "é", ADA[:-1])] == ["ada", "bob", None, None, None]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--listen", "0.0.0.0:0"], "would cross the network unencrypted"),
        (["--listen", "8443"], "write it as HOST:PORT"),
        (["--rooms", "0"], "have to be above 0"),
    ],
)
def test_the_command_refuses_what_is_unsafe_or_unclear(tmp_path, capsys, options, said):
    file = tmp_path / "keys"
    file.write_text(f"ada {ADA}\n")
    file.chmod(0o600)
    assert cli.main(["relay", "--keys", str(file), *options]) == 1
    assert said in capsys.readouterr().err


def test_a_port_that_is_taken_is_told(tmp_path, capsys):
    file = tmp_path / "keys"
    file.write_text(f"ada {ADA}\n")
    file.chmod(0o600)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert cli.main(["relay", "--keys", str(file), "--listen", f"127.0.0.1:{port}"]) == 1
    assert "address already in use" in capsys.readouterr().err
