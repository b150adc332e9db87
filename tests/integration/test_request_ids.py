"""One id leads from a notebook's request to all that is known of it."""

from __future__ import annotations

import pytest
from jupyter_process import SMOLLM2, wait_until

pytestmark = pytest.mark.model

PROMPT = "A secret of mine."


def ask(port, name, model=SMOLLM2):
    asked = {"model": model, "messages": [{"role": "user", "content": PROMPT}], "max_tokens": 2}
    return port.post("first/v1/chat/completions", json=asked, headers={"x-request-id": name})


@pytest.mark.parametrize("port", ["kernels_port", "jupyters_port"])
def test_an_answered_request_is_found_by_its_id_in_the_usage_and_the_reasons(lab, port):
    name = f"answered-{port}"
    with getattr(lab.warm(), port)() as client:
        assert ask(client, name).headers["x-request-id"] == name
        assert client.get("first/api/why", params={"request": name}).json()["chosen"]["cluster"] == "local"
    wait_until(lambda: name in [each["request_id"] for each in lab.get("usage")["recent"]], 60)


@pytest.mark.parametrize("port", ["kernels_port", "jupyters_port"])
def test_a_failed_request_is_found_by_its_id_in_the_log_without_its_prompt(lab, port):
    name = f"failed-{port}"
    with getattr(lab, port)() as client:
        answer = ask(client, name, "lab/missing")
    assert (answer.status_code, answer.headers["x-request-id"]) == (503, name)
    line = wait_until(lambda: next((line for line in lab.log.splitlines() if name in line), None), 60)
    assert f"Request {name} to lab/missing failed with model_not_ready (HTTP 503)" in line
    assert PROMPT not in lab.log


@pytest.mark.parametrize("port", ["kernels_port", "jupyters_port"])
def test_a_request_that_is_refused_at_once_keeps_its_id(lab, port):
    with getattr(lab, port)() as client:
        answer = ask(client, "refused", "no-such-model")
    assert (answer.status_code, answer.headers["x-request-id"]) == (404, "refused")
