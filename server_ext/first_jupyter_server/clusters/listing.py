"""What a server's ``GET /models`` says of each model, as far as servers tell."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["EMBEDDINGS", "TEXT", "Listed", "embeds", "listed"]

TEXT, EMBEDDINGS = ("chat", "completions"), ("embeddings",)

_EMBEDS = re.compile(r"embed|(^|[/_-])(bge|e5|gte|minilm|sfr)([-_]|$)|sentence-transformers", re.IGNORECASE)
"""Names of models that make vectors, where nothing else tells."""
_CONTEXT = ("max_model_len", "context_length", "context_window", "max_context_length")
"""The context length in the words of vLLM, OpenRouter and Together, Groq, LM Studio."""
_SORT = ("type", "task", "mode")
"""Where servers say what sort of model it is: Together and LM Studio, Hugging Face, LiteLLM."""


@dataclass(frozen=True, slots=True)
class Listed:
    """One model as its server lists it.

    Parameters
    ----------
    name
        What the server calls it.
    abilities, context
        What it can do, and the context length in tokens, where known.
    """

    name: str
    abilities: tuple[str, ...] = TEXT
    context: int | None = None


def listed(answer: Any) -> tuple[Listed, ...] | None:
    """Read the answer; None where it is no list of models."""
    entries = answer.get("data") if isinstance(answer, Mapping) else None
    if not isinstance(entries, list):
        return None
    named = {
        entry["id"]: entry for entry in entries if isinstance(entry, Mapping) and _is_name(entry.get("id"))
    }
    return tuple(
        Listed(name, EMBEDDINGS if _embeds(name, entry) else TEXT, _context(entry))
        for name, entry in named.items()
    )


def embeds(name: str) -> bool:
    """Say whether a model makes vectors, by its name."""
    return _EMBEDS.search(name) is not None


def _is_name(name: Any) -> bool:
    return isinstance(name, str) and bool(name)


def _embeds(name: str, entry: Mapping[str, Any]) -> bool:
    sorts = [entry[key] for key in _SORT if isinstance(entry.get(key), str)]
    capabilities = entry.get("capabilities")
    if isinstance(capabilities, list | Mapping) and capabilities:
        sorts += [str(each) for each in capabilities if isinstance(capabilities, list) or capabilities[each]]
    if sorts:
        return any("embed" in sort.lower() for sort in sorts)
    return embeds(name)


def _context(entry: Mapping[str, Any]) -> int | None:
    meta = entry.get("meta")
    stated = [entry.get(key) for key in _CONTEXT]
    stated += [meta.get("n_ctx"), meta.get("n_ctx_train")] if isinstance(meta, Mapping) else []
    return next((number for number in stated if type(number) is int and number > 0), None)
