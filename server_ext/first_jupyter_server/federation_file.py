"""Adds a cluster to the federation file; what a person wrote there stays as it is, comments and order too."""

from __future__ import annotations

import io
import os
import tempfile
from importlib import resources
from pathlib import Path
from typing import Any

import yaml

from . import config

__all__ = ["NotOurs", "add_cluster", "lines", "new_text"]

HEAD = "# The clusters that this Jupyter server knows, and the models on them.\n"


class NotOurs(Exception):  # noqa: N818  # it says whose the file is not
    """A federation file that this user cannot write, or not without a change to the rest of it."""


def add_cluster(
    path: Path, name: str, cluster: dict[str, Any], *, embedding: bool = True
) -> config.AnyCluster:
    """Write a cluster into the federation file, or a new file with it.

    The file is replaced whole, once what is to replace it has been read like any federation file.

    Parameters
    ----------
    path
        The file in use, or the one to begin.
    name
        The cluster's name.
    cluster
        What the file is to say of it.
    embedding
        Whether a new file begins with the embedded federation, which it would displace.

    Returns
    -------
    GlobusComputeCluster
        The cluster as the file says it.

    Raises
    ------
    NotOurs
        With the lines to add by hand.
    Problem
        Where the file, or the cluster, has no meaning.
    """
    path = path.resolve()  # a link stays a link
    by_hand = f"Have these lines added below 'clusters:' in {path}:\n\n{lines(name, cluster)}"
    try:
        old = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        old = None
    except OSError as error:
        raise NotOurs(f"{path} cannot be read ({error.strerror}). {by_hand}") from None
    given = old if old is not None else embedded() if embedding else HEAD
    before = None if given == HEAD else config.parse(given, str(path))
    if before is not None and name in before.clusters:
        raise config.Problem(f"{path}: there is a cluster {name} already; give another name.")
    text = new_text(given, name, cluster)
    after = config.parse(text, str(path))
    if before is not None and after != before.model_copy(
        update={"clusters": {**before.clusters, name: after.clusters[name]}}
    ):
        raise NotOurs(f"{path} cannot be added to without a change to the rest. {by_hand}")
    try:
        _replace(path, text, None if old is None else path.stat().st_mode & 0o777)
    except OSError as error:
        raise NotOurs(f"{path} is not yours to write ({error.strerror}). {by_hand}") from None
    return after.clusters[name]


def embedded() -> str:
    """Return the text that a new file begins with."""
    text = resources.files(__package__).joinpath("embedded.yaml").read_text(encoding="utf-8")
    return HEAD + text.partition("\n")[2]


def lines(name: str, cluster: dict[str, Any]) -> str:
    """Return a cluster as it stands below ``clusters:``."""
    text = yaml.safe_dump({name: cluster}, sort_keys=False, allow_unicode=True, width=10**6)
    return "".join(f"  {line}\n" for line in text.splitlines())


def new_text(text: str, name: str, cluster: dict[str, Any]) -> str:
    """Return a federation file's text with one more cluster, in the hand of who wrote the rest."""
    from ruamel.yaml import YAML  # noqa: PLC0415  # for the one moment in which a file is written
    from ruamel.yaml.util import load_yaml_guess_indent  # noqa: PLC0415

    offset = load_yaml_guess_indent(text)[2] or 0
    writer = YAML()
    writer.preserve_quotes = True
    writer.width = 10**6
    writer.explicit_start = text.startswith("---")
    data = writer.load(text)
    if not data or not data.get("clusters"):
        return f"{text.rstrip()}\nclusters:\n{lines(name, cluster)}"
    clusters = data["clusters"]
    deep = 2 if clusters.fa.flow_style() else clusters.lc.col
    writer.indent(mapping=deep, sequence=offset + 2, offset=offset)
    clusters[name] = cluster
    written = io.StringIO()
    writer.dump(data, written)
    return written.getvalue()


def _replace(path: Path, text: str, mode: int | None) -> None:
    if mode is not None and not os.access(path, os.W_OK):
        raise PermissionError(13, "it is write-protected")
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, draft = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(draft).chmod(0o644 if mode is None else mode)
        Path(draft).replace(path)
    except BaseException:
        Path(draft).unlink(missing_ok=True)
        raise
