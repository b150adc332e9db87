"""One login on its way: OAuth's authorization code with PKCE, and a random state that is used once."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal
from urllib.parse import urlencode

__all__ = ["MINUTES", "Flow", "Way", "forget", "keep", "kept"]

Way = Literal["paste", "redirect"]

MINUTES = 15
"""How long a login may take."""


@dataclass(frozen=True)
class Flow:
    """A login that was begun and not finished.

    Parameters
    ----------
    way
        How the code comes back: pasted by a person, or by a redirect to Jupyter.
    client_id
        The application that asks.
    authorize
        The address of Globus' page, without its query.
    redirect_uri
        Where Globus sends the browser with the code.
    scopes
        What is asked for.
    parameters
        What Globus shall demand of the person: policies, domains, a second factor.
    until
        When it is no longer taken, in seconds since 1970.
    state, verifier
        What proves that an answer belongs to this login; secrets.
    """

    way: Way
    client_id: str
    authorize: str
    redirect_uri: str
    scopes: tuple[str, ...]
    parameters: Mapping[str, str]
    until: float
    state: str = field(repr=False, default_factory=lambda: secrets.token_urlsafe(32))
    verifier: str = field(repr=False, default_factory=lambda: secrets.token_urlsafe(48))

    @property
    def url(self) -> str:
        """The page that the person visits."""
        digest = hashlib.sha256(self.verifier.encode()).digest()
        query = {
            "client_id": self.client_id,
            "redirect_uri": self.redirect_uri,
            "scope": " ".join(self.scopes),
            "state": self.state,
            "response_type": "code",
            "access_type": "offline",
            "code_challenge": base64.urlsafe_b64encode(digest).decode().rstrip("="),
            "code_challenge_method": "S256",
            "prefill_named_grant": "first-jupyter",
            **self.parameters,
        }
        return f"{self.authorize}?{urlencode(query)}"

    def has_state(self, state: str) -> bool:
        """Compare in a time that does not depend on where they differ."""
        return hmac.compare_digest(state.encode("utf-8", "surrogateescape"), self.state.encode())


def keep(flow: Flow, file: Path) -> None:
    """Write it down, so that a restart of Jupyter does not cost the person a second login."""
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = file.with_suffix(f".{os.getpid()}.draft")
    with contextlib.suppress(FileNotFoundError):
        draft.unlink()
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as out:
        json.dump(asdict(flow), out)
    draft.replace(file)


def kept(file: Path, now: float) -> Flow | None:
    """Return what was written down, unless its time is over."""
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        flow = Flow(**{**content, "scopes": tuple(content["scopes"])})
    except (OSError, ValueError, TypeError, KeyError):
        return None
    return flow if flow.until > now else None


def forget(flow: Flow, file: Path) -> None:
    """Remove what was written down, if it is this one: another server may have begun another since."""
    written = kept(file, 0.0)
    if written is not None and written.has_state(flow.state):
        file.unlink(missing_ok=True)
