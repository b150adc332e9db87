"""Replicas that this server cannot reach dial it, and answer through the tunnel."""

from __future__ import annotations

import os
import signal
import time

import pytest
from cluster import record
from hub import AtHub
from jupyter_process import TELL, free_port, wait_until
from wall import Wall

pytestmark = [pytest.mark.globus, pytest.mark.model]

BASE = "/user/ada/"
BEHIND_A_HUB = [f"--ServerApp.base_url={BASE}", f"--FirstApp.public_url=http://127.0.0.1:{{port}}{BASE}"]


@pytest.fixture(scope="module")
def far(serve, agent, lab):
    """Have a server whose replica is reached through its tunnel alone."""
    lab.have_cold()
    return serve(agent, paths=["tunnel"], options=BEHIND_A_HUB)


def test_a_replica_that_dials_answers_through_its_tunnel(far):
    far.have_hot()
    assert far.path() == "tunnel"
    assert "through a tunnel) answers in" in far.get("why")["sentence"]


def test_no_other_machine_reaches_a_server_that_answers_by_tunnel(far, agent):
    far.have_hot()
    assert record(agent)["addresses"] == ["127.0.0.1"]


def test_neither_its_key_nor_that_of_its_tunnel_is_in_a_task(far, agent, compute):
    far.have_hot()
    assert not compute.contains(record(agent)["key"])
    assert record(agent)["key"] not in far.log


def test_who_has_no_key_of_a_replica_is_not_let_in(far, agent):
    far.have_hot()
    replica = record(agent)
    for key in ("", "sk-wrong", far.found["api_key"], far.token, replica["key"]):
        for named in (replica["replica"], "unknown"):
            with far.jupyters_port(key) as stranger:
                answer = stranger.get(f"first/tunnel/{named}", headers={"Upgrade": "websocket"})
                assert (answer.status_code, answer.json()["error"]["code"]) == (401, "invalid_api_key")


def test_a_data_plane_that_is_killed_has_its_tunnel_again(far):
    far.have_hot()
    os.kill(far.get("status")["dataplane"]["pid"], signal.SIGKILL)
    wait_until(lambda: far.get("status")["dataplane"]["restarts"] == 1, 20)
    assert far.path() == "tunnel"


def test_a_reader_that_leaves_frees_the_node(far, agent):
    far.have_hot()
    with far.openai() as client, client.chat.completions.create(**TELL) as stream:
        while not next(stream).choices[0].delta.content:
            pass
        wait_until(lambda: record(agent)["load"]["running"] == 1, 20)
    wait_until(lambda: record(agent)["load"]["running"] == 0, 20)


def test_an_answer_whose_job_is_cancelled_ends_with_an_error_at_once(far, slurm):
    far.have_hot()
    (job,) = slurm.jobs()
    with far.reading():
        slurm.cancel(job)
        cancelled = time.monotonic()
    assert time.monotonic() - cancelled < 30


def test_a_node_that_can_neither_be_reached_nor_dial_says_why(serve, agent, lab):
    lab.have_cold()
    nowhere = f"http://127.0.0.1:{free_port()}/"
    deaf = serve(agent, paths=["tunnel"], options=[f"--FirstApp.public_url={nowhere}"])
    reason = deaf.start_and_fail()
    assert "it opened no tunnel to this server: 127.0.0.1:" in reason
    assert "takes no connections from this node" in reason


def test_at_a_hub_a_node_dials_the_users_address_behind_its_proxy(agent, client_id, weights, lab, tmp_path):
    lab.have_cold()
    hub = AtHub(agent, client_id, tmp_path, weights, paths=["tunnel"])
    try:
        hub.have_hot()
        assert hub.path() == "tunnel"
        with hub.openai() as client, client.chat.completions.create(**TELL | {"max_tokens": 200}) as stream:
            chunks = iter(stream)
            while not next(chunks).choices[0].delta.content:
                pass
            hub.restart_proxy()
            assert list(chunks)[-1].choices[0].finish_reason == "length"
        assert not [line for line in hub.log.splitlines() if record(agent)["key"] in line]
        hub.have_cold()
    finally:
        hub.close()


def test_through_a_wall_that_keeps_addresses_out_a_tunnel_is_taken_by_itself(serve, agent, lab):
    lab.have_cold()
    with Wall() as wall:
        walled = serve(agent, wall=wall, options=[f"--FirstApp.public_url=http://{wall.address}:{{port}}/"])
        walled.have_hot()
        assert len(record(agent)["addresses"]) > 0
        assert walled.path() == "tunnel"
        walled.have_cold()
        walled.close()
