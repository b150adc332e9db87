"""Tokens that other tools left in this home folder: found and offered, and taken over only when asked."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .scopes import AUTH, Wanted

__all__ = ["Found", "find"]

_TOOLS = {
    "alcf-tokens": ("7f3e61f5-e0de-4e8f-9150-0a62c65dda63", "alcf_tokens"),
    "inference_auth_token": ("58fdd3bc-e1c3-4ce5-80ea-8d6b87cfb944", "inference_app"),
}
_KEYS = ("resource_server", "scope", "access_token", "expires_at_seconds")


@dataclass(frozen=True)
class Found:
    """What one tool left.

    Parameters
    ----------
    tool
        What the tool is called.
    client_id
        The application that the tokens belong to.
    services
        What the tokens that we can use are for, as a person calls it.
    tokens
        Those tokens, by resource server.
    """

    tool: str
    client_id: str
    services: tuple[str, ...]
    tokens: Mapping[str, dict[str, Any]] = field(repr=False)

    @property
    def sentence(self) -> str:
        """What is offered."""
        return f"{self.tool} has logged you in to {' and '.join(self.services)}; that login can be used here."


def find(home: Path, wanted: Wanted) -> list[Found]:
    """Look where the tools keep their tokens.

    Parameters
    ----------
    home
        The user's home folder.
    wanted
        What we would use; all other tokens stay where they are.
    """
    found = []
    for tool, (client_id, app) in _TOOLS.items():
        tokens = _read(home / ".globus" / "app" / client_id / app / "tokens.json")
        usable = {
            server: token
            for server, token in tokens.items()
            if server in wanted and server != AUTH and token.get("refresh_token")
            if set(wanted[server].scopes) <= set(token["scope"].split())
        }
        if usable:
            services = tuple(wanted[server].name for server in usable)
            with_who = {AUTH: tokens[AUTH]} if AUTH in tokens else {}
            found.append(Found(tool, client_id, services, {**usable, **with_who}))
    return found


def _read(path: Path) -> dict[str, dict[str, Any]]:
    """Read a token file of globus-sdk; what cannot be read is not there."""
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))["data"]["DEFAULT"]
        return {server: token for server, token in entries.items() if all(token.get(key) for key in _KEYS)}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}
