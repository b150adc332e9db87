"""The weights that lie on a cluster: what a federation file can name without asking anybody."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["shelf"]

MOST = 200
PATIENCE = 10.0
TEXT = ("ForCausalLM", "ForConditionalGeneration", "LMHeadModel")


def shelf() -> list[dict[str, Any]]:
    """Return the models whose weights lie here whole, the newest first; blocks for some seconds at most.

    Looked at are the Hugging Face cache (``HF_HUB_CACHE``, ``HF_HOME``), and the folders right below
    ``FIRST_MODELS``, below ``HF_HOME``, and below a folder ``models`` beside it.

    Returns
    -------
    list
        ``{"id": ..., "path": ..., "bytes": ..., "embeddings": ...}`` each: its name, its folder, the size
        of its weights, and whether it makes embeddings instead of text.

    Notes
    -----
    The layout is that of
    https://huggingface.co/docs/huggingface_hub/guides/manage-cache.
    """
    until = time.monotonic() + PATIENCE
    found: dict[str, dict[str, Any]] = {}
    candidates = sorted(_candidates(), key=lambda each: _changed(each[1]), reverse=True)
    for name, folder in candidates:
        if len(found) >= MOST or time.monotonic() >= until:
            break
        if name not in found and (model := _model(name, folder)) is not None:
            found[name] = model
    return list(found.values())


def _candidates() -> Iterator[tuple[str, Path]]:
    cache = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache")
    home = Path(os.environ.get("HF_HOME") or cache / "huggingface").expanduser()
    hub = Path(os.environ.get("HF_HUB_CACHE") or home / "hub").expanduser()
    for kept in _folders(hub):
        kind, *parts = kept.name.split("--")
        if kind == "models" and parts and (snapshot := _snapshot(kept)) is not None:
            yield "/".join(parts), snapshot
    own = os.environ.get("FIRST_MODELS")
    for place in [Path(own).expanduser()] if own else [home, home.parent / "models"]:
        for folder in _folders(place):
            yield folder.name, folder


def _snapshot(kept: Path) -> Path | None:
    """Return the folder of the revision that is in use."""
    try:
        return kept / "snapshots" / (kept / "refs/main").read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        return max(_folders(kept / "snapshots"), key=_changed, default=None)


def _model(name: str, folder: Path) -> dict[str, Any] | None:
    """Return a model that an inference server can load from this folder."""
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        sizes = {file.name: file.stat().st_size for file in folder.glob("*.safetensors")}
        index = folder / "model.safetensors.index.json"
        shards = (
            json.loads(index.read_text(encoding="utf-8"))["weight_map"].values() if index.exists() else ()
        )
        architectures = [str(each) for each in config.get("architectures") or []]
        is_seq2seq = config.get("is_encoder_decoder") is True
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    embeds = (folder / "modules.json").exists() or not any(each.endswith(TEXT) for each in architectures)
    known = any(each.endswith((*TEXT, "Model")) for each in architectures)
    if not sizes or not known or is_seq2seq or not sizes.keys() >= set(shards):
        return None
    return {"id": name, "path": str(folder), "bytes": sum(sizes.values()), "embeddings": embeds}


def _folders(place: Path) -> list[Path]:
    try:
        return [entry for entry in place.iterdir() if not entry.name.startswith(".") and entry.is_dir()]
    except OSError:
        return []


def _changed(folder: Path) -> float:
    try:
        return folder.stat().st_mtime
    except OSError:
        return 0.0
