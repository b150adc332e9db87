"""Reads the parts of the federation, the site's, the groups' and the user's, and makes one of them."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from jupyter_core.paths import ENV_CONFIG_PATH, SYSTEM_CONFIG_PATH, jupyter_config_dir, jupyter_config_path

from . import config
from .allow import AllowRule

__all__ = ["Layered", "files", "read"]

NAME = "first.yaml"


@dataclass(frozen=True)
class Layered:
    """The federation that the parts make up.

    Parameters
    ----------
    file
        What they say together; the embedded federation where none can be used.
    problems
        What is wrong with them, one line for each fault.
    allow
        The allow-lists, by the file that each stands in.
    origins
        The file that each cluster comes from.
    """

    file: config.FederationFile
    problems: tuple[str, ...] = ()
    allow: Mapping[str, Sequence[AllowRule]] = field(default_factory=dict)
    origins: Mapping[str, str] = field(default_factory=dict)


def files(own: str, *, of_users: bool = True) -> tuple[list[Path], list[Path]]:
    """Return the parts that there are: the administrator's, and then the groups' and the user's.

    The administrator's are in the system's and the environment's config folders of Jupyter, whatever the
    user's environment says; groups' in ``JUPYTER_CONFIG_PATH``.

    Parameters
    ----------
    own
        The user's part where it is named; else ``first.yaml`` in the user's config folders.
    of_users
        Whether a part counts that was not named, but found in the user's home.
    """
    site = [Path(folder) / NAME for folder in (*SYSTEM_CONFIG_PATH, *ENV_CONFIG_PATH)]
    named = filter(None, os.environ.get("JUPYTER_CONFIG_PATH", "").split(os.pathsep))
    groups = [Path(folder) / NAME for folder in named]
    folders = [Path(folder) / NAME for folder in (jupyter_config_dir(), *jupyter_config_path())]
    users = [Path(own)] if own else [path for path in folders if path.is_file()][:1]
    rest = [path for path in [*reversed(groups), *users] if path not in site]
    if not of_users:
        home = Path.home().resolve()
        rest = [path for path in rest if str(path) == own or not path.resolve().is_relative_to(home)]
    there = [path for path in dict.fromkeys(rest) if path.exists() or str(path) == own]
    return [path for path in dict.fromkeys(site) if path.is_file()], there


def read(site: Sequence[Path], others: Sequence[Path]) -> Layered:
    """Read the parts, and put them together.

    A later part adds clusters and narrows what is allowed; it changes nothing that an earlier one says. Where
    a part of the administrator's cannot be read, nobody knows what is allowed, and nothing but the embedded
    federation is used.
    """
    parts: dict[str, config.FederationFile] = {}
    problems: list[str] = []
    for path in [*site, *others]:
        try:
            parts[str(path)] = config.load(path)
        except config.Problem as problem:
            problems += str(problem).splitlines()
            if path in site:
                return Layered(config.embedded(), tuple(problems))
    allow = {name: part.allow for name, part in parts.items() if part.allow}
    clusters: dict[str, config.AnyCluster] = {}
    origins: dict[str, str] = {}
    globus: config.GlobusSection | None = None
    for name, part in parts.items():
        for cluster, section in part.clusters.items():
            if cluster in clusters:
                problems.append(
                    f"{name}: clusters.{cluster}: {origins[cluster]} has a cluster of this name, which is "
                    "the one in use; give yours another name."
                )
            else:
                clusters[cluster], origins[cluster] = section, name
        if part.globus is not None and globus is not None:
            problems.append(f"{name}: globus: an earlier file has this section already; take it out.")
        globus = globus or part.globus
    if not clusters:
        clusters = config.embedded().clusters
    merged = config.FederationFile.model_construct(globus=globus, clusters=clusters, allow=[])
    return Layered(merged, tuple(problems), allow, origins)
