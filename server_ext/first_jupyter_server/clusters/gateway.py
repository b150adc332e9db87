"""Talks to one FIRST gateway, with the login's token: what it lists, and whether it lets this person in."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from first_jupyter_server.config import GatewaySection
from first_jupyter_server.dialects import first_gateway
from first_jupyter_server.errors import ApiError

from .asking import Address, Said, Unanswered, ask
from .gateway_words import Served, endpoints, names_here
from .last_answer import LastAnswer
from .looks import Looks
from .standing import Standing
from .surroundings import Surroundings

__all__ = ["Gateway"]

WITHIN = 10.0
"""Seconds for the gateway to list its models."""
TOKEN_EVERY, LOGIN_EVERY = 30.0, 5.0
"""Seconds between two looks at the login's token, so that a newer one is known in time; and between two at
whether there is one by now, which another server of this user may have got."""


class Gateway:
    """One gateway.

    Parameters
    ----------
    name
        The section's name.
    section
        What stands there.
    here
        What it finds in this server.
    changed
        Called when anything has changed that its clusters offer.
    """

    def __init__(
        self, name: str, section: GatewaySection, here: Surroundings, changed: Callable[[], None]
    ) -> None:
        self.title = section.title or name
        self.at = Address.of(section.url)
        self.key: str | None = None
        self.standing: Standing[Mapping[str, tuple[Served, ...]]] = Standing()
        self._last = LastAnswer(here.folder(name) / "list-endpoints.json", here.log)
        self.names: Mapping[str, str] = {}
        self.answers = asyncio.Event()
        self._section, self._tokens, self._changed, self._log = section, here.tokens, changed, here.log
        self._refused: str | None = None
        self._demanded: str | None = None
        self._watching: asyncio.Task[None] | None = None
        self._looks = Looks(self._look, here.idle, here.log)

    async def open(self) -> None:
        """Take up what it listed for an earlier server, and begin to look; once for all of its clusters."""
        if self._watching is not None:
            return
        self._watching = asyncio.create_task(self._watch())
        if (last := await asyncio.to_thread(self._last.read)) is not None:
            said, seen = last
            with contextlib.suppress(Unanswered):
                self._take(Standing.remembered(self._read(said), seen))
        self._looks.begin()

    def look_now(self) -> None:
        """Look soon whether it answers, and lets this person in."""
        self._looks.now()

    async def close(self) -> None:
        """Leave."""
        if self._watching is not None:
            self._watching.cancel()
            await asyncio.wait([self._watching])
        await self._looks.end()

    async def ask(self, path: str, body: Any = None, *, within: float) -> Said:
        """Ask, with another token where the first is refused, and have the person told where that is too.

        Raises
        ------
        Unanswered
            Where there is no login, or no answer.
        """
        token = await self._token()
        said = await ask(self.at, path, key=token, body=body, within=within)
        if said.status == 401 and token != self._refused:
            token = self._refused = await self._token(rejected=token)
            said = await ask(self.at, path, key=token, body=body, within=within)
        if said.status == 401 and token != self._demanded:
            self._demanded = token
            await self._demand(first_gateway.said(said.body))
        return said

    async def _token(self, rejected: str | None = None) -> str:
        if self._tokens is None:
            raise Unanswered(f"{self.title} needs a login with Globus, and this server has none")
        try:
            self.key = await self._tokens.token(self._section.server, rejected=rejected)
        except ApiError as error:
            if error.status == 401:
                self.key = None
            raise Unanswered(error.message.rstrip("."), passing=error.status != 401) from None
        return self.key

    async def _demand(self, message: str) -> None:
        """Have the person told what the gateway wants, where a login can give it."""
        if self._tokens is not None and first_gateway.needs_login(message):
            asked = {"session_required_policies": self._section.policies, "session_message": message}
            await self._tokens.refused(self._section.server, asked)

    # looks

    async def _watch(self) -> None:
        """Take up each new token in time, also that of a login that was made elsewhere."""
        while True:
            before = self.key
            with contextlib.suppress(Unanswered):
                await self._token()
            if self.key != before:
                self._changed()
                if before is None:
                    self._looks.now()
            await asyncio.sleep(LOGIN_EVERY if self.key is None else TOKEN_EVERY)

    async def _look(self) -> int:
        try:
            said = await self.ask("/list-endpoints", within=WITHIN)
            self._take(self.standing.told(self._read(said), time.time()))
            await asyncio.to_thread(self._last.keep, said)
        except Unanswered as fault:
            self._take(self.standing.missed(fault.reason, time.time(), passing=fault.passing))
        return self.standing.failed

    def _take(self, standing: Standing[Mapping[str, tuple[Served, ...]]]) -> None:
        """Take what is known now."""
        before, self.standing = self.standing, standing
        if standing.is_down:
            self.answers.clear()
        else:
            self.answers.set()
        listed = standing.answer or {}
        used = [served.name for name in self._section.clusters for served in listed.get(name, ())]
        self.names = names_here(used, self._section.names)
        if replace(before, seen=None) != replace(standing, seen=None):
            self._changed()

    def _read(self, said: Said) -> dict[str, tuple[Served, ...]]:
        """Return the models of each cluster.

        Raises
        ------
        Unanswered
            Where it does not say.
        """
        url = f"{self._section.url}/list-endpoints"
        if said.status != 200:
            no = first_gateway.no(said.status, said.body, self.title)
            passing = said.status == 429 or said.status >= 500
            raise Unanswered(no.place or no.error.message.rstrip("."), passing=passing)
        if (listed := endpoints(said.json())) is None:
            raise Unanswered(f"what {url} answers is no list of a FIRST gateway: correct the url")
        return listed
