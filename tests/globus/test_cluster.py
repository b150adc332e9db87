"""A model on a Slurm cluster behind Globus Compute answers like one on the laptop."""

from __future__ import annotations

import json
import re
import time

import pytest
from auth import COMPUTE
from cluster import orders
from first_jupyter_server.clusters.globus_watch import PATIENT
from jupyter_process import SMOLLM2, client, text_of, wait_until

pytestmark = [pytest.mark.globus, pytest.mark.model]

HELLO = {
    "model": "smollm2",
    "messages": [{"role": "user", "content": "Say hello."}],
    "max_tokens": 16,
    "temperature": 0,
}


def ask(lab):
    """Return a streamed answer."""
    with lab.openai() as openai:
        return text_of(openai.chat.completions.create(**HELLO, stream=True))


def test_a_chat_is_answered_by_a_replica_inside_a_slurm_job(lab, slurm):
    lab.have_hot()
    assert list(slurm.jobs().values()) == ["RUNNING"]
    assert ask(lab)


def test_a_replica_takes_one_submission_and_few_looks(lab, compute):
    lab.have_cold()
    before = None
    while before != len(compute.payloads):  # the last looks are at what has ended
        before = len(compute.payloads)
        time.sleep(2)
    begun = time.monotonic()
    (lease,) = lab.have_hot()["leases"]
    minutes = int((time.monotonic() - begun) / PATIENT)
    # A look that knows of the ready replica belongs to no start: while one is hot, such a look is under way.
    knows = re.compile(rf"{lease['replica']}\W+ready")
    looks = [each for each in orders(compute, "control", since=before) if not knows.search(json.dumps(each))]
    assert len(orders(compute, "serve", since=before)) == 1
    assert 1 <= len(looks) <= 2 + minutes


def test_a_replica_answers_nobody_without_its_key(lab, agent):
    records = [json.loads(path.read_text()) for path in agent.home.rglob("replicas/*.json")]
    (record,) = (each for each in records if each["stage"] == "ready")
    assert record["addresses"]
    at = f"http://{record['host']}:{record['port']}/"
    with client(at, "Bearer wrong") as replica:
        assert replica.post("v1/completions", json={"prompt": "x"}).status_code == 401


def test_no_token_is_in_any_payload(lab, compute, client_id):
    secrets = [compute.auth.confidential[client_id]["secret"], *compute.auth.issued]
    assert any(token.resource_server == COMPUTE for token in compute.auth.tokens.values())
    assert not [secret for secret in secrets if compute.contains(secret)]


def test_the_hosted_limits_are_kept(lab, compute):
    assert not [call for call in compute.web.calls if call.status == 429]


def test_a_replica_on_a_node_tells_its_log_its_path_and_what_it_took(lab):
    (lease,) = lab.have_hot()["leases"]
    assert (lease["path"], lease["since"] < time.time()) == ("direct", True)
    told = lab.get(f"models/log?model=smollm2&replica={lease['replica']}")
    assert (told["replica"], told["node"], told["reason"]) == (lease["replica"], lease["node"], "")
    assert any("llama" in line for line in told["lines"])
    (cluster,) = lab.get("clusters")["clusters"]
    assert (cluster["state"], cluster["paths"]) == ("online", ["direct"])
    assert cluster["seen"] <= time.time()
    lab.post("models/stop", model="smollm2", replica=lease["replica"])
    lab.until("cold")
    today = lab.get("usage")["today"]
    assert 0 < today["by_model"][SMOLLM2]["node_hours"] <= today["node_hours"] < 24


def test_a_stopped_replica_gives_its_node_back(lab, slurm):
    lab.have_hot()
    lab.have_cold()
    wait_until(lambda: not slurm.jobs(), 90, slurm.jobs)


def test_a_server_that_comes_back_finds_its_replica_again(serve, agent, slurm, compute, tmp_path):
    first = serve(agent, data=tmp_path / "data")
    first.have_hot()
    jobs = slurm.jobs()
    first.close()
    before = len(compute.payloads)
    second = serve(agent, data=tmp_path / "data")
    assert second.until("hot", seconds=60)["replicas"] == 1
    assert ask(second)
    assert slurm.jobs() == jobs
    assert not orders(compute, "serve", since=before)
    second.have_cold()


def test_another_server_stays_away_from_it(lab, serve, agent):
    lab.have_hot()
    other = serve(agent)
    assert other.place()["state"] == "cold"
    other.post("models/stop", model="smollm2")
    assert ask(lab)
    assert lab.place(SMOLLM2)["state"] == "hot"
