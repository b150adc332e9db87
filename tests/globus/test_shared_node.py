"""Two models that run together: one job, two replicas."""

from __future__ import annotations

import pytest
from cluster import small_model
from jupyter_process import SMOLLM2, wait_until

pytestmark = [pytest.mark.globus, pytest.mark.model]

TWIN = "the/twin"


def test_models_that_run_together_answer_from_one_job(serve, agent, idle_slurm, weights):
    one = {**small_model(weights), "gpus": 1, "together": "small"}
    two = {**one, "id": TWIN, "aliases": ["twin"]}
    lab = serve(agent, models=[one, two])
    lab.post("models/start", model="smollm2")
    for model in (SMOLLM2, TWIN):
        lab.until("hot", model, seconds=180)
        assert lab.ask(model)
    assert list(idle_slurm.jobs().values()) == ["RUNNING"]
    lab.post("models/stop", model="smollm2")
    wait_until(lambda: lab.place(SMOLLM2)["state"] == "cold", 90)
    assert lab.ask(TWIN)
    lab.post("models/stop", model=TWIN)
    wait_until(lambda: not idle_slurm.jobs(), 90, idle_slurm.jobs)
