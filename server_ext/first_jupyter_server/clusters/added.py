"""Kinds of clusters that other packages add, through the entry point group ``first_jupyter.clusters``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import TYPE_CHECKING, Any, get_args

from pydantic import BaseModel

if TYPE_CHECKING:
    from .base import Kind

__all__ = ["BUILT_IN", "GROUP", "Added", "added"]

GROUP = "first_jupyter.clusters"
BUILT_IN = ("local", "globus-compute", "openai", "first-gateway")
"""The kinds that come with first-jupyter."""


@dataclass(frozen=True)
class Added:
    """What packages add.

    Parameters
    ----------
    kinds
        The kinds, by name.
    broken
        Why others cannot be used, by name.
    """

    kinds: Mapping[str, Kind] = field(default_factory=dict)
    broken: Mapping[str, str] = field(default_factory=dict)


@cache
def added() -> Added:
    """Load what packages add; once, and only where a federation file names a kind that is not ours."""
    kinds: dict[str, Kind] = {}
    broken: dict[str, str] = {}
    for entry in entry_points(group=GROUP):
        package = entry.dist.name if entry.dist else entry.value
        try:
            kinds[entry.name] = _load(entry)
        except Exception as error:  # noqa: BLE001  # whatever another package does is told, and harms nobody
            broken[entry.name] = f"the package {package} says it adds it, but {error}"
    return Added(kinds, broken)


def _load(entry: EntryPoint) -> Kind:
    """Load one kind, and see that it is what it says.

    Raises
    ------
    TypeError, ValueError
        Where it is not.
    """
    if entry.name in BUILT_IN:
        raise ValueError("first-jupyter has a kind of this name")
    kind: Any = entry.load()
    section = getattr(kind, "section", None)
    if not (isinstance(section, type) and issubclass(section, BaseModel)):
        raise TypeError(f"{entry.value} has no 'section', a pydantic model")
    tag = section.model_fields.get("kind")
    if tag is None or get_args(tag.annotation) != (entry.name,):
        raise ValueError(f"its section has no field kind: Literal[{entry.name!r}]")
    if not callable(getattr(kind, "make", None)):
        raise TypeError(f"{entry.value} has no make(name, section, here)")
    return kind  # type: ignore[no-any-return]
