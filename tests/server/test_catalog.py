"""Names find models, and the catalog crosses the pipe whole."""

import json

import pytest
from first_jupyter_server.clusters.base import Offer
from first_jupyter_server.control.events import CURRENT_MODEL, MODEL_STATE, changes
from first_jupyter_server.errors import ApiError
from first_jupyter_server.federation import router
from first_jupyter_server.federation.catalog import Catalog, Model, Place, Replica, State
from first_jupyter_server.federation.federation import merge

LLAMA = "meta-llama/Llama-3.3-70B-Instruct"


def place(cluster, state=State.COLD, *replicas, **more):
    return Place(cluster, "local", "vllm", state, replicas=replicas, **more)


def replica(name):
    return Replica(name, "127.0.0.1", 8000, key=f"key of {name}")


CATALOG = Catalog(
    models=(
        Model(
            LLAMA, aliases=("llama",), places=(place("polaris"), place("sophia", State.HOT, replica("s1")))
        ),
        Model("org/user@home", places=(place("local"),)),
    ),
    current=LLAMA,
)


@pytest.mark.parametrize(
    ("name", "model", "cluster"),
    [
        (LLAMA, LLAMA, None),
        (LLAMA.lower(), LLAMA, None),
        ("llama", LLAMA, None),
        ("", LLAMA, None),
        ("default", LLAMA, None),
        ("llama@polaris", LLAMA, "polaris"),
        (f"{LLAMA}@sophia", LLAMA, "sophia"),
        ("org/user@home", "org/user@home", None),
        ("org/user@home@local", "org/user@home", "local"),
    ],
)
def test_a_name_is_an_id_an_alias_or_a_pin(name, model, cluster):
    found, pinned = CATALOG.resolve(name)
    assert (found.id, pinned) == (model, cluster)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("lama", "Did you mean llama"),
        ("llama@nowhere", "it is on: polaris, sophia"),
        ("zzzzzzzzzz", f"There are: {LLAMA}"),
    ],
)
def test_an_unknown_name_is_answered_with_the_near_ones(name, words):
    with pytest.raises(ApiError, match=words) as refusal:
        CATALOG.resolve(name)
    assert (refusal.value.status, refusal.value.code) == (404, "model_not_found")


def test_a_problem_with_the_file_is_told_where_a_name_is_missing():
    catalog = Catalog(models=CATALOG.models, problems=("first.yaml: clusters: it is missing.",))
    with pytest.raises(ApiError, match=r"first\.yaml: clusters: it is missing"):
        catalog.resolve("gpt")


def test_the_catalog_survives_the_pipe():
    assert Catalog.from_json(json.loads(json.dumps(CATALOG.to_json()))) == CATALOG


def test_what_is_public_holds_no_key_and_no_address():
    public = json.dumps(CATALOG.public({(LLAMA, "sophia"): (2, 1)}))
    assert "key of" not in public
    assert "127.0.0.1" not in public
    assert '"running": 2, "waiting": 1' in public


def test_a_key_is_not_shown_by_repr():
    assert "key of" not in repr(CATALOG)


def test_a_request_waits_where_the_model_will_be_ready_soonest():
    model = Model(
        "m",
        places=(
            place("cold"),
            place("slow", State.STARTING, eta=60.0),
            place("quick", State.STARTING, eta=5.0),
            place("queued", State.QUEUED, eta=600.0),
        ),
    )
    assert router.waits_for(model, None).cluster == "quick"
    assert router.waits_for(model, "cold").cluster == "cold"


@pytest.mark.parametrize(
    ("one", "nothing"),
    [
        (place("one"), False),
        (place("one", ended=5.0), False),
        (place("one", ended=11.0), True),
        (place("one", State.OFFLINE, ended=11.0), True),
        (place("one", State.QUEUED, ended=11.0), False),
        (place("one", State.HOT, replica("r"), ended=11.0), False),
    ],
)
def test_a_start_has_come_to_nothing_where_its_replica_ended_since_and_none_is_on_its_way(one, nothing):
    assert router.came_to_nothing(one, since=10.0) is nothing


def test_offers_of_the_same_model_become_one():
    offers = [
        Offer("m", ("x",), ("chat",), 4096, place("one")),
        Offer("n", (), ("embeddings",), None, place("one")),
        Offer("m", ("x", "y"), ("chat", "tools"), 8192, place("two")),
    ]
    merged = merge(offers)
    assert [model.id for model in merged] == ["m", "n"]
    assert merged[0].aliases == ("x", "y")
    assert merged[0].abilities == ("chat", "tools")
    assert merged[0].context == 8192
    assert [p.cluster for p in merged[0].places] == ["one", "two"]


def test_a_change_is_one_event_for_what_changed():
    old = Catalog(models=(Model("m", places=(place("one"), place("two"))),), current="m")
    new = Catalog(models=(Model("m", places=(place("one", State.QUEUED), place("two"))),), current="m")
    told = list(changes(old, new))
    assert [(schema, data["model"], data["cluster"], data["state"]) for schema, data in told] == [
        (MODEL_STATE, "m", "one", "queued")
    ]


@pytest.mark.parametrize(
    ("before", "after", "events"),
    [
        (300.0, 290.0, 0),
        (300.0, 240.0, 0),
        (300.0, 310.0, 1),
        (1500.0, 60.0, 1),
        (None, 60.0, 1),
        (60.0, None, 1),
    ],
)
def test_an_expected_time_that_runs_down_is_no_event_and_one_that_is_another_is(before, after, events):
    old, new = (
        Catalog(models=(Model("m", places=(place("one", State.QUEUED, eta=eta),)),))
        for eta in (before, after)
    )
    assert len(list(changes(old, new))) == events


def test_a_new_choice_is_an_event():
    assert list(changes(Catalog(current="a"), Catalog(current="b"))) == [(CURRENT_MODEL, {"model": "b"})]
