"""A service account by client credentials, for servers at which nobody can log in."""

from __future__ import annotations

from collections.abc import MutableMapping
from dataclasses import dataclass, field

__all__ = ["ServiceAccount", "take"]


@dataclass(frozen=True)
class ServiceAccount:
    """A confidential client that acts for itself.

    Parameters
    ----------
    client_id
        Its id, which is its identity too.
    secret
        What proves it.
    named_by
        The variable that named it.
    """

    client_id: str
    secret: str = field(repr=False)
    named_by: str = ""

    @property
    def username(self) -> str:
        """Its name at Globus."""
        return f"{self.client_id}@clients.auth.globus.org"


def take(environ: MutableMapping[str, str]) -> ServiceAccount | None:
    """Read the service account of the environment, ours before Globus Compute's; half a pair is none.

    Our own secret is taken out, so that no kernel inherits it. Globus Compute's stays: a user's own programs
    may have it there.
    """
    ours = environ.get("FIRST_GLOBUS_CLIENT_ID"), environ.pop("FIRST_GLOBUS_CLIENT_SECRET", None)
    computes = environ.get("GLOBUS_COMPUTE_CLIENT_ID"), environ.get("GLOBUS_COMPUTE_CLIENT_SECRET")
    for (client_id, secret), name in (
        (ours, "FIRST_GLOBUS_CLIENT_ID"),
        (computes, "GLOBUS_COMPUTE_CLIENT_ID"),
    ):
        if client_id and secret:
            return ServiceAccount(client_id, secret, name)
    return None
