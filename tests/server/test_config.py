"""A federation file is read key by key, and a fault in it is a sentence."""

import textwrap

import pytest
from first_jupyter_remote.protocol import Weights
from first_jupyter_server import config
from first_jupyter_server.clusters.replicas import spec

GOOD = """
clusters:
  desk:
    kind: local
    models:
      - id: org/model
        backend: vllm
        weights: /models/model
        idle_ttl: 2h
"""


def written(tmp_path, text):
    path = tmp_path / "first.yaml"
    path.write_text(textwrap.dedent(text))
    return path


def test_a_good_file_is_read(tmp_path):
    model = config.load(written(tmp_path, GOOD)).clusters["desk"].models[0]
    assert (model.id, model.weights.path, model.idle_ttl) == ("org/model", "/models/model", 7200.0)


def test_vllm_needs_no_weights_where_the_id_is_a_name_on_the_hub(tmp_path):
    path = written(tmp_path, GOOD.replace("        weights: /models/model\n", ""))
    (model,) = config.load(path).clusters["desk"].models
    asked = spec(model)
    assert (asked.id, asked.weights) == ("org/model", Weights())


def test_modules_reach_the_cluster_in_their_order(tmp_path):
    text = GOOD.replace("idle_ttl: 2h", "modules: [cuda/12.8, vllm/0.11]")
    (model,) = config.load(written(tmp_path, text)).clusters["desk"].models
    assert spec(model).modules == ("cuda/12.8", "vllm/0.11")


def test_the_embedded_federation_serves_one_small_model():
    (model,) = config.embedded().clusters["local"].models
    assert model.id == "HuggingFaceTB/SmolLM2-135M-Instruct"


@pytest.mark.parametrize(
    ("written_as", "seconds"),
    [
        ("90", 90.0),
        ("90s", 90.0),
        ("30m", 1800.0),
        ("2h", 7200.0),
        ("1d", 86400.0),
        ("1.5 h", 5400.0),
        ("never", None),
    ],
)
def test_times_are_read_as_people_write_them(tmp_path, written_as, seconds):
    path = written(tmp_path, GOOD.replace("2h", written_as))
    assert config.load(path).clusters["desk"].models[0].idle_ttl == seconds


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("models:", "modls:"), "clusters.desk.modls: there is no such key; did you mean 'models'?"),
        (("models:", "modls:"), "clusters.desk.models: it is missing."),
        (
            ("backend: vllm", "backend: vlm"),
            "clusters.desk.models.0.backend: input should be 'llama.cpp' or 'vllm' (it is \"vlm\").",
        ),
        (("kind: local", "kind: loca"), "clusters.desk.kind: there is no kind 'loca'; there are: local"),
        (("weights: /models/model", "weights: {package: x}"), "a package needs the member"),
        (("weights: /models/model", "weights: {}"), "give either a path or a package"),
        (
            ("vllm\n        weights: /models/model", "llama.cpp"),
            "clusters.desk.models.0: llama.cpp needs weights: name a GGUF file",
        ),
        (
            ("idle_ttl: 2h", "idle_ttl: soon"),
            "write a number of seconds, or a time such as 90s, 30m or 2h, or never",
        ),
        (("idle_ttl: 2h", "idle_ttl: -5"), "clusters.desk.models.0.idle_ttl"),
        (("desk:", "my desk:"), "my desk"),
        (("clusters:", "clusters: ["), "it is not valid YAML in line"),
        ((GOOD, "- a list"), "it must be a mapping that begins with 'clusters:'"),
        ((GOOD, ""), "it must be a mapping that begins with 'clusters:'"),
    ],
)
def test_a_fault_names_the_file_the_key_and_the_remedy(tmp_path, change, words):
    path = written(tmp_path, GOOD.replace(*change))
    with pytest.raises(config.Problem) as problem:
        config.load(path)
    assert words in str(problem.value)
    assert all(line.startswith(str(path)) for line in str(problem.value).splitlines())


TWICE = """\
clusters:
  lab: &lab
    kind: local
    models: &models [{id: org/a, backend: vllm, weights: /a}]
  %s:
    <<: *lab
    models: *models
    %s: local
"""


@pytest.mark.parametrize(
    ("name", "key", "words"),
    [
        (
            "lab",
            "kind",
            "line 5, column 3: the key 'lab' stands in line 2 already; rename one, or take",
        ),
        ("other", "models", "line 8, column 5: the key 'models' stands in line 7 already"),
    ],
)
def test_a_key_that_stands_twice_is_named_with_both_lines(tmp_path, name, key, words):
    path = written(tmp_path, TWICE % (name, key))
    with pytest.raises(config.Problem) as problem:
        config.load(path)
    assert str(problem.value).startswith(f"{path}: it is not valid YAML in {words}")


def test_a_key_may_stand_in_for_one_that_is_merged_in(tmp_path):
    assert list(config.load(written(tmp_path, TWICE % ("other", "kind"))).clusters) == ["lab", "other"]


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(
        config.Problem, match=r"nothing\.yaml: it cannot be read \(No such file or directory\)"
    ):
        config.load(tmp_path / "nothing.yaml")


def test_a_file_that_is_no_text_is_named(tmp_path):
    path = tmp_path / "first.yaml"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(config.Problem, match="not text in UTF-8"):
        config.load(path)


@pytest.mark.parametrize("second", ["org/model", "ORG/Model", "mine"])
def test_two_models_of_one_name_are_a_fault(tmp_path, second):
    more = f"aliases: [mine]\n      - {{id: {second}, backend: vllm, weights: /models/other}}"
    with pytest.raises(config.Problem, match=r"clusters\.desk: two models share the name"):
        config.load(written(tmp_path, GOOD.replace("idle_ttl: 2h", more)))


BEHIND_GLOBUS = """\
clusters:
  lab:
    kind: globus-compute
    endpoint: 6c1d5b2e-0000-0000-0000-000000000000
    models:
      - {id: org/a, backend: vllm, weights: /a, together: small}
      - {id: org/b, backend: vllm, weights: /b, together: small%s}
"""


def test_models_may_share_a_node(tmp_path):
    models = config.load(written(tmp_path, BEHIND_GLOBUS % ", gpus: 1")).clusters["lab"].models
    assert [model.together for model in models] == ["small", "small"]


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (", nodes: 2", "org/b takes several nodes: take out 'together', or 'nodes'"),
        (", user_endpoint_config: {walltime: 60}", "give them the same user_endpoint_config"),
        (", aliases: [org/a]", "two models share the name 'org/a'"),
        (
            ", sleep_after: 5m",
            "'small' share the GPUs: give all of them sleep_after, or none",
        ),
    ],
)
def test_models_that_cannot_share_a_node_are_named(tmp_path, more, words):
    with pytest.raises(config.Problem, match=words):
        config.load(written(tmp_path, BEHIND_GLOBUS % more))


ASLEEP = """
clusters:
  desk:
    kind: local
    models:
      - {id: org/a, weights: /a, sleep_after: 5m, %s}
"""


def test_a_model_of_vllm_may_sleep(tmp_path):
    (model,) = config.load(written(tmp_path, ASLEEP % "backend: vllm")).clusters["desk"].models
    assert model.sleep_after == 300.0


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ("backend: llama.cpp", "org/a cannot sleep: take out 'sleep_after', or use the backend vllm"),
        ("backend: vllm, idle_ttl: 5m", "org/a would end before it sleeps: give it an idle_ttl above 300 s"),
        ("backend: vllm, max: 2", "org/a sleeps, so one of it is enough: take out 'sleep_after', or 'max'"),
    ],
)
def test_a_model_that_cannot_sleep_is_named_with_the_remedy(tmp_path, more, words):
    with pytest.raises(config.Problem, match=words):
        config.load(written(tmp_path, ASLEEP % more))
