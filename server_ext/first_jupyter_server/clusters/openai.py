"""The kind ``openai``: models that any OpenAI-compatible server lists; it is asked, never steered."""

from __future__ import annotations

import asyncio
import contextlib
import re
import time

from first_jupyter_server.config import OpenAIModel, OpenAISection
from first_jupyter_server.federation.catalog import Place, Replica, State

from .asking import Address, Said, Unanswered, ask
from .base import Offer, Status
from .key_source import KeyMissing, KeySource
from .last_answer import LastAnswer
from .listing import TEXT, Listed, listed
from .looks import Looks
from .standing import Standing
from .surroundings import Surroundings

__all__ = ["OpenAICluster", "replica_id"]

KIND = "openai"
WITHIN = 10.0
"""Seconds for a server to list its models."""


class OpenAICluster:
    """Serves what an OpenAI-compatible server lists.

    Parameters
    ----------
    name
        The name in the federation file.
    section
        What stands there.
    here
        What it finds in this server.
    """

    kind = KIND
    unstoppable = "whoever runs the server decides which models it serves"

    def __init__(self, name: str, section: OpenAISection, here: Surroundings) -> None:
        self.name = name
        self._section, self._at = section, Address.of(section.url)
        self._keys = KeySource(section.key_env, section.key_file, here.environment, here.log)
        self._key: str | None = None
        self._standing: Standing[tuple[Listed, ...]] = Standing()
        self._last = LastAnswer(here.folder(name) / "models.json", here.log)
        self._changed, self._log = here.changed, here.log
        self._looks = Looks(self._look, here.idle, here.log)

    @property
    def status(self) -> Status:
        """Whether the server lists its models."""
        return self._standing.status

    def offers(self) -> list[Offer]:
        """Return what it serves, and in which state."""
        there = {each.name: each for each in self._standing.answer or ()}
        wanted = self._section.models or [OpenAIModel.model_validate({"id": name}) for name in there]
        return [self._offer(model, there.get(model.name or model.id)) for model in wanted]

    async def open(self) -> None:
        """Take up what the server listed when an earlier one asked it, and begin to look."""
        if (last := await asyncio.to_thread(self._last.read)) is not None:
            said, seen = last
            with contextlib.suppress(Unanswered):
                self._standing = Standing.remembered(self._read(said), seen)
                self._changed()
        self._looks.begin()

    async def start(self, model: str, hold: float | None = None) -> None:
        """Look whether the server has the model by now: nobody here can start it."""
        self._looks.now()

    async def stop(self, model: str) -> None:
        """Leave the model to its server."""

    def unreachable(self, replica: str, reason: str) -> None:
        """Look what has become of the server that did not take a request."""
        if replica.startswith(f"{self.name}/"):
            self._log.info("%s did not take a request: %s", replica, reason)
            self._looks.now()

    async def close(self) -> None:
        """Leave."""
        await self._looks.end()

    # what is offered

    def _offer(self, model: OpenAIModel, there: Listed | None) -> Offer:
        abilities = (
            (there.abilities if there else TEXT) if model.abilities is None else tuple(model.abilities)
        )
        context = model.context or (there.context if there else None)
        return Offer(model.id, tuple(model.aliases), abilities, context, self._place(model, there))

    def _place(self, model: OpenAIModel, there: Listed | None) -> Place:
        standing, name = self._standing, model.name or model.id
        reason = standing.reason(time.time())
        replicas: tuple[Replica, ...] = ()
        if standing.is_down:
            state = State.OFFLINE
        elif standing.answer is None:
            state, reason = State.STARTING, "asking the server for its models"
        elif there is None:
            known = ", ".join(each.name for each in standing.answer) or "none"
            state, reason = State.OFFLINE, f"the server does not list {name} now; it lists: {known}"
        else:
            state, replicas = State.HOT, (self._replica(model.id, name),)
        return Place(
            cluster=self.name,
            kind=KIND,
            backend=self._section.backend,
            state=state,
            reason=reason,
            ended=(standing.since or standing.seen) if state is State.OFFLINE else None,
            replicas=replicas,
            seen=standing.stale,
            startable=False,
        )

    def _replica(self, model: str, name: str) -> Replica:
        at = self._at
        return Replica(
            replica_id(self.name, model),
            at.host,
            at.port,
            key=self._key,
            tls=at.tls,
            base=at.path,
            model=name,
        )

    # looks

    async def _look(self) -> int:
        before = self.offers()
        try:
            self._key = await asyncio.to_thread(self._keys.read)
            said = await ask(self._at, "/models", key=self._key, within=WITHIN)
            self._standing = self._standing.told(self._read(said), time.time())
            await asyncio.to_thread(self._last.keep, said)
        except KeyMissing as missing:
            self._standing = self._standing.missed(str(missing), time.time(), passing=False)
        except Unanswered as fault:
            self._standing = self._standing.missed(fault.reason, time.time(), passing=fault.passing)
        if self.offers() != before:
            self._changed()
        return self._standing.failed

    def _read(self, said: Said) -> tuple[Listed, ...]:
        """Return the models that the server lists.

        Raises
        ------
        Unanswered
            Where it does not say.
        """
        url = f"{self._section.url}/models"
        match said.status:
            case 200:
                if (models := listed(said.json())) is not None:
                    return models
                raise Unanswered(f"what {url} answers is no list of models: correct the url")
            case 401 | 403:
                named, remedy = self._keys.named, self._keys.remedy
                why = (
                    f"does not take the key in {named}; {remedy}"
                    if named
                    else "wants a key: name its key_env or key_file"
                )
                raise Unanswered(f"{self._at.host} {why} (status {said.status})")
            case 404 | 405 if self._section.models is not None:
                return tuple(Listed(model.name or model.id) for model in self._section.models)
            case 404 | 405:
                raise Unanswered(
                    f"there is no {url} (status {said.status}): correct the url, or name the models"
                )
            case status:
                raise Unanswered(
                    f"{url} answers with status {status}", passing=status == 429 or status >= 500
                )


def replica_id(cluster: str, model: str) -> str:
    """Name the one replica that a server is for one of its models; the same for as long as it lists it."""
    return f"{cluster}/{re.sub(r'[^a-z0-9.]+', '-', model.lower()).strip('-')}"
