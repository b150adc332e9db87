"""The data plane: what every request shares, and what is said to the extension and heard from it."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from first_jupyter_server.dialects.no import Then
from first_jupyter_server.federation import tuning
from first_jupyter_server.federation.catalog import Catalog, Replica
from first_jupyter_server.federation.decision import Route
from first_jupyter_server.federation.fair import FairLine
from first_jupyter_server.federation.wishes import Wishes
from first_jupyter_server.paths import relay_socket
from first_jupyter_server.paths.rendezvous import Rendezvous
from first_jupyter_server.paths.tunnels import Tunnels

from . import load
from .attempt import Attempt
from .crowd import Crowd
from .decisions import Decisions
from .downstream import Connection
from .events import EventStream
from .liveness import Liveness
from .pool import Pool, Way
from .relayed import Relayed
from .request import Request
from .surface import Surface
from .traffic import Traffic
from .turned_away import PASSING, TurnedAway

if TYPE_CHECKING:
    from .exchange import Exchange

__all__ = ["DataPlane"]

ROWS_LOOKED_AT = 4
"""Rows in line that may find no room before the others are taken to find none either."""

BUSY = frozenset((429, 503))
"""Statuses of a server that has too much to do."""

REPORT_EVERY = 0.25
"""Seconds between two reports of who runs, who waits and what has ended."""


class DataPlane:
    """Serves the OpenAI surface and relays the control API.

    Parameters
    ----------
    send
        Takes messages for the extension: plain JSON values with a ``type``.

    Notes
    -----
    It does nothing until it has been given a ``config`` message; see ``docs/architecture.md``, "The data
    plane".
    """

    def __init__(self, send: Callable[[dict[str, Any]], None]) -> None:
        self._send = send
        self.key = ""
        self._max_body = 0
        self._relay = ""
        self.batches = ""
        self.batch_key = ""
        self.configured = asyncio.Event()
        self.catalog = Catalog()
        self.clusters: frozenset[str] = frozenset()
        self.traffic = Traffic()
        self.crowd = Crowd()
        self.decisions = Decisions()
        self.tunnels = Tunnels(partial(self._tunnel_changed, "tunnel"))
        self.rendezvous = Rendezvous(partial(self._tunnel_changed, "rendezvous"), self._troubled)
        self.listeners: set[EventStream] = set()
        self._surface = Surface(self)
        self._liveness = Liveness(self.pool, Attempt.stopped)
        self._pools: dict[Replica, Pool] = {}
        self._held: dict[Exchange, tuple[str, str]] = {}
        self._relayed: dict[int, Relayed] = {}
        self._outcomes: list[dict[str, Any]] = []
        self._report: asyncio.TimerHandle | None = None
        self._reported: dict[tuple[str, str], tuple[int, int]] = {}

    def connection(self) -> Connection:
        """Make the protocol of a new connection."""
        surface = self._surface
        return Connection(surface.dispatch, surface.admit, surface.taker, self._max_body, self.crowd)

    # from the extension

    def receive(self, message: dict[str, Any]) -> None:
        """Take a message from the extension."""
        match message["type"]:
            case "config":
                self.key = message["key"]
                self.crowd.heads.clear()
                self._max_body = message["max_body"]
                self._relay = message.get("relay", "")
                self.batches = message.get("batches", "")
                self.batch_key = message.get("batch_key", "")
                self.configured.set()
            case "catalog":
                self._take_catalog(Catalog.from_json(message["catalog"]))
            case "rules":
                self.traffic.rules = {
                    label: Wishes.from_json(wishes) for label, wishes in message["rules"].items()
                }
            case "shut":
                self.tunnels.end(message["replica"])
                self.rendezvous.shut(message["replica"])
            case "rendezvous":
                self.rendezvous.open(message)
            case "ping":
                self._send({"type": "pong"})
            case "reply":
                relayed = self._relayed.pop(message["id"], None)
                if relayed is not None:
                    relayed.reply(message["status"], message["body"])

    def _take_catalog(self, catalog: Catalog) -> None:
        self.catalog = catalog
        self.crowd.heads.clear()
        places = [place for model in catalog.models for place in model.places]
        self.clusters = frozenset(place.cluster for place in places)
        live = {replica for place in places for replica in place.replicas}
        self.traffic.forget({replica.id for replica in live})
        for replica in [replica for replica in self._pools if replica not in live]:
            self._pools.pop(replica).close()
        for model in self.traffic.models():
            for exchange in self.traffic.line(model):
                exchange.start()
            self._serve_rows(model)
        self._tell_listeners()

    # for a request

    def pool(self, replica: Replica) -> Pool:
        """Return the connections to a replica."""
        pool = self._pools.get(replica)
        if pool is None:
            way = self._way(replica)
            pool = self._pools[replica] = Pool(replica.host, replica.port, tls=replica.tls, way=way)
        return pool

    def _way(self, replica: Replica) -> Way | None:
        """Return what makes connections to a replica, where that is not its address."""
        match replica.path:
            case "tunnel":
                return partial(self.tunnels.dial, replica.id)
            case "rendezvous":
                return partial(self.rendezvous.dial, replica.id)
            case "relay":
                return partial(relay_socket.dial, self._relay, replica.id)
        return None

    def attempt(self, model: str, route: Route, *, row: bool) -> Attempt:
        """Count a request in at a replica."""
        self._report_soon()
        attempt = Attempt(self.traffic, model, route, row=row)
        self._liveness.begin(attempt)
        return attempt

    def failed(self, attempt: Attempt, reason: str) -> None:
        """Tell everyone that a replica did not take a request."""
        attempt.failed(reason)
        self.unreachable(attempt.route.replica, reason)

    def turned_away(self, attempt: Attempt, said: TurnedAway) -> None:
        """Take note of what a replica said that did not serve a request."""
        if said.status in BUSY:
            attempt.refused()
        if said.status in PASSING and said.then is not Then.WAIT:
            self.failed(attempt, said.reason)
            return
        if said.status >= 500 and said.then is not Then.WAIT:
            attempt.failed(said.reason)
        else:
            attempt.answered()
        if said.no is not None and said.no.place:
            self.unreachable(attempt.route.replica, said.no.place)

    def unreachable(self, replica: Replica, reason: str) -> None:
        """Tell the extension that a replica did not take a request."""
        self._send({"type": "unreachable", "replica": replica.id, "reason": reason})

    def _tunnel_changed(self, path: str, replica: str, is_open: bool) -> None:
        self._send({"type": "tunnel", "path": path, "replica": replica, "open": is_open})

    def _troubled(self, replica: str, why: str) -> None:
        self._send({"type": "rendezvous", "replica": replica, "trouble": why})

    def left(self, attempt: Attempt) -> None:
        """Count a request out, and let another one have its slot."""
        attempt.leave()
        self._liveness.end(attempt)
        self._report_soon()
        if self.traffic.line(attempt.model) or self.traffic.rows(attempt.model):
            # Not at once: who leaves may still be about to say why.
            asyncio.get_running_loop().call_soon(self._serve_line, attempt.model)

    def _serve_line(self, model: str) -> None:
        for exchange in itertools.islice(self.traffic.line(model), tuning.LOOKED_AT):
            if exchange.start():
                return
        self._serve_rows(model)

    def _serve_rows(self, model: str) -> None:
        """Have rows go on for which there is room, once nobody else can use it."""
        in_vain = 0
        for exchange in self.traffic.rows(model):
            in_vain += not exchange.start()
            if in_vain == ROWS_LOOKED_AT:
                return

    def rows_waiting(self, model: str) -> int:
        """Return how many rows of batches wait for a model."""
        return len(self.traffic.rows(model))

    def _line(self, exchange: Exchange, model: str) -> FairLine[Exchange]:
        return self.traffic.rows(model) if exchange.choosing.batch else self.traffic.line(model)

    def holds(self, exchange: Exchange) -> bool:
        """Whether a request is in line."""
        return exchange in self._held

    def hold(self, exchange: Exchange) -> None:
        """Put a request in line until the catalog changes or a slot comes free."""
        choosing = exchange.choosing
        model, label = where = (choosing.model.id, choosing.batch or choosing.label)
        if self._held.get(exchange) != where:
            self.waits_no_more(exchange)
            self._held[exchange] = where
            self._line(exchange, model).add(label, exchange)
            self._report_soon()

    def waits_no_more(self, exchange: Exchange, *, served: bool = False) -> None:
        """Take a request out of the line."""
        if (where := self._held.pop(exchange, None)) is not None:
            model, label = where
            self._line(exchange, model).remove(label, exchange, served=served)
            self._report_soon()

    def start(self, model: str, cluster: str) -> None:
        """Have a model started, unless it is on its way."""
        self._send({"type": "start", "model": model, "cluster": cluster})

    def relay(self, request: Request, path: str, connection: Connection) -> None:
        """Have a control request answered by the extension."""
        relayed = Relayed(connection)
        self._relayed[relayed.id] = relayed
        body = request.body.decode("utf-8", "replace")
        self._send(
            {"type": "control", "id": relayed.id, "method": request.method, "path": path, "body": body}
        )

    def ended(self, outcome: dict[str, Any]) -> None:
        """Have the extension told, soon, how a request ended."""
        self._outcomes.append(outcome)
        self._report_soon()

    # what others see of the load

    def counts(self) -> dict[tuple[str, str], tuple[int, int]]:
        """Return how many requests run and wait, by model and cluster; rows of batches do not wait here."""
        return load.counts(self.catalog, self.traffic, self._held)

    def public(self) -> dict[str, Any]:
        """Return the catalog as the control API shows it."""
        return self.catalog.public(self.counts())

    def _report_soon(self) -> None:
        if self._report is None:
            self._report = asyncio.get_running_loop().call_later(REPORT_EVERY, self._tell_extension)

    def _tell_extension(self) -> None:
        self._report = None
        if self._outcomes:
            outcomes, self._outcomes = self._outcomes, []
            self._send({"type": "done", "outcomes": outcomes})
        counts = self.counts()
        if counts != self._reported:
            self._reported = counts
            rows = [[*key, *value] for key, value in counts.items()]
            in_batches = [[*key, number] for key, number in load.rows(self.catalog, self.traffic).items()]
            running = load.running(self.catalog, self.traffic)
            self._send({"type": "load", "counts": rows, "rows": in_batches, "running": running})
            self._tell_listeners()

    def _tell_listeners(self) -> None:
        if self.listeners:
            public = self.public()
            for listener in list(self.listeners):
                listener.tell(public)
