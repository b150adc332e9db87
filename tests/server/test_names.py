"""Names that cannot be looked up, or not for long: nobody else waits for them."""

import asyncio
import socket
import threading

import pytest
from first_jupyter_server.dataplane.names import addresses
from first_jupyter_server.federation.catalog import Replica

from .conftest import CHAT, json_answer, until

ROUTE = "/v1/chat/completions"
HANGS = "llm.hangs.example"
STRANGE = "llm." + "x" * 64 + ".example"


@pytest.fixture
def hanging(monkeypatch):
    """A resolver that says nothing of one host until the test is over; yields how often it was asked."""
    over, asked, real = threading.Event(), [], socket.getaddrinfo

    def look_up(host, *args, **kwargs):
        if host == HANGS:
            asked.append(host)
            over.wait(30)
            raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
        return real(host, *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    yield asked
    over.set()


async def test_a_name_that_hangs_keeps_no_request_to_another_host_waiting(
    plane, client, replica_server, hanging
):
    plane.catalog(Replica("hangs", HANGS, 80))
    asking = [asyncio.create_task(client.post(ROUTE, json=CHAT)) for _ in range(20)]
    await until(lambda: hanging)
    there = await replica_server(json_answer())
    plane.places(desk=[Replica("hangs", HANGS, 80)], there=[Replica("there", "localhost", there.port)])
    answer = await client.post(ROUTE, json=CHAT, headers={"x-first-stay": "there"})
    assert answer.headers["x-first-cluster"] == "there"
    assert not any(each.done() for each in asking)
    assert len(hanging) == 1
    for each in asking:
        each.cancel()


async def test_the_next_request_asks_again(monkeypatch):
    said = iter([socket.gaierror(socket.EAI_AGAIN, "not now"), [(2, 1, 6, "", ("192.0.2.7", 0))]])

    def look_up(*_, **__):
        if isinstance(now := next(said), OSError):
            raise now
        return now

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    with pytest.raises(socket.gaierror):
        await addresses("llm.campus.example")
    assert await addresses("llm.campus.example") == ["192.0.2.7"]


@pytest.mark.parametrize("address", ["192.0.2.7", "::1", "fe80::1%eth0"])
async def test_an_address_is_not_looked_up(address, monkeypatch):
    monkeypatch.setattr(socket, "getaddrinfo", None)
    assert await addresses(address) == [address]


async def test_a_name_that_no_host_can_have_has_no_address():
    with pytest.raises(socket.gaierror):
        await addresses(STRANGE)
