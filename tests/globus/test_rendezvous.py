"""Replicas and a server that can both only dial out meet at a relay, and answers come through it."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import pytest
from cluster import record
from jupyter_process import TELL, free_port, wait_until
from meeting import ACCESS, Relay

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.globus, pytest.mark.model]


@pytest.fixture(scope="module")
def relay(tmp_path_factory) -> Iterator[Relay]:
    """Run a relay."""
    made = Relay(tmp_path_factory.mktemp("relay"))
    made.start()
    yield made
    made.end()


@pytest.fixture(scope="module")
def far(serve, agent, lab, relay):
    """Have a server that meets its replica at the relay alone."""
    lab.have_cold()
    return serve(agent, paths=["rendezvous"], options=relay.options)


def test_a_replica_that_is_met_at_a_relay_answers_through_it(far, agent):
    far.have_hot()
    assert far.path() == "rendezvous"
    assert record(agent)["addresses"] == ["127.0.0.1"]


def test_nothing_secret_is_in_a_task_or_the_log(far, agent, compute):
    far.have_hot()
    secrets = (record(agent)["key"], ACCESS, "PRIVATE KEY")
    assert not any(compute.contains(secret) or secret in far.log for secret in secrets)


def test_an_answer_is_whole_whose_relay_was_restarted(far, relay):
    far.have_hot()
    # Log-probabilities cannot be pieced together: nothing but this very stream can go on.
    asked = {**TELL, "max_tokens": 400, "logprobs": True}
    with far.openai() as client, client.chat.completions.create(**asked) as stream:
        chunks = iter(stream)
        while not next(chunks).choices[0].delta.content:
            pass
        relay.end()
        relay.start()
        last = [chunk.choices[0].finish_reason for chunk in chunks if chunk.choices]
    assert (last[-1], len(last) >= 398) == ("length", True)


def test_a_data_plane_that_is_killed_meets_its_replica_again(far):
    far.have_hot()
    os.kill(far.get("status")["dataplane"]["pid"], signal.SIGKILL)
    wait_until(lambda: far.get("status")["dataplane"]["restarts"] == 1, 20)
    assert far.path() == "rendezvous"


def test_the_next_server_meets_the_replica_of_the_one_before(serve, agent, far, relay, tmp_path):
    far.have_cold()
    how = {"paths": ["rendezvous"], "options": relay.options, "data": tmp_path / "data"}
    first = serve(agent, **how)
    first.have_hot()
    replica = record(agent)["replica"]
    first.close()
    second = serve(agent, **how)
    assert second.until("hot", seconds=60)["leases"][0]["replica"] == replica
    assert second.path() == "rendezvous"
    second.have_cold()


def test_a_relay_that_is_not_there_is_named(serve, agent, relay):
    nowhere = f"--FirstApp.relay_url=http://127.0.0.1:{free_port()}"
    deaf = serve(agent, paths=["rendezvous"], options=[nowhere, relay.options[1]])
    reason = deaf.start_and_fail()
    assert "it opened no tunnel to the relay: 127.0.0.1:" in reason
    assert "takes no connections from this node" in reason
