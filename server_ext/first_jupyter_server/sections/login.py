"""The section on how people log in with Globus."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from first_jupyter_server.duration import Duration

from .strict import Strict

__all__ = ["GlobusSection"]


class GlobusSection(Strict):
    """How people log in with Globus."""

    client_id: str = Field(
        "4cf29807-cf21-49ec-9443-ff9a3fb9f81c",
        min_length=1,
        description="The native application that logs people in. Default: Globus Compute's own.",
    )
    redirect: bool | Annotated[str, Field(pattern=r"^https?://[^/]+$")] = Field(
        False,
        description="Whether this server's /first/api/oauth/callback is registered with the application; "
        "where it is under another address, that address, such as https://hub.site.edu.",
    )
    session_lasts: Duration = Field(
        None, description="How long the site's policies let a login last, such as 7d; people are warned."
    )
    session_required_domain: list[str] = Field([], description="Log in with one of these domains.")
    session_required_policies: list[str] = Field(
        [], description="Ids of Globus authentication policies to meet."
    )
    session_required_mfa: bool = Field(False, description="Log in with a second factor.")

    @property
    def rules(self) -> dict[str, Any]:
        """What every login has to meet, in Globus' own words."""
        return {
            "session_required_policies": self.session_required_policies,
            "session_required_single_domain": self.session_required_domain,
            "session_required_mfa": self.session_required_mfa or None,
        }
