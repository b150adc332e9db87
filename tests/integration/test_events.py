"""What browsers and kernels are told by themselves as models change."""

from __future__ import annotations

import contextlib
import json

import pytest
from jupyter_process import SMOLLM2, wait_until
from websocket import WebSocketTimeoutException

pytestmark = pytest.mark.model

STATE = "https://first-jupyter.org/events/model-state/v1"
USAGE = "https://first-jupyter.org/events/usage/v1"
CLUSTERS = "https://first-jupyter.org/events/clusters/v1"
CURRENT = "https://first-jupyter.org/events/current-model/v1"


@contextlib.contextmanager
def subscription(lab):
    """Yield a function that returns the next events, up to one that is wanted."""
    socket = lab.websocket("api/events/subscribe")
    try:
        yield lambda wanted: list(events_until(socket, wanted))
    finally:
        socket.close()


def events_until(socket, wanted):
    seen = []
    while not seen or not wanted(seen[-1]):
        try:
            seen.append(json.loads(socket.recv()))
        except WebSocketTimeoutException:
            raise AssertionError(seen) from None
        yield seen[-1]


def test_browsers_are_told_each_state_of_a_model_on_its_way(lab):
    with subscription(lab.cold()) as until:
        lab.post("models/start", model="smollm2")
        told = until(lambda event: event.get("state") == "hot")
    # That this model and the others were cold before may be told late.
    events = [event for event in told if event["schema_id"] == STATE and event["state"] != "cold"]
    assert {(event["model"], event["cluster"]) for event in events} == {(SMOLLM2, "local")}
    # What lasts for less than a tenth of a second need not be told.
    states = list(dict.fromkeys(event["state"] for event in events))
    assert states in (["queued", "starting", "hot"], ["starting", "hot"])
    assert all(event["reason"] for event in events[:-1])


def test_browsers_are_told_the_current_choice(lab):
    with subscription(lab) as until, lab.kernels_port() as kernel:
        for model in ("lab/embedder", SMOLLM2):
            kernel.put("first/api/current", json={"model": model}).raise_for_status()
            assert until(lambda event: event["schema_id"] == CURRENT)[-1]["model"] == model
            assert lab.get("current") == {"model": model}


def test_browsers_are_told_that_there_is_something_new_in_the_record_of_usage(lab):
    before = lab.warm().get("usage")["today"]
    with subscription(lab) as until:
        lab.ask()
        event = until(lambda event: event["schema_id"] == USAGE)[-1]
    after = lab.get("usage")["today"]
    assert not {"model", "notebook", "request_id"} & event.keys()
    assert after["requests"] == before["requests"] + 1
    assert after["completion_tokens"] > before["completion_tokens"]
    assert after["node_hours"] is None


def test_browsers_are_told_the_path_to_a_cluster(lab):
    for model in lab.get("models")["models"]:
        if model["clusters"][0]["leases"]:  # as others may have left it
            lab.post("models/stop", model=model["id"])
    wait_until(lambda: not lab.get("clusters")["clusters"][0]["paths"], 60)
    with subscription(lab.cold()) as until:
        lab.post("models/start", model="smollm2")
        event = until(lambda event: event["schema_id"] == CLUSTERS)[-1]
    assert (event["cluster"], event["state"]) == ("local", "online")
    lab.until("hot")
    (local,) = lab.get("clusters")["clusters"]
    assert (local["kind"], local["state"], local["paths"], local["seen"]) == (
        "local",
        "online",
        ["direct"],
        None,
    )


@pytest.mark.parametrize("port", ["kernels_port", "jupyters_port"])
def test_kernels_are_told_the_catalog_at_once_and_at_each_change(lab, port):
    with getattr(lab.warm(), port)() as kernel, kernel.stream("GET", "first/api/events") as answer:
        catalogs = (json.loads(line[6:]) for line in answer.iter_lines() if line.startswith("data: "))
        assert "hot" in (state_in(catalog) for catalog in catalogs)
        lab.post("models/stop", model="smollm2")
        assert next(state for catalog in catalogs if (state := state_in(catalog)) != "hot") in (
            "draining",
            "cold",
        )
    lab.until("cold")


def state_in(catalog):
    (model,) = (model for model in catalog["models"] if model["id"] == SMOLLM2)
    return model["clusters"][0]["state"]
