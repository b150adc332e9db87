"""Answers that nothing but Globus Compute carries, from a node in Slurm to a reader of this server."""

from __future__ import annotations

import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from cluster import orders, record
from jupyter_process import TELL, wait_until

pytestmark = [pytest.mark.globus, pytest.mark.model]


@pytest.fixture(scope="module")
def far(serve, agent, lab):
    """Have a server whose replica is reached by relay alone."""
    lab.have_cold()
    return serve(agent, paths=["relay"])


def tell(text):
    """Say what was measured; pytest shows it with -s."""
    sys.stdout.write(f"\n{text}\n")


def read(far, tokens):
    """Read an answer; return the seconds until its first token, and those at which more came."""
    began, moments, finish = time.monotonic(), [], None
    with far.openai() as client:
        answer = client.chat.completions.with_raw_response.create(**{**TELL, "max_tokens": tokens})
        assert answer.headers["x-first-route"] == "relay"
        for chunk in answer.parse():
            if chunk.choices[0].delta.content:
                moments.append(round(time.monotonic() - began, 1))
            finish = chunk.choices[0].finish_reason or finish
    assert finish == "length"
    assert len(moments) > 0.8 * tokens
    return moments[0], list(dict.fromkeys(moments))


def test_an_answer_streams_by_globus_compute_alone_for_one_submission(far, compute):
    far.have_hot()
    read(far, 4)
    firsts, costs = [], []
    for _ in range(3):
        since = len(compute.payloads)
        first, steps = read(far, 120)
        firsts.append(first)
        costs.append(len(orders(compute, "relay", since)))
        assert len(steps) >= 3
    tell(f"first tokens after {firsts} s, submissions {costs}, more text at {steps} s")
    assert max(costs) <= 2


def test_answers_at_once_stay_within_what_globus_compute_takes(far, compute):
    far.have_hot()
    before = len(compute.web.calls)
    with ThreadPoolExecutor() as pool:
        answers = list(pool.map(lambda _: read(far, 8), range(8)))
    tell(f"first tokens of eight answers after {sorted(first for first, _ in answers)} s")
    assert [call.line for call in compute.web.calls[before:] if call.status == 429] == []


def test_a_batch_costs_a_handful_of_submissions(far, compute):
    far.have_hot()
    since, count = len(compute.payloads), 60
    rows = [
        {
            "custom_id": f"row-{number}",
            "method": "POST",
            "url": "/v1/chat/completions",
            "body": {"messages": TELL["messages"], "max_tokens": 2},
        }
        for number in range(count)
    ]
    with far.openai() as client:
        content = "".join(json.dumps(row) + "\n" for row in rows).encode()
        uploaded = client.files.create(file=("rows.jsonl", content), purpose="batch")
        asked = {"endpoint": "/v1/chat/completions", "completion_window": "1h"}
        batch = client.batches.create(input_file_id=uploaded.id, **asked)
        done = wait_until(
            lambda: (now := client.batches.retrieve(batch.id)).status == "completed" and now,
            180,
            lambda: str(client.batches.retrieve(batch.id)),
        )
        answers = client.files.content(done.output_file_id).text.splitlines()
    assert [json.loads(answer)["custom_id"] for answer in answers] == [row["custom_id"] for row in rows]
    submissions = orders(compute, "relay", since)
    tell(f"{count} rows, {len(submissions)} submissions")
    assert len(submissions) <= 3


def test_no_key_is_in_a_task(far, agent, compute):
    far.have_hot()
    read(far, 4)
    assert not compute.contains(record(agent)["key"])
    assert record(agent)["key"] not in far.log


def test_a_reader_that_leaves_frees_the_node(far, agent, compute):
    far.have_hot()
    since = len(compute.payloads)
    with far.openai() as client, client.chat.completions.create(**TELL) as stream:
        while not next(stream).choices[0].delta.content:
            pass
        wait_until(lambda: record(agent)["load"]["running"] == 1, 20)
    left = time.monotonic()
    wait_until(lambda: record(agent)["load"]["running"] == 0, 20)
    tell(f"the node was free {time.monotonic() - left:.1f} s after its reader had left")
    assert any("relay_end" in json.dumps(order) for order in orders(compute, "control", since))


def test_nothing_of_an_answer_stays_on_the_login_node(far, agent):
    far.have_hot()
    read(far, 4)
    wait_until(lambda: not [*agent.home.rglob("relay/*/*.part")], 10)


def test_an_answer_whose_job_is_cancelled_ends_with_an_error(far, slurm):
    far.have_hot()
    (job,) = slurm.jobs()
    with far.reading():
        slurm.cancel(job)
        cancelled = time.monotonic()
    assert time.monotonic() - cancelled < 30
