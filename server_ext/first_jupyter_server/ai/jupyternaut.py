"""The federation's models among those of Jupyternaut, Jupyter AI's own persona that asks through LiteLLM."""

from __future__ import annotations

import sys
from collections.abc import MutableMapping
from typing import Any

from first_jupyter_server.federation.catalog import Catalog

from .words import CURRENT

__all__ = ["DEFAULT", "entries", "lend", "list_models", "runs"]

PROVIDER = "hosted_vllm"
"""LiteLLM's name for a server that speaks as vLLM does, and that an address and a key lead to."""

ADDRESS, KEY = "HOSTED_VLLM_API_BASE", "HOSTED_VLLM_API_KEY"

DEFAULT = f"{PROVIDER}/{CURRENT}"


def runs() -> bool:
    """Whether Jupyternaut was loaded into this server, and LiteLLM with it."""
    return "jupyter_ai_jupyternaut" in sys.modules and "litellm" in sys.modules


def lend(environ: MutableMapping[str, str], base_url: str, key: str) -> bool:
    """Have LiteLLM find the data plane; returns False where somebody has named a server of their own.

    LiteLLM takes an address and a key from the environment alone, or from Jupyternaut's settings, which are
    a file.
    """
    if ADDRESS in environ or KEY in environ:
        return False
    environ.update({ADDRESS: base_url, KEY: key})
    return True


def entries(catalog: Catalog) -> dict[str, dict[str, Any]]:
    """Return the models that can chat as LiteLLM lists models."""
    able = {model.id: model.context for model in catalog.models if "chat" in model.abilities}
    return {
        f"{PROVIDER}/{name}": {"litellm_provider": PROVIDER, "mode": "chat", "max_input_tokens": context}
        for name, context in {CURRENT: None, **able}.items()
    }


def list_models(old: Catalog, new: Catalog) -> None:
    """Add what is new to the models that Jupyternaut offers in chats opened from now on."""
    known = entries(old) if old.models else {}
    # LiteLLM takes milliseconds for each, and a catalog changes ten times a second while a model starts.
    added = {name: entry for name, entry in entries(new).items() if known.get(name) != entry}
    if added:
        sys.modules["litellm"].register_model(added)
