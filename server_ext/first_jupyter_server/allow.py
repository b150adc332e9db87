"""Allow-lists: which clusters and models somebody may use, as parts of the federation say."""

from __future__ import annotations

import grp
import os
import pwd
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from fnmatch import fnmatchcase

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["AllowLists", "AllowRule", "Person"]


class AllowRule(BaseModel):
    """One thing that is allowed: what is named has to fit, what is not named may be anything."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    clusters: list[str] | None = Field(None, description="Clusters, by name; * stands for any letters.")
    kinds: list[str] | None = Field(None, description="Kinds of clusters.")
    models: list[str] | None = Field(None, description="Models, by id; * stands for any letters.")
    groups: list[str] | None = Field(None, description="Unix groups, one of which the person is in.")
    users: list[str] | None = Field(None, description="Login names.")


@dataclass(frozen=True)
class Person:
    """Who runs this server: the login name, and the names of the Unix groups."""

    name: str
    groups: frozenset[str]

    @classmethod
    def here(cls) -> Person:
        """Return who this process belongs to, whatever its environment says.

        Asks the system's directory, so not for the event loop.
        """
        groups = set()
        for number in {os.getgid(), *os.getgroups()}:
            with suppress(KeyError):
                groups.add(grp.getgrgid(number).gr_name)
        try:
            name = pwd.getpwuid(os.getuid()).pw_name
        except KeyError:
            name = str(os.getuid())
        return cls(name, frozenset(groups))


class AllowLists:
    """The allow-lists of all parts of the federation: each of them has to allow what is used.

    Parameters
    ----------
    lists
        The rules, by the file that they stand in; a file without any says nothing.
    person
        Who asks.
    """

    def __init__(self, lists: Mapping[str, Sequence[AllowRule]], person: Person) -> None:
        self._lists = {file: tuple(rules) for file, rules in lists.items() if rules}
        self._person = person

    def barred(self, cluster: str, kind: str, model: str) -> str:
        """Return why a model on a cluster may not be used, as a sentence; nothing where it may."""
        for file, rules in self._lists.items():
            about = [rule for rule in rules if _is_about(rule, cluster, kind, model)]
            if not about:
                return f"not among what {file} allows"
            if not any(self._is_for_us(rule) for rule in about):
                return f"allowed for {_people(about)} alone, and you are {self._person.name} ({file})"
        return ""

    def _is_for_us(self, rule: AllowRule) -> bool:
        if rule.groups is None and rule.users is None:
            return True
        return self._person.name in (rule.users or ()) or bool(self._person.groups & {*(rule.groups or ())})


def _is_about(rule: AllowRule, cluster: str, kind: str, model: str) -> bool:
    return (
        _fits(rule.clusters, cluster)
        and (rule.kinds is None or kind in rule.kinds)
        and _fits(rule.models, model)
    )


def _fits(patterns: Sequence[str] | None, name: str) -> bool:
    return patterns is None or any(fnmatchcase(name.lower(), pattern.lower()) for pattern in patterns)


def _people(rules: Sequence[AllowRule]) -> str:
    groups = dict.fromkeys(group for rule in rules for group in rule.groups or ())
    users = dict.fromkeys(user for rule in rules for user in rule.users or ())
    named = [f"the group {group}" for group in groups] + [f"the user {user}" for user in users]
    return " and ".join(filter(None, (", ".join(named[:-1]), named[-1])))
