"""The Globus login of this server: one thread talks to Globus, the event loop never waits for it."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from logging import Logger
from pathlib import Path

from first_jupyter_server.config import GlobusSection
from first_jupyter_server.errors import ApiError

from . import demands, flow, found_tokens, scopes
from .flow import Flow, Way
from .login import Login, describe
from .service_account import ServiceAccount
from .storage import Account, TokenFile
from .thread import LoginThread
from .tokens import Tokens

__all__ = ["GlobusLogin"]

PATIENCE = 1.0
"""Seconds that a look at the state waits for the thread; then the last known state will do."""


class GlobusLogin:
    """Logs a person in and out; `tokens` gives this process, and it alone, what a login is good for.

    Parameters
    ----------
    wanted
        What the login is for, by resource server.
    section
        What the federation file says of it.
    folder
        Where the login is kept; several servers may share it.
    callback
        Returns the address that Globus sends browsers back to.
    account
        The service account that acts instead of a person.
    changed
        Called on the loop with each new state.
    log
        Where trouble with the file is told.
    home
        Where other tools keep their logins.
    """

    def __init__(
        self,
        wanted: scopes.Wanted,
        section: GlobusSection,
        folder: Path,
        *,
        callback: Callable[[], str],
        account: ServiceAccount | None = None,
        changed: Callable[[Login], None],
        log: Logger,
        home: Path | None = None,
    ) -> None:
        self._wanted, self._section, self._callback = wanted, section, callback
        self._service, self._changed = account, changed
        self._home = home or Path.home()
        self._file = TokenFile(folder / "tokens.json", log)
        self._pending_file = folder / "pending.json"
        self._thread = LoginThread(self._file, wanted)
        self.tokens = Tokens(self._thread, wanted, account, self.demand, lambda: self.state.username)
        self._accounts: tuple[Account, ...] = ()
        self._found: tuple[found_tokens.Found, ...] = ()
        self._flow: Flow | None = None
        self._demand: demands.Demand | None = None
        self._problem: ApiError | None = None
        self._said: Login | None = None
        self._again: asyncio.TimerHandle | None = None

    # what a person sees

    @property
    def ways(self) -> tuple[Way, ...]:
        """How a login can come back here, the best first."""
        return ("redirect", "paste") if self._section.redirect else ("paste",)

    @property
    def asks(self) -> list[dict[str, str]]:
        """What a login asks for, and why."""
        return [{"service": service.name, "why": service.why} for service in self._wanted.values()]

    @property
    def offers(self) -> list[dict[str, str]]:
        """Logins of other tools that could be used here."""
        taken = {account.client_id for account in self._accounts}
        if self._service:
            return []
        return [
            {"tool": one.tool, "sentence": one.sentence} for one in self._found if one.client_id not in taken
        ]

    @property
    def state(self) -> Login:
        """The state as it is known, at once."""
        if self._problem is not None and self._flow is None:
            return Login("demand", self._problem.message)
        return describe(
            self._wanted,
            self._accounts,
            now=time.time(),
            lasts=self._section.session_lasts,
            flow=self._flow,
            demand=self._demand,
            service_account=self._service,
        )

    async def start(self) -> None:
        """Read what there is of a login."""
        self.tokens.start()
        # A file system that hangs must not keep Jupyter from starting.
        await asyncio.wait([asyncio.ensure_future(self._resume())], timeout=PATIENCE)

    async def look(self) -> Login:
        """Return the state, after a look at what other servers wrote if that takes no time."""
        await asyncio.wait([asyncio.ensure_future(self._read())], timeout=PATIENCE)
        return self.state

    # logging in and out

    async def begin(self, way: Way | None = None, *, force: bool = False) -> Flow:
        """Begin a login; the one that was begun already, unless that is to be another."""
        self._refuse_service()
        way = way or self.ways[0]
        if way not in self.ways:
            message = (
                "This site has registered no redirect with Globus ('redirect' in the section 'globus' of the "
                "federation file): log in by pasting the code."
            )
            raise ApiError(400, message, code="no_redirect", param="way")
        login = await self.look()
        if self._problem is not None:
            raise self._problem
        if login.flow is not None and login.flow.way == way and not force:
            return login.flow
        if login.state == "logged_in" and not login.ends_soon and not force:
            raise ApiError(409, f"{login.sentence} To log in anew, send 'force'.", code="already_logged_in")
        root = await self._thread.ask(lambda sdk: sdk.auth_address())
        begun = self._flow = Flow(
            way,
            self._section.client_id,
            authorize=f"{root}/v2/oauth2/authorize",
            redirect_uri=self._callback() if way == "redirect" else f"{root}/v2/web/auth-code",
            scopes=self._scopes(),
            parameters=self._parameters(force=force),
            until=time.time() + 60 * flow.MINUTES,
        )
        with contextlib.suppress(OSError):  # a restart of Jupyter would then cost a second login, no more
            await self._thread.run(lambda: flow.keep(begun, self._pending_file))
        self._tell()
        return begun

    async def finish(self, code: str, state: str | None = None) -> Login:
        """Finish a login with the code that Globus gave.

        Parameters
        ----------
        code
            What was pasted, or came with the redirect.
        state
            What came with the redirect.
        """
        begun = self._flow
        if begun is None or begun.until <= time.time():
            raise ApiError(
                409, "No login is on its way here, or its time is over: begin anew.", code="no_login"
            )
        if (state is None) != (begun.way == "paste") or (state is not None and not begun.has_state(state)):
            raise _mismatch()
        self._flow = None  # from here on nobody else can use it
        try:
            await self._thread.ask(lambda sdk: sdk.exchange(begun, code))
        except ApiError as error:
            # A mistyped code may be typed again, and Globus may come back; a state that was used is used.
            if error.code == "globus_unavailable" or (error.code == "code_refused" and begun.way == "paste"):
                self._flow = self._flow or begun
            else:
                await self._drop(begun)
            raise
        self._demand = None
        await self._drop(begun)
        return self.state

    async def cancel(self) -> Login:
        """Forget the login that was begun."""
        if self._flow is not None:
            begun, self._flow = self._flow, None
            await self._drop(begun)
        return self.state

    async def refused(self, state: str) -> None:
        """Take note that Globus, or the person there, declined the login that was begun here."""
        if self._flow is None or not self._flow.has_state(state):
            raise _mismatch()
        await self.cancel()

    async def adopt(self, tool: str) -> Login:
        """Use the login that another tool left."""
        self._refuse_service()
        await self._read()
        found = next((one for one in self._found if one.tool == tool), None)
        if found is None:
            raise ApiError(404, f"{tool} has left no login here that can be used.", code="nothing_found")
        await self._thread.ask(lambda sdk: sdk.adopt(found))
        self._demand = None
        await self._read()
        return self.state

    async def logout(self) -> tuple[Login, bool]:
        """Revoke and remove the login; also say whether Globus took part."""
        self._refuse_service()
        begun, self._flow, self._demand = self._flow, None, None
        revoked = await self._thread.ask(lambda sdk: sdk.logout())
        if begun is not None:
            await self._drop(begun)
        await self._read()
        return self.state, revoked

    async def demand(self, demand: demands.Demand) -> None:
        """Take note of what Globus demands of the person before it goes on."""
        self._demand = demand
        await self._read()

    async def close(self) -> None:
        """Let the thread end."""
        if self._again is not None:
            self._again.cancel()
        self._thread.close()

    # inside

    async def _resume(self) -> None:
        self._flow = await self._thread.run(lambda: flow.kept(self._pending_file, time.time()))
        await self._read()

    async def _read(self) -> None:
        def read() -> tuple[dict[str, Account], list[found_tokens.Found]]:
            return self._file.accounts(), found_tokens.find(self._home, self._wanted)

        before = self._accounts
        try:
            accounts, found = await self._thread.run(read)
        except ApiError as problem:
            self._problem = problem
        else:
            self._problem, self._accounts, self._found = None, tuple(accounts.values()), tuple(found)
            newest = max((account.authenticated for account in self._accounts), default=0.0)
            if newest > max((account.authenticated for account in before), default=0.0) and before:
                self._demand = None  # another server of this user has met it
        self._tell()

    async def _drop(self, begun: Flow) -> None:
        with contextlib.suppress(OSError):
            await self._thread.run(lambda: flow.forget(begun, self._pending_file))
        await self._read()

    def _scopes(self) -> tuple[str, ...]:
        more = self._demand.scopes if self._demand else ()
        asked: Iterable[str] = (scope for service in self._wanted.values() for scope in service.scopes)
        return tuple(dict.fromkeys([*asked, *more]))

    def _parameters(self, *, force: bool) -> dict[str, str]:
        site = demands.query(self._section.rules)
        more = dict(self._demand.parameters) if self._demand else {}
        # Without it, a browser that is logged in at Globus would bring an old session along.
        renewed = {"prompt": "login"} if force or self._demand or self.state.ends_soon else {}
        return demands.merged(site, {**renewed, **more})

    def _refuse_service(self) -> None:
        if self._service is not None:
            raise ApiError(409, self.state.sentence, code="service_account")

    def _tell(self) -> None:
        if self._flow is not None and self._flow.until <= time.time():
            self._flow = None
        state = self.state
        if self._said is None or replace(self._said, flow=None) != replace(state, flow=None):
            self._said = state
            self._changed(state)
        if self._again is not None:
            self._again.cancel()
        # Days pass, and a login on its way runs out, without anybody doing anything.
        until = self._flow.until - time.time() if self._flow else 6 * 3600.0
        self._again = asyncio.get_running_loop().call_later(max(1.0, until), self._tell)


def _mismatch() -> ApiError:
    message = "This answer belongs to another login than the one that was begun here: begin anew."
    return ApiError(403, message, kind="permission_error", code="state_mismatch")
