"""What befalls a cluster behind Globus Compute, and what its user sees of it."""

from __future__ import annotations

import time
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest
from auth import COMPUTE
from cluster import orders
from endpoint import Agent
from jupyter_process import TELL, wait_until
from routes import Fault

pytestmark = [pytest.mark.globus, pytest.mark.model]


@pytest.fixture(scope="module")
def other_agent(compute, client_id, tmp_path_factory):
    """Make an endpoint whose agent does not run."""
    agent = Agent(compute, tmp_path_factory.mktemp("other"), client_id)
    yield agent
    agent.kill()


def test_a_job_cancelled_in_mid_answer_ends_the_stream_with_an_error(lab, slurm):
    lab.have_hot()
    (job,) = slurm.jobs()
    with lab.reading():
        slurm.cancel(job)
    place = wait_until(lambda: (at := lab.place())["state"] in {"offline", "cold"} and at, 90)
    assert "told to end" in place["reason"]
    assert lab.have_hot()["state"] == "hot"


def test_an_answer_whose_job_is_cancelled_goes_on_from_another_job(lab, slurm):
    lab.have_hot()
    (job,) = slurm.jobs()
    with lab.openai() as client, client.chat.completions.create(**{**TELL, "max_tokens": 120}) as stream:
        chunks = iter(stream)
        while not next(chunks).choices[0].delta.content:
            pass
        slurm.cancel(job)
        rest = list(chunks)
    (seam,) = rest[-1].x_first["seams"]
    assert (seam["cluster"], rest[-1].choices[0].finish_reason) == ("lab", "length")
    wait_until(lambda: slurm.jobs() and job not in slurm.jobs(), 90, slurm.jobs)


def test_a_passing_refusal_delays_a_start_and_no_more(lab, compute):
    lab.have_cold()
    compute.web.faults += [Fault("POST .*/submit", 503, times=1), Fault("POST .*/submit", 429, times=1)]
    assert lab.have_hot()["state"] == "hot"


def test_hot_models_answer_while_the_service_is_down(lab, compute):
    lab.have_hot()
    compute.web.faults.append(Fault(".", 0))
    assert lab.ask()
    time.sleep(3)
    assert lab.place()["state"] == "hot"


def test_a_token_that_expired_is_replaced_in_silence(lab, compute):
    lab.have_cold()
    compute.auth.expire_access(COMPUTE)
    assert lab.have_hot()["state"] == "hot"


def test_two_starts_at_once_are_one(lab, compute):
    lab.have_cold()
    before = len(compute.payloads)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: lab.post("models/start", model="smollm2"), range(4)))
    lab.until("hot", seconds=120)
    assert len(orders(compute, "serve", since=before)) == 1


def test_a_broker_that_restarts_costs_no_answer(lab, broker):
    lab.have_hot()
    broker.stop()
    assert lab.ask()
    broker.start()
    assert lab.ask()
    lab.have_cold()
    assert lab.have_hot()["state"] == "hot"


def test_an_endpoint_that_globus_does_not_know_is_named(serve, other_agent):
    reason = serve(other_agent).start_and_fail()
    assert f"Globus knows no endpoint {other_agent.id}" in reason


@pytest.mark.parametrize("trusts_agents", [False, True], ids=["by the service", "by the agent"])
def test_a_function_that_is_not_allowed_is_named(serve, other_agent, compute, trusts_agents):
    if not other_agent.is_online():
        other_agent.start(allowed_functions=[str(uuid.uuid4())])
    compute.trusts_agents = trusts_agents
    try:
        assert "does not allow first-jupyter's function" in serve(other_agent).start_and_fail()
    finally:
        compute.trusts_agents = False


def test_an_endpoint_that_is_offline_is_named(serve, other_agent):
    if other_agent.is_online():
        other_agent.stop()
        wait_until(lambda: not other_agent.is_online(), 90)
    reason = serve(other_agent).start_and_fail()
    assert f"the endpoint {other_agent.id} is offline" in reason
