"""What kernels find at the data plane's port: the OpenAI surface, and the way to the control API."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

import orjson

from first_jupyter_server.auth import key as keys
from first_jupyter_server.errors import ApiError
from first_jupyter_server.federation.catalog import ORDER

from . import headers as forwarded
from .events import EventStream
from .exchange import Exchange
from .passing import Passing

if TYPE_CHECKING:
    from .downstream import Connection
    from .plane import DataPlane
    from .request import Request, Taker

__all__ = ["ROUTES", "Surface"]

ROUTES = ("chat/completions", "completions", "embeddings", "responses")
_OF_PATHS = {f"/first/v1/{route}": route for route in ROUTES}
BATCH_ROUTES = ("files", "batches")
_JSON = {"content-type": "application/json"}


class Surface:
    """Answers requests, or has them answered.

    Parameters
    ----------
    plane
        What they share.
    """

    def __init__(self, plane: DataPlane) -> None:
        self._plane = plane

    def admit(self, request: Request) -> None:
        """Refuse who does not hold the key.

        Raises
        ------
        ApiError
            401.
        """
        if not keys.matches(_token(request), self._plane.key):
            message = (
                "The API key is missing or wrong. Kernels find the right one in FIRST_API_KEY; it changes "
                "when the Jupyter "
                "server restarts, so a kernel that is older than the server has to be restarted too."
            )
            raise ApiError(401, message, kind="authentication_error", code="invalid_api_key")

    def taker(self, request: Request, connection: Connection) -> Taker | None:
        """Return who takes a file as it comes; all other bodies are collected first."""
        if (
            request.method != "POST"
            or request.path in _OF_PATHS
            or _split(request.path).path != "/first/v1/files"
        ):
            return None
        return self._pass_on(request, connection)

    def dispatch(self, request: Request, connection: Connection) -> None:
        """Answer a request, at once or later."""
        try:
            self._answer(request, connection)
        except ApiError as error:
            headers = {**_JSON, "x-request-id": forwarded.request_id(request), **error.headers()}
            connection.respond(error.status, headers, error.body())

    def _answer(self, request: Request, connection: Connection) -> None:
        if (route := _OF_PATHS.get(request.path)) is not None:
            self._ask(route, request, connection)
            return
        url = _split(request.path)
        path = unquote(url.path)
        if path.startswith("/first/api/"):
            self._control(request, path.removeprefix("/first/api/"), url.query, connection)
            return
        route = path.removeprefix("/first/v1/")
        if route in ROUTES and path != route:
            self._ask(route, request, connection)
        elif route == "models" or route.startswith("models/"):
            _only("GET", request)
            self._models(route.removeprefix("models").lstrip("/"), connection)
        elif route.split("/")[0] in BATCH_ROUTES and path != route:
            passing = self._pass_on(request, connection)
            passing.take(request.body)
            passing.end()
        else:
            known = ", ".join(("models", *ROUTES, *BATCH_ROUTES))
            raise ApiError(
                404, f"There is nothing at {path}. Below /first/v1 there are: {known}.", code="not_found"
            )

    def _ask(self, route: str, request: Request, connection: Connection) -> None:
        """Have a model asked."""
        _only("POST", request)
        batch = forwarded.batch_of(request, self._plane.batch_key)
        label = request.made.get("label")
        if label is None:
            label = request.made["label"] = keys.label(_token(request))
        Exchange(self._plane, request, connection, route, label=label, batch=batch).start()

    def _pass_on(self, request: Request, connection: Connection) -> Passing:
        """Have a request answered by the process of batches, which is told where its sender's may go."""
        wishes = forwarded.wishes_of(request, self._plane.clusters)
        rules = self._plane.traffic.rules.get(keys.label(_token(request)))
        wishes = wishes if rules is None else wishes.within(rules)
        return Passing(self._plane.batches, request, forwarded.of_wishes(wishes), connection)

    def _models(self, name: str, connection: Connection) -> None:
        entries = [_openai_model(model) for model in self._plane.public()["models"]]
        answer: dict[str, Any] = {"object": "list", "data": entries}
        if name:
            wanted, _ = self._plane.catalog.resolve(name)
            answer = next(entry for entry in entries if entry["id"] == wanted.id)
        connection.respond(200, _JSON, orjson.dumps(answer))

    def _control(self, request: Request, path: str, query: str, connection: Connection) -> None:
        """Answer what only the data plane knows; all else is the extension's."""
        if path == "events" and request.method == "GET":
            listeners = self._plane.listeners
            listeners.add(EventStream(connection, self._plane.public(), listeners.discard))
        elif path == "why":
            _only("GET", request)
            asked = parse_qs(query).get("request")
            told = self._plane.decisions.tell(asked[0] if asked else None, keys.label(_token(request)))
            connection.respond(200, _JSON, orjson.dumps(told))
        else:
            self._plane.relay(request, f"{path}?{query}" if query else path, connection)


def _split(target: str) -> SplitResult:
    try:
        return urlsplit(target)
    except ValueError as error:
        raise ApiError(400, f"{target} is no address: {error}.", code="bad_request") from None


def _token(request: Request) -> bytes:
    return keys.bearer(request.headers.get(b"authorization"))


def _only(method: str, request: Request) -> None:
    if request.method != method:
        raise ApiError(
            405, f"{request.path} takes {method}, not {request.method}.", code="method_not_allowed"
        )


def _openai_model(model: dict[str, Any]) -> dict[str, Any]:
    """Return a model in the shape of OpenAI's ``GET /v1/models``, with our fields added."""
    best = min(model["clusters"], key=lambda place: ORDER.index(place["state"]), default=None)
    return {
        "id": model["id"],
        "object": "model",
        "created": 0,
        "owned_by": "first",
        "max_model_len": model["context"],
        "x_first": {**model, "state": best["state"] if best else "offline"},
    }
