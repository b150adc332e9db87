"""Over how many GPUs and nodes vLLM spreads a model."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

__all__ = ["Sizes", "attention_heads", "named", "sizes"]

TENSOR = ("--tensor-parallel-size", "-tp")
PIPELINE = ("--pipeline-parallel-size", "-pp")


@dataclass(frozen=True, slots=True)
class Sizes:
    """The arguments that spread a model, and what a person should know about them, if anything."""

    argv: tuple[str, ...] = ()
    note: str = ""


def sizes(args: Sequence[str], gpus: int, nodes: int, heads: int | None) -> Sizes:
    """Return what to add to vLLM's arguments.

    A layer is spread over the GPUs of one node, and the layers over the nodes: so the slowest network, that
    between nodes, carries the least.

    Parameters
    ----------
    args
        The arguments that were asked for; what they say is left as it is.
    gpus
        The GPUs to take on each node.
    nodes
        The nodes to take.
    heads
        The model's attention heads, which vLLM spreads evenly or not at all.
    """
    argv: list[str] = []
    note = ""
    if gpus > 1 and not named(args, *TENSOR):
        even = next(size for size in range(gpus, 0, -1) if heads is None or heads % size == 0)
        if even < gpus:
            note = f"taking {even} of {gpus} GPUs: {heads} attention heads do not spread evenly over more"
        if even > 1:
            argv += [TENSOR[0], str(even)]
    if nodes > 1 and not named(args, *PIPELINE):
        argv += [PIPELINE[0], str(nodes)]
    return Sizes(tuple(argv), note)


def named(args: Sequence[str], *options: str) -> bool:
    """Say whether the arguments set one of the options; vLLM takes an underscore for a hyphen."""
    given = {arg.partition("=")[0] for arg in args}
    return bool(
        given & {*options, *(f"--{each[2:].replace('-', '_')}" for each in options if each[:2] == "--")}
    )


def attention_heads(weights: Path | None) -> int | None:
    """Return how many attention heads the model in a folder has, None where that cannot be read."""
    if weights is None or not weights.is_dir():
        return None
    try:
        config: Any = json.loads((weights / "config.json").read_text())
        heads = config.get("num_attention_heads") or config["text_config"]["num_attention_heads"]
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    return heads if isinstance(heads, int) and heads > 0 else None
