"""The inference servers this package knows how to run."""

from __future__ import annotations

from .base import Backend, LaunchError
from .llama_cpp import LlamaCpp
from .vllm import Vllm

__all__ = ["Backend", "LaunchError", "backend"]

BACKENDS: dict[str, type[Backend]] = {kind.name: kind for kind in (LlamaCpp, Vllm)}


def backend(name: str) -> Backend:
    """Return the backend of that name."""
    try:
        return BACKENDS[name]()
    except KeyError:
        raise LaunchError(f"there is no backend {name!r}; known are: {', '.join(sorted(BACKENDS))}") from None
