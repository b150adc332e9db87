"""Answers that tasks on the login node carry: from a real HTTP server, through the spool, part by part."""

import json
import os
import secrets
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from first_jupyter_remote import relay as relaying
from first_jupyter_remote.functions import relay, relay_end, relay_part, relay_reach
from first_jupyter_remote.protocol import ReplicaRecord, Stage
from first_jupyter_remote.protocol.parts import Gatherer, PartsError, pack
from first_jupyter_remote.records import write
from first_jupyter_remote.spool import Spool
from small_server import KEY, SmallServer, chunks


@pytest.fixture
def server():
    with SmallServer() as running:
        yield running


class Login:
    """A login node: a home folder with one record, and threads for tasks."""

    def __init__(self, home, pool, port):
        self.home, self.pool = str(home), pool
        self.record(port=port)

    def record(self, stage=Stage.READY, model="org/model", **more):
        given = {"key": KEY, "addresses": ("127.0.0.1",), "node": "n1", "host": "127.0.0.1", **more}
        record = ReplicaRecord("r-1", model, stage, **given)
        write(relaying.state(self.home) / "replicas" / "r-1.json", record)

    def ask(self, path, body=b"{}", parts=12, replica="r-1"):
        """Submit a request and its fetches, as one batch does."""
        answer = secrets.token_hex(16)
        head = f"POST {path} HTTP/1.1\r\nhost: n1\r\ncontent-length: {len(body)}\r\n".encode()
        carrier = self.pool.submit(relay, self.home, replica, "127.0.0.1", answer, [pack(head), pack(body)])
        return answer, carrier, [self.fetch(answer, number) for number in range(parts)]

    def fetch(self, answer, number):
        return self.pool.submit(relay_part, self.home, answer, number)

    def files(self):
        place = relaying.state(self.home) / "relay"
        return list(place.rglob("*.part"))


@pytest.fixture
def login(tmp_path, server):
    with ThreadPoolExecutor(40) as pool:
        yield Login(tmp_path, pool, server.port)


def gather(fetches):
    """Put an answer together; return its body, and how many bytes came by each part."""
    gatherer, pieces = Gatherer(), []
    for fetch in fetches:
        pieces.append(gatherer.take(fetch.result(20)))
        if gatherer.is_whole:
            break
    return b"".join(pieces).partition(b"\r\n\r\n")[2], [len(piece) for piece in pieces]


def test_an_answer_comes_in_parts_while_it_is_written(login):
    began = time.monotonic()
    _, carrier, fetches = login.ask("/stream/20")
    fetches[0].result(5)
    first = time.monotonic() - began
    body, pieces = gather(fetches)
    assert body == chunks(20)
    assert 3 <= len(pieces) <= 6
    assert first < 0.5
    assert carrier.result(5) == len(pieces)


def test_fetches_beyond_the_last_part_return_at_once(login):
    _, carrier, fetches = login.ask("/stream/1")
    count = carrier.result(5)
    assert [fetch.result(2)["error"] for fetch in fetches[count:]] == [
        f"it has no part {number}" for number in range(count, 12)
    ]


def test_nothing_of_an_answer_that_was_fetched_is_left(login):
    gather(login.ask("/stream/3")[2])
    assert login.files() == []


def test_the_spool_is_for_its_owner_alone(login):
    _, carrier, _ = login.ask("/stream/1", parts=0)
    carrier.result(5)
    part, *_ = login.files()
    assert part.stat().st_mode & 0o777 == 0o600
    assert part.parent.stat().st_mode & 0o777 == part.parent.parent.stat().st_mode & 0o777 == 0o700


def test_the_key_is_the_record_s(login, server):
    gather(login.ask("/echo", b'{"prompt": "hi"}')[2])
    (seen,) = server.seen
    assert seen["authorization"] == f"Bearer {KEY}"
    assert seen["connection"] == "close"


def test_a_request_and_a_refusal_pass_unchanged(login):
    asked = json.dumps({"prompt": "naïve " * 2000}).encode()
    assert gather(login.ask("/echo", asked)[2])[0] == asked
    fetch = login.ask("/refuse")[2][0]
    gatherer = Gatherer()
    assert gatherer.take(fetch.result(5)).startswith(b"HTTP/1.1 400 ")


def test_five_megabytes_come_whole_in_parts_that_a_result_can_have(login, server):
    server.blob = os.urandom(5 * 2**20)
    body, pieces = gather(login.ask("/blob")[2])
    assert body == server.blob
    assert max(pieces) <= 3 * 2**20


def test_an_answer_without_a_reader_waits_and_leaves_its_server_when_nobody_comes(login, server, monkeypatch):
    monkeypatch.setattr(relaying, "FORGOTTEN", 0.5)
    server.blob = os.urandom(30 * 2**20)
    _, carrier, _ = login.ask("/blob", parts=0)
    assert carrier.result(20) == relaying.AHEAD
    assert login.files() == []


def test_who_gives_up_an_answer_frees_its_server_within_a_second(login, server):
    answer, carrier, fetches = login.ask("/stream/10000")
    fetches[0].result(5)
    relay_end(login.home, answer)
    assert server.left.wait(1.0)
    carrier.result(1)
    assert "it has no part" in fetches[-1].result(1)["error"]


def test_who_gives_up_before_it_begins_has_nothing_asked(login, server):
    answer = secrets.token_hex(16)
    relay_end(login.home, answer)
    relay(login.home, "r-1", "127.0.0.1", answer, [pack(b"POST /stream/9 HTTP/1.1\r\n"), ""])
    assert server.seen == []


def test_a_server_that_breaks_off_ends_the_answer_with_the_reason(login):
    _, _, fetches = login.ask("/reset")
    with pytest.raises(PartsError, match="its connection broke"):
        gather(fetches)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"stage": Stage.DRAINING, "port": 1}, "r-1 does not take requests any more"),
        ({"port": 1}, r"its connection broke \(Connection refused\)"),
        ({"port": 1, "addresses": ("n2",)}, "r-1 is not at 127.0.0.1 any more"),
    ],
)
def test_a_replica_that_is_not_there_is_told_of(login, change, said):
    login.record(**change)
    with pytest.raises(PartsError, match=said):
        gather(login.ask("/stream/1")[2])


def test_a_fetch_notices_that_nobody_carries_the_answer(login, monkeypatch):
    monkeypatch.setattr(relaying, "SILENT", 0.3)
    answer = secrets.token_hex(16)
    Spool(relaying.state(login.home), answer).begin()
    assert "the task that carried it is gone" in relay_part(login.home, answer, 0)["error"]


def test_what_was_forgotten_is_swept_with_the_next_answer(login):
    _, carrier, _ = login.ask("/stream/1", parts=0)
    carrier.result(5)
    part, *_ = login.files()
    os.utime(part.parent, (0, 0))
    gather(login.ask("/stream/1")[2])
    assert not part.parent.exists()


def test_only_a_name_of_an_answer_leads_to_a_folder(login):
    with pytest.raises(ValueError, match="cannot name an answer"):
        relay_part(login.home, "../replicas", 0)


def test_many_answers_at_once_are_whole(login):
    asked = [login.ask(f"/stream/{count}", parts=8) for count in (3, 8, 12)]
    assert [gather(fetches)[0] for _, _, fetches in asked] == [chunks(3), chunks(8), chunks(12)]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({}, ""),
        ({"addresses": ("no.such.host.invalid", "127.0.0.1")}, ""),
        ({"key": "another"}, "the login node reaches it at none of 127.0.0.1:"),
        ({"model": "org/another"}, "the login node reaches it at none of 127.0.0.1:"),
        ({"port": 1}, "the login node reaches it at none of 127.0.0.1:1"),
    ],
)
def test_the_login_node_tells_whether_it_reaches_a_replica(login, server, change, why):
    login.record(**{"port": server.port, **change})
    found = relay_reach(login.home, "r-1")
    assert why in found["why"]
    assert bool(found["address"]) is not bool(why)


def test_threads_wait_for_parts_without_work(login):
    answer = secrets.token_hex(16)
    Spool(relaying.state(login.home), answer).begin()
    waits = [login.fetch(answer, number) for number in range(20)]
    began, spent = time.monotonic(), time.process_time()
    threading.Event().wait(1.0)
    assert (time.process_time() - spent) / (time.monotonic() - began) < 0.2
    relay_end(login.home, answer)
    assert all(wait.result(2)["error"] for wait in waits)
