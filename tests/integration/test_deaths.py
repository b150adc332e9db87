"""Processes that die in the middle of an answer: no answer is cut silently, and all comes back by itself."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time

import openai
import pytest
from jupyter_process import SMOLLM2, TELL, wait_until

pytestmark = pytest.mark.model

PORTS = ["openai", "openai_through_jupyter"]


@contextlib.contextmanager
def half_an_answer(lab, through, **more):
    """Yield a stream that has begun."""
    asked = {**TELL, **more}
    with getattr(lab.warm(), through)() as client, client.chat.completions.create(**asked) as stream:
        chunks = iter(stream)
        while not next(chunks).choices[0].delta.content:
            pass
        yield chunks


def test_an_answer_waits_for_its_model_server_that_died_and_goes_on(lab):
    with half_an_answer(lab, "openai", max_tokens=80) as chunks:
        (victim,) = lab.backends()
        os.kill(victim, signal.SIGKILL)
        rest = list(chunks)
    assert [choice.finish_reason for chunk in rest for choice in chunk.choices][-1] == "length"
    assert len(rest[-1].x_first["seams"]) == 1


def test_where_an_answer_cannot_go_on_its_stream_ends_with_an_error(lab):
    with half_an_answer(lab, "openai_through_jupyter", logprobs=True) as chunks:
        (victim,) = lab.backends()
        os.kill(victim, signal.SIGKILL)
        with pytest.raises(
            openai.APIError, match=r"The answer is incomplete: the model's server on local went .*log-prob"
        ):
            list(chunks)


def test_a_model_server_that_died_comes_back_by_itself(lab):
    (victim,) = lab.warm().backends()
    os.kill(victim, signal.SIGKILL)
    wait_until(lambda: lab.backends() not in ([victim], []), 20)
    assert lab.ask()
    assert lab.place()["state"] == "hot"


def test_a_data_plane_that_dies_comes_back_on_the_same_port_with_the_same_key(lab):
    before, found = lab.get("status")["dataplane"], lab.found
    kill_data_plane(lab)
    begun = time.monotonic()
    after = lab.get("status")["dataplane"]
    assert time.monotonic() - begun < 5
    assert after["pid"] != before["pid"]
    assert after["restarts"] == before["restarts"] + 1
    assert lab.found == found


@pytest.mark.parametrize("through", PORTS)
def test_a_request_right_after_the_data_planes_death_is_answered(lab, through):
    with getattr(lab.warm(), through)() as client:
        kill_data_plane(lab)
        assert (
            client.completions.create(model=SMOLLM2, prompt="Once", temperature=0, max_tokens=4)
            .choices[0]
            .text
        )


def test_a_client_with_an_open_connection_can_go_on_after_the_data_planes_death(lab):
    with lab.warm().openai().with_options(max_retries=2) as client:
        client.models.list()
        kill_data_plane(lab)
        assert client.models.list()


def test_on_the_kernels_port_an_answer_in_flight_is_not_ended_silently(lab):
    with half_an_answer(lab, "openai") as chunks:
        kill_data_plane(lab)
        with pytest.raises(openai.APIConnectionError):
            list(chunks)


def test_on_jupyters_port_an_answer_in_flight_ends_with_an_error(lab):
    with half_an_answer(lab, "openai_through_jupyter") as chunks:
        kill_data_plane(lab)
        with pytest.raises(openai.APIError, match="The answer is incomplete: the data plane was restarted"):
            list(chunks)


def test_on_jupyters_port_a_request_that_waits_survives_the_data_planes_death(lab):
    lab.cold()
    with lab.openai_through_jupyter() as client:
        killer = threading.Timer(0.5, kill_data_plane, [lab])
        killer.start()
        answer = client.chat.completions.create(model=SMOLLM2, messages=TELL["messages"], max_tokens=4)
    assert answer.choices[0].message.content


def test_a_browser_is_told_at_once_when_the_data_plane_comes_back(lab):
    kill_data_plane(lab)
    with lab.jupyters_port() as browser, browser.stream("GET", "first/api/events") as events:
        assert next(events.iter_lines()) == "event: models"


def kill_data_plane(lab):
    os.kill(lab.get("status")["dataplane"]["pid"], signal.SIGKILL)
