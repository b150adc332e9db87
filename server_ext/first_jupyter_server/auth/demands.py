"""What Globus wants of a person before it goes on, as one sentence and as parameters of a new login."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Demand", "demand", "merged", "query"]

_SESSION = (
    "session_required_policies",
    "session_required_single_domain",
    "session_required_identities",
)


@dataclass(frozen=True)
class Demand:
    """A login that has to be made anew.

    Parameters
    ----------
    sentence
        What is wanted, why, and what to do.
    parameters
        What goes into the new login's address.
    scopes
        What has to be consented to in addition.
    """

    sentence: str
    parameters: Mapping[str, str] = field(default_factory=dict)
    scopes: tuple[str, ...] = ()


def demand(document: Mapping[str, Any], *, username: str, service: str) -> Demand:
    """Read a Globus Auth Requirements Error.

    Parameters
    ----------
    document
        The error's body: a ``code`` and ``authorization_parameters``.
    username
        Who is logged in.
    service
        What a person calls the service that refused.
    """
    asked: Mapping[str, Any] = document.get("authorization_parameters") or {}
    scopes = tuple(_texts(asked.get("required_scopes")))
    return Demand(_sentence(asked, username, service), query(asked), scopes)


def query(asked: Mapping[str, Any]) -> dict[str, str]:
    """Write parameters as the authorization page takes them."""
    found = {name: ",".join(_texts(asked.get(name))) for name in _SESSION}
    if asked.get("session_required_mfa") is not None:
        found["session_required_mfa"] = str(bool(asked["session_required_mfa"]))
    if isinstance(asked.get("session_message"), str):
        found["session_message"] = asked["session_message"]
    if asked.get("prompt") == "login":
        found["prompt"] = "login"
    return {name: value for name, value in found.items() if value}


def merged(site: Mapping[str, str], more: Mapping[str, str]) -> dict[str, str]:
    """Add what a service demands to what the site always demands."""
    both = {**site, **more}
    for name in _SESSION:
        if site.get(name) and more.get(name):
            both[name] = ",".join(dict.fromkeys([*site[name].split(","), *more[name].split(",")]))
    return both


def _sentence(asked: Mapping[str, Any], username: str, service: str) -> str:
    """Say the strictest thing first: who, then from where, then how, then what for."""
    who = f"you are {username}" if username else "you are somebody else"
    if identities := _texts(asked.get("session_required_identities")):
        return f"{service} needs you as {_or(identities)}, and {who}: log in as {_or(identities)}."
    if domains := _texts(asked.get("session_required_single_domain")):
        return f"{service} takes identities of {_or(domains)} alone, and {who}: log in with {_or(domains)}."
    if asked.get("session_required_mfa"):
        return f"{service} asks for a second factor: log in again and confirm with it."
    if _texts(asked.get("session_required_policies")):
        return f"The rules of {service} ask you to prove again who you are{_said(asked)}: log in again."
    if _texts(asked.get("required_scopes")):
        return f"{service} needs one more consent of yours{_said(asked)}: log in again and agree to it."
    return f"{service} asks you to log in again{_said(asked)}."


def _said(asked: Mapping[str, Any]) -> str:
    """Quote the service's own words, where they say more than we do."""
    message = asked.get("session_message")
    return (
        f" (it says: {message.strip().rstrip('.')})" if isinstance(message, str) and message.strip() else ""
    )


def _texts(value: Any) -> list[str]:
    if isinstance(value, str):
        return [part for part in value.split(",") if part]
    return [part for part in value if isinstance(part, str)] if isinstance(value, Sequence) else []


def _or(names: Sequence[str]) -> str:
    return " or ".join(names)
