"""The control API as functions of plain values; by which port a request came is not its business."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any
from urllib.parse import parse_qsl

import orjson

from first_jupyter_server.auth.on_demand import LoginOnDemand
from first_jupyter_server.clusters.discovery import Discovery
from first_jupyter_server.dataplane.supervisor import Supervisor
from first_jupyter_server.errors import ApiError
from first_jupyter_server.federation.catalog import Counts
from first_jupyter_server.federation.federation import Federation
from first_jupyter_server.federation.logs import Logs
from first_jupyter_server.notebooks import Notebooks
from first_jupyter_server.usage.ledger import Ledger

from .clusters import ClusterRoutes
from .login import LoginRoutes
from .rules import RuleRoutes

__all__ = ["ControlApi"]

Answer = tuple[int, dict[str, Any]]
YEAR = 366 * 86_400


@dataclass
class ControlApi:
    """Answers control requests.

    Parameters
    ----------
    federation
        What is controlled.
    dataplane
        Its process, for the status.
    ledger
        What was used.
    discovery
        Which clusters there are and could be, and the federation file in use, if there is one.
    problems
        What is wrong with that file.
    counts
        Requests running and waiting, as the data plane reported them last.
    login
        The login with Globus.
    notebooks
        Where each one's requests may go.
    """

    federation: Federation
    dataplane: Supervisor
    ledger: Ledger
    discovery: Discovery
    problems: tuple[str, ...]
    counts: Counts
    login: LoginOnDemand
    notebooks: Notebooks

    def __post_init__(self) -> None:
        """Have the logs at hand."""
        self.logs = Logs(self.federation)

    @property
    def version(self) -> str:
        """The release of first-jupyter."""
        return version("first-jupyter")

    async def handle(self, method: str, path: str, body: bytes) -> Answer:
        """Answer a request.

        Parameters
        ----------
        method
            The HTTP method.
        path
            What stands behind ``/first/api/``, with the query.
        body
            A JSON object, or nothing; the query takes its place in a GET.

        Returns
        -------
        tuple
            The status and the body.
        """
        path, _, query = path.partition("?")
        try:
            handlers = {key: handler for key, handler in self._routes().items() if key[1] == path}
            if not handlers:
                known = ", ".join(sorted({route for _, route in self._routes()}))
                raise ApiError(
                    404, f"There is nothing at {path}. Below /first/api there are: {known}.", code="not_found"
                )
            handler = handlers.get((method, path))
            if handler is None:
                takes = " or ".join(sorted(key[0] for key in handlers))
                raise ApiError(405, f"{path} takes {takes}, not {method}.", code="method_not_allowed")
            return await handler(dict(parse_qsl(query)) if method == "GET" else _object(body))
        except ApiError as error:
            return error.status, error.to_json()

    def _routes(self) -> dict[tuple[str, str], Callable[[dict[str, Any]], Awaitable[Answer]]]:
        return {
            ("GET", "status"): self._status,
            ("GET", "models"): self._models,
            ("GET", "models/log"): self._log,
            ("POST", "models/start"): self._start,
            ("POST", "models/stop"): self._stop,
            ("GET", "current"): self._current,
            ("PUT", "current"): self._use,
            ("GET", "usage"): self._usage,
            **ClusterRoutes(self.discovery).routes(),
            **LoginRoutes(self.login).routes(),
            **RuleRoutes(self.notebooks).routes(),
        }

    async def _status(self, _: dict[str, Any]) -> Answer:
        file = str(self.discovery.file) if self.discovery.file is not None else None
        return 200, {
            "version": self.version,
            "base_url": self.dataplane.base_url,
            "current": self.federation.catalog().current,
            "federation": {"file": file, "problems": list(self.problems)},
            "dataplane": {
                "pid": self.dataplane.pid,
                "restarts": self.dataplane.restarts,
                "inflight": sum(running + waiting for running, waiting in self.counts.values()),
            },
        }

    async def _models(self, _: dict[str, Any]) -> Answer:
        return 200, self.federation.catalog().public(self.counts)

    async def _log(self, asked: dict[str, Any]) -> Answer:
        model, log = await self.logs.log(_name(asked), _text(asked, "cluster"), _text(asked, "replica"))
        return 200, {"model": model.id, **log.public()}

    async def _start(self, body: dict[str, Any]) -> Answer:
        model = self.federation.start(_name(body), _text(body, "cluster"), _hold(body))
        await asyncio.sleep(0)
        return 202, self._entry(model.id)

    async def _stop(self, body: dict[str, Any]) -> Answer:
        model = self.federation.stop(_name(body), _text(body, "cluster"), _text(body, "replica"))
        await asyncio.sleep(0)
        return 202, self._entry(model.id)

    async def _current(self, _: dict[str, Any]) -> Answer:
        return 200, {"model": self.federation.catalog().current}

    async def _use(self, body: dict[str, Any]) -> Answer:
        return 200, {"model": self.federation.use(_name(body)).id}

    async def _usage(self, _: dict[str, Any]) -> Answer:
        try:
            return 200, await asyncio.to_thread(self.ledger.usage)
        except OSError as error:
            message = f"The record of usage cannot be read: {error}. Free some space, or move the file away."
            raise ApiError(500, message, kind="server_error", code="usage_unreadable") from None

    def _entry(self, model: str) -> dict[str, Any]:
        public = self.federation.catalog().public(self.counts)
        entry: dict[str, Any] = next(entry for entry in public["models"] if entry["id"] == model)
        return entry


def _object(body: bytes) -> dict[str, Any]:
    if not body.strip():
        return {}
    try:
        data = orjson.loads(body)  # it takes neither halves of characters nor what is nested without end
    except orjson.JSONDecodeError as error:
        raise ApiError(400, f"The body is not valid JSON: {error}.", code="invalid_json") from None
    if not isinstance(data, dict):
        raise ApiError(400, "The body must be a JSON object.", code="invalid_json")
    return data


def _name(body: dict[str, Any]) -> str:
    model = body.get("model", "")
    if not isinstance(model, str):
        raise ApiError(400, "'model' must be a string.", code="invalid_type", param="model")
    return model


def _text(body: dict[str, Any], key: str) -> str | None:
    text = body.get(key)
    if text is not None and not isinstance(text, str):
        raise ApiError(400, f"'{key}' must be a string.", code="invalid_type", param=key)
    return text or None


def _hold(body: dict[str, Any]) -> float | None:
    hold = body.get("hold")
    if hold is None:
        return None
    if isinstance(hold, bool) or not isinstance(hold, int | float):
        raise ApiError(400, "'hold' must be a number of seconds.", code="invalid_type", param="hold")
    if not 0 < hold <= YEAR:
        raise ApiError(
            400, "'hold' must be more than 0 seconds and at most a year.", code="invalid_value", param="hold"
        )
    return float(hold)
