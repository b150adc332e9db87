"""Access tokens for the clusters of this process: always fresh, fetched once for all who ask at once."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Mapping
from typing import TYPE_CHECKING, Any

from .demands import Demand, demand
from .login import LoginNeeded
from .scopes import Wanted
from .service_account import ServiceAccount
from .thread import LoginThread

if TYPE_CHECKING:
    from .sdk import Authorizer

__all__ = ["Tokens"]


class Tokens:
    """Gives tokens out.

    Parameters
    ----------
    thread
        Where they are fetched.
    wanted
        The services that there are tokens for.
    service_account
        Who they belong to, where that is no person.
    needed
        Called on the loop with what Globus demands of the person.
    username
        Says who is logged in.
    """

    def __init__(
        self,
        thread: LoginThread,
        wanted: Wanted,
        service_account: ServiceAccount | None,
        needed: Callable[[Demand], Coroutine[Any, Any, None]],
        username: Callable[[], str | None],
    ) -> None:
        self._thread, self._wanted, self._service = thread, wanted, service_account
        self._needed, self._username = needed, username
        self._fetching: dict[tuple[str, str | None], asyncio.Task[str]] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._loops_thread = 0

    def start(self) -> None:
        """Take note of the loop, for callers in other threads."""
        self._loop, self._loops_thread = asyncio.get_running_loop(), threading.get_ident()

    async def token(self, server: str, *, rejected: str | None = None) -> str:
        """Return an access token.

        Parameters
        ----------
        server
            The resource server that it is for.
        rejected
            A token that the service did not take, so that another is wanted.

        Raises
        ------
        ApiError
            With status 401 where a person has to log in first, 503 where Globus does not answer.
        """
        task = self._fetching.get((server, rejected))
        if task is None:
            task = asyncio.ensure_future(self._fetch(server, rejected))
            self._fetching[server, rejected] = task
            task.add_done_callback(lambda _: self._fetching.pop((server, rejected), None))
        return await asyncio.shield(task)

    def authorizer(self, server: str) -> Authorizer:
        """Return what a client of globus-sdk takes; for use in threads, never on the loop."""
        from .sdk import Authorizer  # noqa: PLC0415  # slow to import, and a thread's business

        def fetch(rejected: str | None) -> str:
            if self._loop is None or threading.get_ident() == self._loops_thread:
                raise RuntimeError("A token was asked for on the event loop, which would wait for itself.")
            asked = self.token(server, rejected=rejected)
            return asyncio.run_coroutine_threadsafe(asked, self._loop).result()

        return Authorizer(fetch)

    def demanded(self, error: Exception, server: str) -> Demand | None:
        """Return what a service's error demands of the person, and have them told; for any thread."""
        from .sdk import demand_in  # noqa: PLC0415

        demand = demand_in(error, username=self._username() or "", service=self._wanted[server].name)
        if demand is not None and self._loop is not None:
            asyncio.run_coroutine_threadsafe(self._needed(demand), self._loop)
        return demand

    async def refused(self, server: str, asked: Mapping[str, Any]) -> None:
        """Have the person told what a service wants of a login, which said so in words of its own.

        Parameters
        ----------
        server
            The service's resource server.
        asked
            What it wants, in the words of Globus' authorization parameters.
        """
        document = {"authorization_parameters": asked}
        name = self._wanted[server].name
        await self._needed(demand(document, username=self._username() or "", service=name))

    async def _fetch(self, server: str, rejected: str | None) -> str:
        account = self._service
        try:
            if account is not None:
                return await self._thread.ask(lambda sdk: sdk.service_token(account, server, rejected))
            return await self._thread.ask(lambda sdk: sdk.token(server, rejected))
        except LoginNeeded as needed:
            await self._needed(needed.demand)
            raise
