import time

import pytest
from ipywidgets.widgets.widget import _instances as widgets
from wire import LOADING, STAGES, lease

import first_jupyter
from first_jupyter import FirstError
from first_jupyter._start import Start


@pytest.fixture
def progress(wire):
    made = []

    def follow(*args, **place):
        if place:
            wire.changes(**place)
        made.append(first_jupyter.progress(*args))
        return made[-1]

    yield follow
    for each in made:
        each.close()


def names(card):
    return [control.description for control in card.children if hasattr(control, "icon")]


def sent(wire):
    return [(route, body) for _, route, body in wire.calls if body]


def test_a_start_is_told_by_its_stages_and_what_is_left(progress):
    card = progress(**LOADING)
    assert card.text().splitlines() == [
        "smollm2 on local: loading, about 19 s left",
        "  ✓ waiting for a node: took 12 s",
        "  ▸ loading the weights: 20 s so far, usually 35 s",
        "  ○ warming up: usually 4 s",
    ]
    assert "<progress " in card._body.value
    assert "about 19 s left" in card._body.value


def test_it_ends_hot_and_says_after_how_long(progress, wire, eventually):
    card = progress(**LOADING | {"leases": [lease("loading", since=time.time() - 125)]})
    wire.changes(state="hot", leases=[lease()])
    eventually(lambda: "smollm2 on local: hot after 2 min" in card._said.value)
    assert "warming" not in card.text()
    assert names(card) == []
    eventually(lambda: wire.listeners == 0)


def test_it_ends_with_the_failure_and_its_remedy(progress, wire, eventually):
    card = progress(**LOADING)
    reason = "it ran out of memory; `%first log smollm2` shows the end of its log"
    wire.changes(state="offline", stage=None, reason=reason)
    eventually(lambda: f"failed after 0 s: {reason}" in card.text())
    assert names(card) == ["Start"]


def test_cancel_stops_that_start_at_its_cluster(progress, wire, eventually):
    card = progress(**LOADING)
    assert names(card) == ["Cancel"]
    card._cancel.click()
    eventually(lambda: ("api/models/stop", {"model": card._start.model, "cluster": "local"}) in sent(wire))
    eventually(lambda: "stopped after 0 s" in card.text())


def test_a_start_that_is_queued_can_be_cancelled_too(progress):
    assert names(progress(state="queued", stage="queued", stages=STAGES[:1])) == ["Cancel"]


def test_what_cannot_be_cancelled_from_here_says_why(progress):
    card = progress(**LOADING, unstoppable="the gateway starts and stops its models itself")
    assert names(card) == []
    assert "It cannot be cancelled from here: the gateway" in card._body.value


def test_a_cold_model_is_not_started_unasked(progress, wire, eventually):
    card = progress("smollm2", state="cold", stage=None, reason="it starts with the first request")
    assert names(card) == ["Start"]
    assert not sent(wire)
    card._begin.click()
    eventually(lambda: names(card) == ["Cancel"])


def test_a_model_that_is_hot_is_followed_no_further(progress, wire):
    card = progress()
    assert card.text() == "smollm2 on local: ready"
    assert names(card) == []
    assert wire.listeners == 0


def test_an_unknown_model_is_refused_at_once(progress):
    before = len(widgets)
    with pytest.raises(FirstError, match="There is no model nothing"):
        progress("nothing")
    assert len(widgets) == before


def test_a_refusal_is_told_in_the_widget(progress, wire, eventually):
    card = progress(**LOADING)
    wire.server.shutdown()
    wire.server.server_close()
    card._cancel.click()
    eventually(lambda: "The server at" in card._said.value)
    eventually(lambda: not card._cancel.disabled)


def test_closing_it_ends_its_threads(progress, wire, eventually):
    card = progress(**LOADING)
    eventually(lambda: wire.listeners == 1)
    card.close()
    eventually(lambda: wire.listeners == 0)
    eventually(lambda: not card._live.is_alive)
    eventually(lambda: not card._ticking.is_alive())


def place(cluster, state, **more):
    return {"cluster": cluster, "state": state, "reason": "", "eta": None, "leases": []} | more


def seen(start, now, *places):
    start.see({"current": "m", "models": [{"id": "m", "aliases": [], "clusters": list(places)}]}, now)
    return start.stage


def test_a_start_that_goes_on_elsewhere_is_followed_there():
    start = Start("m")
    assert seen(start, 0, place("a", "starting"), place("b", "cold")) == "m on a: starting"
    assert seen(start, 5, place("a", "offline", reason="it fell"), place("b", "cold")).startswith(
        "m on a: failed"
    )
    assert seen(start, 6, place("a", "offline"), place("b", "starting")) == "m on b: starting"
    assert seen(start, 9, place("a", "offline"), place("b", "hot")) == "m on b: hot after 3 s"


def test_the_bar_runs_by_time_where_that_is_known():
    start = Start("m")
    seen(start, 0, place("a", "starting", eta=30.0, progress=0.9))
    assert start.share(10) == pytest.approx(1 / 3)
    assert start.share(60) == 1.0
    seen(start, 60, place("a", "starting", progress=0.9))
    assert start.share(61) == 0.9
    seen(start, 62, place("a", "starting"))
    assert start.share(63) is None
