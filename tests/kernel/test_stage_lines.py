import pytest

from first_jupyter._stage import eta_text, find_model, nearest_cluster, short_name, stage_line, state_text

MODEL = {
    "id": "org/Model-7B",
    "aliases": ["small"],
    "clusters": [
        {"cluster": "far", "state": "cold"},
        {"cluster": "slow", "state": "starting", "eta": 60.0},
        {"cluster": "near", "state": "starting", "stage": "loading", "progress": 0.4, "eta": 3.2},
    ],
}
CATALOG = {"current": "org/Model-7B", "models": [MODEL]}


@pytest.mark.parametrize(
    ("place", "said"),
    [
        ({"state": "hot", "stage": "ready"}, "ready"),
        (
            {"state": "starting", "stage": "loading", "progress": 0.4, "eta": 3.0},
            "loading 40 %, about 3 s left",
        ),
        ({"state": "starting", "stage": "fetching", "progress": None}, "fetching the weights"),
        ({"state": "starting", "stage": None, "eta": 200}, "starting, about 3 min left"),
        ({"state": "queued", "stage": "queued", "eta": 7200}, "queued, about 2 h left"),
        (
            {"state": "starting", "stage": "loading", "reason": "compiling", "progress": 0.75, "eta": 40.0},
            "starting 75 %: compiling, about 40 s left",
        ),
        (
            {"state": "starting", "stage": "fetching", "reason": "downloading weights==1.0"},
            "starting: downloading weights==1.0",
        ),
        (
            {"state": "starting", "stage": "loading", "reason": "vllm was killed.", "eta": 0.2},
            "starting: vllm was killed, any moment now",
        ),
        ({"state": "queued", "reason": "3 jobs ahead"}, "queued: 3 jobs ahead"),
        (
            {"state": "queued", "reason": "waiting for a node", "eta": 60},
            "queued: waiting for a node, about 60 s left",
        ),
        (
            {
                "state": "queued",
                "stage": "queued",
                "reason": "waiting for a node: job 4711 is 3rd in the queue debug, expected to start at 9:05",
                "eta": 7200,
            },
            "queued: job 4711 is 3rd in the queue debug, expected to start at 9:05, about 2 h left",
        ),
        ({"state": "cold", "reason": "no node yet"}, "cold (no node yet)"),
        ({"state": "offline", "stage": "failed", "reason": "in maintenance"}, "offline (in maintenance)"),
    ],
)
def test_each_state_reads_as_a_sentence_would(place, said):
    assert state_text(place) == said


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(-2, "any moment now"), (0.4, "any moment now"), (89, "about 89 s left"), (120, "about 2 min left")],
)
def test_an_eta_is_as_exact_as_it_can_be(seconds, said):
    assert eta_text(seconds) == said


def test_an_eta_shrinks_while_one_waits():
    assert stage_line(MODEL, MODEL["clusters"][2], 1.2) == "small on near: loading 40 %, about 2 s left"


@pytest.mark.parametrize("name", ["", "default", "small", "org/Model-7B"])
def test_a_model_is_found_by_id_by_alias_and_as_the_current_choice(name):
    assert find_model(CATALOG, name) == (MODEL, "")


def test_a_pinned_cluster_is_kept_apart_from_the_name():
    assert find_model(CATALOG, "small@far") == (MODEL, "far")
    assert nearest_cluster(MODEL, "far")["cluster"] == "far"


def test_the_nearest_cluster_is_the_one_that_serves_soonest():
    assert nearest_cluster(MODEL)["cluster"] == "near"
    assert nearest_cluster({"clusters": []}) is None


def test_a_model_without_an_alias_goes_by_the_last_part_of_its_id():
    assert short_name({"id": "org/Model-7B"}) == "Model-7B"
