"""Put the magics into an IPython shell, and take them out again."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from first_jupyter._config import First
from first_jupyter._connection import connection
from first_jupyter._errors import NotConnectedError
from first_jupyter._magic import FirstMagics
from first_jupyter._session import session

if TYPE_CHECKING:
    from collections.abc import MutableMapping

__all__ = ["load", "unload"]


def load(shell: Any) -> None:
    """Register the magics, their configuration and the memory for errors."""
    if any(isinstance(known, First) for known in shell.configurables):
        return
    config = First(parent=shell)
    shell.configurables.append(config)
    shell.register_magics(FirstMagics(shell, config))
    shell.events.register("post_run_cell", session.note_error)
    if config.openai_env:
        bind_openai(os.environ)


def unload(shell: Any) -> None:
    """Undo `load`."""
    shell.configurables[:] = [
        known for known in shell.configurables if not isinstance(known, First | FirstMagics)
    ]
    for kind in ("line", "cell"):
        shell.magics_manager.magics[kind].pop("first", None)
    if session.note_error in shell.events.callbacks["post_run_cell"]:
        shell.events.unregister("post_run_cell", session.note_error)


def bind_openai(environ: MutableMapping[str, str]) -> None:
    """Let a plain ``openai.OpenAI()`` find the server, unless the reader has bound it to another.

    Address and key are set as a pair or not at all: one alone would send a foreign key to us, or ours away.
    """
    ours = {"OPENAI_BASE_URL": environ.get("FIRST_BASE_URL"), "OPENAI_API_KEY": environ.get("FIRST_API_KEY")}
    if any(environ.get(name) not in (None, value) for name, value in ours.items()):
        return
    try:
        found = connection()
    except NotConnectedError:
        return
    environ["OPENAI_BASE_URL"], environ["OPENAI_API_KEY"] = found.base_url, found.api_key
    for name in ("NO_PROXY", "no_proxy"):
        known = [host for host in environ.get(name, "").split(",") if host]
        environ[name] = ",".join(dict.fromkeys([*known, "127.0.0.1", "localhost"]))
