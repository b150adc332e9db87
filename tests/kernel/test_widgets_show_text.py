"""What a server says stands in a widget as text, whatever it says."""

import ipywidgets
import pytest
from wire import LOADING, SPAN, STAGES, lease

import first_jupyter

ACTS = "<img src=x onerror=alert(1)>"
SUM = {"requests": 3, "prompt_tokens": 1000, "completion_tokens": 234, "first_token_s": 0.4, "node_hours": 1}
DAY = {"requests": 2, "failed": 0, "prompt_tokens": 10, "completion_tokens": 30, "node_hours": None}
LOG = {
    "cluster": ACTS,
    "replica": ACTS,
    "node": ACTS,
    "reason": ACTS,
    "at": 0.0,
    "file": ACTS,
    "lines": [ACTS],
}


@pytest.fixture
def hostile(wire):
    """A server whose every name and sentence is a tag that acts."""
    leases = [lease(replica=ACTS, node=ACTS, job=ACTS, path=ACTS)]
    stages = [stage | {"stage": ACTS} for stage in STAGES]
    wire.changes(**LOADING | {"reason": ACTS, "stage": ACTS, "leases": leases, "stages": stages})
    named = wire.catalog
    for model in named["models"]:
        model |= {"id": f"org/{ACTS}", "aliases": [ACTS]}
        for place in model["clusters"]:
            place |= {"cluster": ACTS, "backend": ACTS, "unstoppable": ACTS}
    wire.catalog = named | {"models": named["models"][:1], "current": f"org/{ACTS}"}
    names = {"by_model": {ACTS: SUM}, "by_notebook": {ACTS: SUM}}
    wire.usage = {"today": SPAN, "last_30_days": SPAN | names, "days": [DAY | {"day": ACTS}], "recent": []}
    wire.log = lambda *_: (200, LOG)
    return wire


def html_of(widget):
    """Return all HTML that a widget and its parts show."""
    own = [widget.value] if isinstance(widget, ipywidgets.HTML) else []
    return own + [value for child in getattr(widget, "children", ()) for value in html_of(child)]


@pytest.mark.parametrize("name", ["ModelPicker", "WarmNodes", "Usage", "progress"])
def test_no_word_of_a_server_is_a_tag(hostile, name):
    widget = getattr(first_jupyter, name)()
    shown = [*html_of(widget), widget.page()]
    widget.close()
    assert any("&lt;img" in html for html in shown)
    assert not [html for html in shown if "<img" in html]


def test_no_line_of_a_log_is_a_tag(hostile, eventually):
    nodes = first_jupyter.WarmNodes()
    row = nodes.children[1]
    row._log.click()
    eventually(lambda: row._log.description == "Hide log")
    assert row._pane.value.count("&lt;img") == 3
    assert "<img" not in row._pane.value
    nodes.close()


def test_no_refusal_of_a_server_is_a_tag(hostile, eventually):
    hostile.log = lambda *_: (404, {"error": {"message": ACTS}})
    nodes = first_jupyter.WarmNodes()
    nodes.children[1]._log.click()
    eventually(lambda: "&lt;img" in nodes._said.value)
    assert "<img" not in nodes._said.value
    nodes.close()
