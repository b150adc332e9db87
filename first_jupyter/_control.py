"""The control API: what there is, in which state, and which model is the current choice."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from first_jupyter._connection import connection
from first_jupyter._http import Exchange

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = [
    "CatalogStream",
    "add_cluster",
    "begin_login",
    "cancel_login",
    "clusters",
    "current",
    "events",
    "finish_login",
    "log",
    "login",
    "logout",
    "models",
    "offers",
    "rules",
    "set_rules",
    "start",
    "status",
    "stop",
    "usage",
    "use",
    "why",
]

Json = dict[str, Any]

SEARCH = 180.0
"""Seconds for the server to ask Globus and an endpoint, whose first task may have to start a process."""


def models() -> Json:
    """Read the catalog: all models, the clusters that serve them, and their states."""
    return _call("GET", "models")


def status() -> Json:
    """Read the server's version, federation file and data plane."""
    return _call("GET", "status")


def usage() -> Json:
    """Read what was asked today and in the last 30 days."""
    return _call("GET", "usage")


def current() -> str:
    """Read the current choice, which browser, widgets and magics share."""
    return str(_call("GET", "current")["model"])


def use(model: str) -> str:
    """Make `model` the current choice.

    Parameters
    ----------
    model
        An id or alias; ``model@cluster`` pins a cluster.

    Returns
    -------
    str
        The choice as the server knows it.
    """
    answer = _call("PUT", "current", {"model": model})
    return str((answer or {}).get("model", model))


def start(model: str, *, cluster: str = "", hold: float | None = None) -> Json:
    """Start a replica of `model`, or take the one that is there; returns the model's entry in the catalog.

    Parameters
    ----------
    model
        An id or alias; ``model@cluster`` pins a cluster.
    cluster
        The same pin.
    hold
        Seconds for which it is kept warm, used or not, from when it is ready; also the one that is there.
    """
    held = {} if hold is None else {"hold": hold}
    return _call("POST", "models/start", _named(model, cluster) | held)


def stop(model: str, *, cluster: str = "", replica: str = "") -> Json:
    """Drain and end the replicas of `model`, or one of them; returns the model's entry in the catalog."""
    return _call("POST", "models/stop", _named(model, cluster, replica))


def log(model: str, *, cluster: str = "", replica: str = "") -> Json:
    """Read the last lines of a replica's log, of one that runs or of the last one that failed.

    Parameters
    ----------
    model, cluster
        As for `start`.
    replica
        Which one, where it runs.
    """
    return _call("GET", f"models/log?{urlencode(_named(model, cluster, replica))}", patience=SEARCH)


def why(request: str = "") -> Json:
    """Read why a request went where it went: the last one of this notebook, or the one with this id."""
    return _call("GET", f"why?{urlencode({'request': request})}" if request else "why")


def rules() -> Json:
    """Read where this notebook's requests may go."""
    label = connection().label
    known: list[Json] = _call("GET", "rules")["rules"]
    return next((rule for rule in known if (rule["notebook"] or "") == label), {"notebook": label or None})


def set_rules(rules: dict[str, list[str]]) -> Json:
    """Say where this notebook's requests may go.

    Parameters
    ----------
    rules
        Clusters to ``avoid``, to ``prefer``, and to ``stay`` at; they take the place of earlier rules.
    """
    return _call("PUT", "rules", {"notebook": connection().label or None} | rules)


def clusters() -> Json:
    """Read the federation's clusters, as they are known at once."""
    return _call("GET", "clusters")


def offers() -> Json:
    """Read the endpoints that could be added to the federation; asks Globus, which takes its time."""
    return _call("GET", "clusters/offers", patience=SEARCH)


def add_cluster(endpoint: str, name: str = "") -> Json:
    """Add an endpoint to the federation; returns its entry.

    Parameters
    ----------
    endpoint
        Its id, or the name of one that could be added.
    name
        What it shall be called; by default after the endpoint.
    """
    named = {"name": name} if name else {}
    return _call("POST", "clusters", {"endpoint": endpoint} | named, patience=SEARCH)


def login() -> Json:
    """Read who is logged in with Globus, what a login asks for, and which way it can go."""
    return _call("GET", "login")


def begin_login(*, way: str | None = None, tool: str | None = None, force: bool = False) -> Json:
    """Begin a login: returns the page to visit. With `tool`, take over the login of another tool."""
    asked = {"way": way, "tool": tool, "force": force or None}
    return _call("POST", "login", {name: value for name, value in asked.items() if value is not None})


def finish_login(code: str) -> Json:
    """Finish a login with the code that Globus showed."""
    return _call("POST", "login/code", {"code": code})


def cancel_login() -> Json:
    """Give up a login that was begun."""
    return _call("DELETE", "login")


def logout() -> Json:
    """Log out; Globus forgets the tokens."""
    return _call("POST", "logout", {})


def events() -> CatalogStream:
    """Follow the catalog: now, and at each change."""
    return CatalogStream()


class CatalogStream:
    """Catalogs as they change; `close` ends the iteration from any thread."""

    def __init__(self) -> None:
        found = connection()
        self._exchange = Exchange(found, "GET", f"{found.control_url}/events")

    def __iter__(self) -> Iterator[Json]:
        with self._exchange as exchange:
            for name, data in exchange.events():
                if name == "models":
                    yield json.loads(data)

    def close(self) -> None:
        """End the iteration."""
        self._exchange.close()


def _named(model: str, cluster: str, replica: str = "") -> Json:
    name, _, pinned = model.partition("@")
    named = {"model": name, "cluster": cluster or pinned, "replica": replica}
    return {key: value for key, value in named.items() if value}


def _call(method: str, route: str, body: Json | None = None, *, patience: float = 30) -> Json:
    found = connection()
    with Exchange(found, method, f"{found.control_url}/{route}", body, timeout=patience) as exchange:
        answer: Json = exchange.json()
        return answer
