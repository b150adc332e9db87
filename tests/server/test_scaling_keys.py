"""What a federation file may say of scaling, and what a mistake there is answered."""

from __future__ import annotations

import re

import pytest
from first_jupyter_server import config

FILE = """
clusters:
  desk:
    kind: local
    models:
      - {{id: m, backend: vllm, weights: /models/m, {local}}}
  polaris:
    kind: globus-compute
    endpoint: 6c1d5b2e-aaaa-bbbb-cccc-0123456789ab
    {cluster}
    models:
      - {{id: m, backend: vllm, weights: /models/m, {globus}}}
"""


def read(local="idle_ttl: 1h", cluster="home: /here", globus="idle_ttl: 1h"):
    return config.parse(FILE.format(local=local, cluster=cluster, globus=globus), "first.yaml").clusters


def test_a_model_is_scaled_where_something_is_said_of_it():
    assert not read()["desk"].models[0].is_scaled
    for key in ("min_warm: 0", "max: 2", "schedule: weekdays 09:00-18:00"):
        assert read(local=key)["desk"].models[0].is_scaled
        assert read(globus=key)["polaris"].models[0].is_scaled


def test_budgets_are_read_for_a_cluster_and_for_a_model():
    polaris = read(
        cluster="budget: {nodes: 8, node_hours_per_day: 96}", globus="budget: {node_hours_per_day: 24.5}"
    )["polaris"]
    assert (polaris.budget.nodes, polaris.budget.node_hours_per_day) == (8, 96)
    assert polaris.models[0].budget.node_hours_per_day == 24.5


@pytest.mark.parametrize(
    ("written", "sentence"),
    [
        ({"local": "min_warm: 3, max: 2"}, "clusters.desk.models.0: min_warm is 3 and max 2; give min_warm"),
        ({"local": "max: 0"}, "clusters.desk.models.0.max: input should be greater than 0"),
        (
            {"local": "schedule: weekdays"},
            "clusters.desk.models.0.schedule: 'weekdays' is no schedule; write days",
        ),
        ({"local": "schedule: [daily 1-2, mon 25-26]"}, "'25-26' goes past the day's end"),
        ({"globus": "together: pair, max: 2"}, "m shares a node, which is there once: take out 'together'"),
        ({"globus": "together: pair, min_warm: 2"}, "m shares a node"),
        ({"cluster": "budget: {node_hours: 3}"}, "did you mean 'node_hours_per_day'?"),
        ({"local": "budget: {nodes: 3}"}, "clusters.desk.models.0.budget: there is no such key"),
    ],
)
def test_a_mistake_names_the_key_and_the_remedy(written, sentence):
    with pytest.raises(config.Problem, match=re.escape(sentence)):
        read(**written)
