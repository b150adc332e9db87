"""The section of a cluster behind Globus Compute."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, model_validator

from .local import LocalModel, differ
from .scaling import BudgetSection
from .strict import NAME, UUID, Strict

__all__ = ["GlobusComputeCluster", "GlobusModel"]


class GlobusModel(LocalModel):
    """One model of a cluster behind Globus Compute."""

    nodes: int | None = Field(None, gt=0, description="Nodes of one replica; the endpoint's default.")
    gpus: int | None = Field(None, gt=0, description="GPUs on each node; the endpoint's default.")
    user_endpoint_config: dict[str, Any] = Field({}, description="What its jobs are asked for besides.")
    together: str | None = Field(
        None,
        pattern=NAME,
        description="A name that models share which run together on one node, its GPUs divided among them, "
        "or in turn where all of them have sleep_after.",
    )
    budget: BudgetSection | None = Field(None, description="What its replicas may use of the cluster.")


class GlobusComputeCluster(Strict):
    """A cluster behind a Globus Compute endpoint."""

    kind: Literal["globus-compute"]
    endpoint: str = Field(pattern=UUID, description="The endpoint's id.")
    user_endpoint_config: dict[str, Any] = Field(
        {}, description="What all jobs are asked for, such as account and walltime, as the endpoint takes it."
    )
    function: str | None = Field(
        None, pattern=UUID, description="The function to call; where not given, one is registered."
    )
    home: str = Field(
        "", description="The folder on the cluster for records and logs; the endpoint's default."
    )
    paths: list[Literal["direct", "tunnel", "rendezvous", "relay"]] = Field(
        ["direct", "tunnel", "rendezvous"],
        min_length=1,
        description="The ways to its nodes that may be used: their addresses, a tunnel that they dial, one "
        "through a relay, or Globus Compute (relay), which then carries prompts and answers.",
    )
    budget: BudgetSection | None = Field(None, description="What all its models may use together.")
    models: list[GlobusModel] = Field(min_length=1)

    @model_validator(mode="after")
    def _each_name_once(self) -> GlobusComputeCluster:
        differ(self.models)
        return self

    @model_validator(mode="after")
    def _one_job_for_all(self) -> GlobusComputeCluster:
        asked: dict[str, dict[str, Any]] = {}
        sleep: dict[str, bool] = {}
        for model in self.models:
            if model.together is None:
                continue
            if (model.nodes or 1) > 1:
                raise ValueError(f"{model.id} takes several nodes: take out 'together', or 'nodes'")
            if max(model.max or 1, model.min_warm or 1) > 1:
                raise ValueError(
                    f"{model.id} shares a node, which is there once: take out 'together', or 'max'"
                )
            if asked.setdefault(model.together, model.user_endpoint_config) != model.user_endpoint_config:
                raise ValueError(
                    f"the models that run together as '{model.together}' share one job: give them the same "
                    "user_endpoint_config"
                )
            sleeps = model.sleep_after is not None
            if sleep.setdefault(model.together, sleeps) != sleeps:
                raise ValueError(
                    f"the models that run together as '{model.together}' share the GPUs: give all of them "
                    "sleep_after, or none"
                )
        return self
