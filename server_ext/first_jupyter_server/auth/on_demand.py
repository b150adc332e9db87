"""Whether this server's login is in use: from the start where something needs it, else once somebody asks."""

from __future__ import annotations

from .globus import GlobusLogin
from .scopes import COMPUTE, Service, wanted

__all__ = ["LoginOnDemand"]


class LoginOnDemand:
    """The login, and whether anybody wants one; until then nothing is read, and globus-sdk is not imported.

    Parameters
    ----------
    login
        The login.
    services
        What it is for; the same mapping that the login was given, for it may grow.
    needed
        Whether it is in use from the start.
    by_itself
        Whether it needs no person.
    """

    def __init__(
        self, login: GlobusLogin, services: dict[str, Service], *, needed: bool, by_itself: bool
    ) -> None:
        self.login, self.needed, self.by_itself = login, needed, by_itself
        self._services = services

    @property
    def is_for_clusters(self) -> bool:
        """Whether it is for clusters behind Globus Compute."""
        return COMPUTE in self._services

    async def start(self) -> None:
        """Read what there is of the login, where it is in use."""
        if self.needed:
            await self.login.start()

    async def ask(self) -> GlobusLogin:
        """Have it in use from now on; where nothing needed it, it is for clusters behind Globus Compute."""
        if not self.needed:
            await self.for_clusters()
        return self.login

    async def for_clusters(self) -> GlobusLogin:
        """Have it in use for clusters behind Globus Compute, which a person may have to log in for anew."""
        if not self.is_for_clusters:
            self._services.update(wanted(["globus-compute"]))
        if not self.needed:
            self.needed = True
            await self.login.start()
        return self.login
