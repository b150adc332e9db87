"""``%first why`` tells where the last request went, ``%first route`` where this notebook's may go."""

import pytest
from wire import KEY

SENTENCE = "m on polaris (p1) answers in about 0.3 s, the soonest."
TOLD = {
    "request": "req-1",
    "model": "m",
    "at": 1.0,
    "sentence": SENTENCE,
    "chosen": {"cluster": "polaris", "replica": "p1", "path": "direct"},
    "candidates": [
        {"cluster": "polaris", "replica": "p1", "state": "hot", "seconds": 0.31, "out": ""},
        {"cluster": "local", "replica": None, "state": "cold", "seconds": None, "out": "the data stays at x"},
    ],
}


@pytest.fixture
def rules(wire, monkeypatch):
    """The rules that the server knows, for a notebook with the label n1."""
    monkeypatch.setenv("FIRST_API_KEY", f"{KEY}.n1")
    known = {}

    def tell(method, route, body):
        if method == "GET":
            return 200, {"rules": list(known.values())}
        if "nowhere" in str(body):
            return 400, {"error": {"message": "avoid: there is no cluster named 'nowhere'; there are: a, b."}}
        rule = {"path": None, "avoid": [], "prefer": [], "stay": None, **body}
        known[body["notebook"]] = rule
        return 200, rule

    wire.rules = tell
    return known


def test_the_last_request_is_explained_in_a_sentence_and_a_table(shell, wire):
    wire.why = lambda *_: (200, TOLD)
    seen = shell.cell("%first why")
    assert seen.plain.splitlines()[0] == SENTENCE
    assert "| ✓ | polaris | p1 | hot | 0.3 s |  |" in seen.markdown
    assert seen.plain.splitlines()[-1] == "Its id in logs: req-1"
    assert "|  | local |  | cold |  | the data stays at x |" in seen.markdown


def test_an_earlier_request_is_asked_for_by_its_id(shell, wire):
    wire.why = lambda *_: (200, TOLD)
    shell.cell("%first why req 1")
    assert wire.calls[-1][1] == "api/why?request=req+1"


def test_before_any_request_there_is_nothing_to_explain(shell):
    assert str(shell.cell("%first why").error) == "No model has been asked yet."


@pytest.mark.parametrize(
    ("typed", "sent", "said"),
    [
        ("avoid=a,b", {"avoid": ["a", "b"]}, "This notebook's requests avoid a, b."),
        (
            "avoid=a prefer=b stay=b,c",
            {"avoid": ["a"], "prefer": ["b"], "stay": ["b", "c"]},
            "This notebook's requests avoid a; prefer b; stay at b, c.",
        ),
        ("stay=", {"stay": []}, "This notebook's requests stay at no cluster."),
        ("clear", {}, "This notebook's requests go wherever they are answered soonest."),
    ],
)
def test_a_notebook_says_where_its_requests_may_go(shell, wire, rules, typed, sent, said):
    assert shell.cell(f"%first route {typed}").plain == said
    assert wire.calls[-1] == ("PUT", "api/rules", {"notebook": "n1", **sent})
    assert shell.cell("%first route").plain == said


def test_the_rules_of_other_notebooks_are_not_its_own(shell, rules):
    rules["n2"] = {"notebook": "n2", "avoid": ["a"], "prefer": [], "stay": None}
    said = "This notebook's requests go wherever they are answered soonest."
    assert shell.cell("%first route").plain == said


def test_outside_of_notebooks_it_is_about_requests_of_none(shell, wire, rules, monkeypatch):
    monkeypatch.setenv("FIRST_API_KEY", KEY)
    said = "Requests that come from no notebook avoid a."
    assert shell.cell("%first route avoid=a").plain == said
    assert wire.calls[-1][2] == {"notebook": None, "avoid": ["a"]}


@pytest.mark.parametrize("typed", ["avoid", "elude=a", "avoid=a avoid=b", "clear avoid=a"])
def test_what_is_no_rule_is_refused_with_the_form(shell, wire, rules, typed):
    error = str(shell.cell(f"%first route {typed}").error)
    assert "%first route [avoid=A,B] [prefer=C] [stay=D,E] | clear" in error
    assert not [call for call in wire.calls if call[0] == "PUT"]


def test_a_cluster_that_there_is_not_is_told_in_the_server_s_words(shell, rules):
    error = str(shell.cell("%first route avoid=nowhere").error)
    assert error == "avoid: there is no cluster named 'nowhere'; there are: a, b."
