"""Asks a gateway for one token of a model until it answers: there is no other way to have it started."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from first_jupyter_server.dialects import first_gateway
from first_jupyter_server.dialects.no import Then

from .asking import Said, Unanswered
from .gateway import Gateway
from .gateway_states import ON_ITS_WAY, Known
from .gateway_words import Served

__all__ = ["question", "rouse"]

WITHIN = 330.0
"""Seconds for an answer: the gateway itself gives up after 300."""
GIVES_UP = 1800.0
"""Seconds after which nobody waits any more for a model of which the gateway shows no job."""


def question(served: Served) -> tuple[str, dict[str, Any]]:
    """Return the route and the body of the cheapest request that a model can answer."""
    if "chat" in served.abilities:
        said = [{"role": "user", "content": "Hi"}]
        return "chat/completions", {"model": served.name, "messages": said, "max_tokens": 1}
    if "completions" in served.abilities:
        return "completions", {"model": served.name, "prompt": "Hi", "max_tokens": 1}
    return "embeddings", {"model": served.name, "input": "Hi"}


async def rouse(
    gateway: Gateway, cluster: str, served: Served, known: Callable[[], Known], tell: Callable[[Known], None]
) -> None:
    """Ask until the model answers, or will not.

    Parameters
    ----------
    gateway, cluster
        Whom to ask.
    served
        For which model.
    known, tell
        Return what is known of it, and take what is known now.
    """
    route, body = question(served)
    path = f"/{cluster}/{served.framework}/v1/{route}"
    began = time.time()
    while True:
        asked = time.time()
        try:
            news = _outcome(await gateway.ask(path, body, within=WITHIN), cluster)
        except Unanswered as fault:
            news = {"said": fault.reason} if fault.passing else {"why": fault.reason}
        now, at = time.time(), known()
        on_its_way = at.job is not None and at.job.status in ON_ITS_WAY
        if "said" in news and now - began > GIVES_UP and not on_its_way:
            news = {
                "why": f"it did not answer within {GIVES_UP / 60:.0f} min; the last word was: {news['said']}"
            }
        if "said" not in news:
            ended = {"failed": now, "why": news["why"]} if "why" in news else {"proven": now}
            tell(replace(at, asked=None, said="", **ended))
            return
        tell(replace(at, said=news["said"]))
        await asyncio.sleep(max(0.0, asked + first_gateway.AGAIN_IN - now))


def _outcome(said: Said, cluster: str) -> Mapping[str, str]:
    """Return ``why`` the model will not answer, what was ``said`` where it may soon, nothing where it did."""
    if said.status == 200:
        return {}
    no = first_gateway.no(said.status, said.body, cluster)
    if no.then is Then.WAIT:
        return {"said": no.place}
    if no.then is Then.TELL or said.status == 429:
        return {}  # who finds fault with the request, or counts its tokens, is awake
    return {"why": no.place or no.error.message.rstrip(".")}
