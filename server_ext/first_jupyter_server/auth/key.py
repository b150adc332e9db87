"""The scoped key: random per server start, valid under ``/first`` alone; a label may follow it.

``KEY.LABEL`` opens what ``KEY`` opens. The label is no secret: it says which notebook asks.
"""

from __future__ import annotations

import hmac
import re
import secrets

__all__ = ["bearer", "label", "labelled", "matches", "new_key", "new_label"]

_LABEL = re.compile(rb"[A-Za-z0-9_-]{1,64}")


def new_key() -> str:
    """Make a key of 256 random bits that reads like one of OpenAI's."""
    return f"first-{secrets.token_urlsafe(32)}"


def new_label() -> str:
    """Make a label that no other notebook has."""
    return secrets.token_hex(6)


def labelled(key: str, label: str) -> str:
    """Return the key as the notebook with this label carries it."""
    return f"{key}.{label}" if label else key


def label(token: bytes) -> str:
    """Return the label that a token carries; none of one without, or with one that cannot be ours."""
    _, _, stated = token.partition(b".")
    return stated.decode("ascii") if _LABEL.fullmatch(stated) else ""


def bearer(authorization: str | bytes | None) -> bytes:
    """Return the token of an ``Authorization: Bearer`` header (RFC 6750, section 2.1); nothing of others."""
    if authorization is None:
        return b""
    raw = (
        authorization.encode("utf-8", "surrogateescape") if isinstance(authorization, str) else authorization
    )
    scheme, _, token = raw.partition(b" ")
    return token.strip() if scheme.lower() == b"bearer" else b""


def matches(token: bytes, key: str) -> bool:
    """Compare in a time that does not depend on where they differ; an empty key matches nothing."""
    return bool(key) and hmac.compare_digest(token.partition(b".")[0], key.encode())
