import pytest

ENDPOINT = "6c1d5b2e-0000-4000-8000-000000000001"
LLAMA = "meta-llama/Llama-3.3-70B-Instruct"


def cluster(name="local", **changes):
    place = {"cluster": name, "kind": "local", "endpoint": None, "state": "online", "reason": ""}
    return place | {"models": ["lab/one", "lab/two"], "paths": [], "seen": None} | changes


def offer(name="Sophia", online=True):
    return {"endpoint": ENDPOINT, "name": name, "owner": "ada", "online": online}


@pytest.fixture
def knows(wire):
    """Have the server know these clusters and offers."""

    def know(*clusters, offers=(), problem=None):
        wire.clusters = lambda *_: (200, {"clusters": list(clusters)})
        wire.offers = lambda *_: (200, {"offers": list(offers), "problem": problem})

    return know


@pytest.fixture
def adds(wire):
    """Have the server answer to an addition; returns what it was asked to add."""
    asked = []

    def answer(status=201, body=None):
        def take(_method, _route, sent):
            asked.append(sent)
            return status, body or cluster("sophia", models=[LLAMA])

        wire.clusters = take
        return asked

    return answer


def test_the_clusters_are_listed_with_their_states_and_models(shell, knows):
    away = cluster("polaris", kind="globus-compute", state="offline", reason="its agent does not run")
    knows(cluster(), away)
    seen = shell.cell("%first clusters")
    assert "| local | local | online | lab/one, lab/two |" in seen.markdown
    assert "| polaris | globus-compute | offline (its agent does not run) |" in seen.markdown
    assert "can be added" not in seen.plain


@pytest.mark.parametrize(("online", "state"), [(True, "online"), (False, "offline"), (None, "unknown")])
def test_what_can_be_added_stands_below_with_the_command_for_it(shell, knows, online, state):
    knows(cluster(), offers=[offer(online=online)])
    seen = shell.cell("%first clusters")
    assert f"| Sophia | {state} | %first clusters add {ENDPOINT} |" in seen.markdown
    assert f"%first clusters add {ENDPOINT}" in seen.plain


def test_why_nothing_can_be_offered_is_said(shell, knows):
    knows(cluster(), problem="Nobody has logged in with Globus; `%first login` does that.")
    assert shell.cell("%first clusters").plain.endswith("`%first login` does that.")


@pytest.mark.parametrize(
    ("line", "sent"),
    [
        (ENDPOINT, {"endpoint": ENDPOINT}),
        ("sophia ours", {"endpoint": "sophia", "name": "ours"}),
        ("'The big machine' big", {"endpoint": "The big machine", "name": "big"}),
        ('"The big machine"', {"endpoint": "The big machine"}),
    ],
)
def test_an_endpoint_is_added_and_its_models_are_told(shell, adds, line, sent):
    asked = adds()
    said = shell.cell(f"%first clusters add {line}").plain
    assert asked == [sent]
    assert said == f"Added sophia, which has {LLAMA}. `%first start MODEL --on sophia` warms one up."


def test_what_cannot_be_added_is_told_in_the_server_s_words(shell, adds):
    adds(409, {"error": {"message": "Sophia tells of no weights."}})
    assert str(shell.cell("%first clusters add sophia").error) == "Sophia tells of no weights."


@pytest.mark.parametrize("line", ["add", "sophia", "add one two three", "remove sophia"])
def test_what_cannot_be_meant_gets_the_right_form(shell, adds, line):
    asked = adds()
    assert "%first clusters [add ENDPOINT [NAME]]" in str(shell.cell(f"%first clusters {line}").error)
    assert not asked
