"""``first-remote register``: makes this release's function known to Globus Compute, and remembers its id."""

from __future__ import annotations

import re
import sys
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from .globus_bundle import FUNCTION, bundle
from .globus_lock import Lock

if TYPE_CHECKING:
    import argparse

    from globus_compute_sdk import Client

__all__ = ["add_parser", "register"]

UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
NEXT = """\
{id}

Next:
  let an endpoint run this alone   first-remote deploy NAME ...the same options... --allow {id} --force
  name it in the federation file   function: {id}
"""
NOT_INSTALLED = "globus-compute-sdk is not installed here: pip install 'first-jupyter[compute]'"
NOBODY = (
    "nobody is logged in with Globus here, and without a terminal nobody can be asked: run it once in a "
    "terminal, or set GLOBUS_COMPUTE_CLIENT_ID and GLOBUS_COMPUTE_CLIENT_SECRET to a service account's"
)


class RegisterError(Exception):
    """Why nothing was registered, in one sentence."""


def register(client: Client, *, public: bool = False, group: str | None = None) -> str:
    """Register this release's function and return its id; blocks.

    Parameters
    ----------
    client
        Who registers it.
    public
        Let everybody call it.
    group
        Let the members of a Globus group call it.
    """
    description = f"first-jupyter's side on a cluster, {bundle().digest}"
    return str(
        client.register_source_code(bundle().source, FUNCTION, description, public=public, group=group)
    )


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command and its options."""
    parser = commands.add_parser(
        "register", help="register this release's function with Globus Compute", description=__doc__
    )
    parser.set_defaults(run=run)
    who = parser.add_mutually_exclusive_group()
    who.add_argument("--group", metavar="UUID", help="let the members of this Globus group call it")
    who.add_argument("--public", action="store_true", help="let everybody call it")
    parser.add_argument(
        "--lock", type=Path, metavar="FILE", help="note it in a first.lock.json, for servers that share one"
    )


def run(given: argparse.Namespace) -> int:
    """Register, and say what comes next."""
    try:
        if given.group and not UUID.fullmatch(given.group):
            raise RegisterError(f"--group takes the id of a Globus group, not {given.group!r}")
        function = _register(public=given.public, group=given.group)
        sys.stdout.write(NEXT.format(id=function))
        sys.stdout.flush()
        if given.lock:
            _note(Lock(given.lock.expanduser()), function)
    except RegisterError as error:
        sys.stderr.write(f"first-remote register: {error}.\n")
        return 1
    return 0


def _register(*, public: bool, group: str | None) -> str:
    try:
        from globus_compute_sdk import Client  # noqa: PLC0415  # it takes a second to import
        from globus_sdk import GlobusAPIError, GlobusError, NetworkError, UserApp  # noqa: PLC0415
    except ImportError:
        raise RegisterError(NOT_INSTALLED) from None
    try:
        client = Client(do_version_check=False)
        app = client.app
        if isinstance(app, UserApp) and app.login_required() and not sys.stdin.isatty():
            raise RegisterError(NOBODY)
        return register(client, public=public, group=group)
    except NetworkError as error:
        raise RegisterError(f"Globus cannot be reached from here ({error})") from None
    except GlobusAPIError as error:
        said = f"{error.http_status} {error.message or error.code or ''}".strip().rstrip(".")
        raise RegisterError(f"Globus refused: {said}") from None
    except (GlobusError, ValueError, EOFError) as error:
        raise RegisterError(f"Globus could not be asked: {str(error).rstrip('.')}") from None


def _note(lock: Lock, function: str) -> None:
    try:
        lock.put(bundle().digest, function, version("first-jupyter"))
    except OSError as error:
        raise RegisterError(
            f"it is registered, but {lock.path} cannot be written ({error.strerror})"
        ) from None
