"""Environment modules: a command that runs once they are loaded, in a login shell, which knows ``module``."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .backends.base import Launch

__all__ = ["command", "loaded"]

KEPT = "FIRST_KEPT_"
SAYS = "first: modules:"
SCRIPT = f"""
fail() {{ echo "{SAYS} $1"; exit 1; }}
type -t module > /dev/null || fail "a login shell on $HOSTNAME has no command 'module'"
while [ "$1" != -- ]; do
  if ! module load "$1"; then
    said=$(module load "$1" 2>&1 | tr -s '\\n\\t ' ' ')
    fail "module load $1 failed on $HOSTNAME: ${{said:0:300}}"
  fi
  shift
done
shift
for name in "${{!{KEPT}@}}"; do
  export "${{name#{KEPT}}}=${{!name}}"
  unset "$name"
done
exec "$@"
"""
"""Loads what stands before ``--`` and runs what follows. Profiles and modules set variables; those that were
kept have the last word, and are in no command line."""


def command(modules: Sequence[str], argv: Sequence[str]) -> list[str]:
    """Return the command that loads modules and becomes ``argv``; where there are none, ``argv`` itself."""
    return ["bash", "-lc", SCRIPT, "first-modules", *modules, "--", *argv] if modules else list(argv)


def loaded(launch: Launch, modules: Sequence[str], env: Mapping[str, str]) -> Launch:
    """Return the launch with modules loaded before it, on each of its nodes.

    Parameters
    ----------
    launch
        What to run.
    modules
        Their names, in the order in which they are loaded.
    env
        What is laid over the launch's environment, and over what modules set.
    """
    if not modules:
        return launch

    def kept(own: Mapping[str, str]) -> dict[str, str]:
        return {**own, **{f"{KEPT}{name}": value for name, value in {**own, **env}.items()}}

    followers = tuple(
        dataclasses.replace(each, argv=command(modules, each.argv), env=kept(each.env))
        for each in launch.followers
    )
    return dataclasses.replace(
        launch, argv=command(modules, launch.argv), env=kept(launch.env), followers=followers
    )
