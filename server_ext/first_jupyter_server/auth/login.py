"""The state of a login as a person reads it: who, for what, until when, and what to do now."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Literal

from first_jupyter_server.errors import ApiError

from .demands import Demand
from .flow import Flow
from .scopes import AUTH, Service, Wanted
from .service_account import ServiceAccount
from .storage import Account

__all__ = ["Login", "LoginNeeded", "State", "describe"]

State = Literal["logged_out", "pending", "logged_in", "demand"]

_DAY = 86_400.0

UNUSED = 180 * _DAY
"""After how long without use Globus forgets a refresh token, a little rounded down (it says six months)."""

SOON = 3 * _DAY
"""How long before its end a person is told of it."""


class LoginNeeded(ApiError):  # noqa: N818  # it says what is needed
    """What was wanted needs a person at Globus first.

    Parameters
    ----------
    demand
        What that person has to do.
    """

    def __init__(self, demand: Demand) -> None:
        super().__init__(401, demand.sentence, kind="authentication_error", code="login_required")
        self.demand = demand


@dataclass(frozen=True)
class Login:
    """The state at one moment.

    Parameters
    ----------
    state
        In one word.
    sentence
        For a person: what is so, and what to do if anything is to be done.
    username
        Who is logged in.
    services
        What the login is good for.
    ends, ends_soon
        When it ends, in seconds since 1970, and whether that is near.
    service_account
        Whether no person is behind it.
    flow
        The login on its way.
    """

    state: State
    sentence: str
    username: str | None = None
    services: tuple[str, ...] = ()
    ends: float | None = None
    ends_soon: bool = False
    service_account: bool = False
    flow: Flow | None = None

    def public(self) -> dict[str, Any]:
        """Return what the control API shows."""
        flow = self.flow
        return {
            "state": self.state,
            "sentence": self.sentence,
            "username": self.username,
            "services": list(self.services),
            "ends": self.ends,
            "ends_soon": self.ends_soon,
            "service_account": self.service_account,
            "pending": {"url": flow.url, "way": flow.way, "until": flow.until} if flow else None,
        }

    def event(self) -> dict[str, Any]:
        """Return what Jupyter's event says."""
        shown = self.public()
        return {name: shown[name] for name in ("state", "username", "ends", "sentence")}


def describe(
    wanted: Wanted,
    accounts: Iterable[Account],
    *,
    now: float,
    lasts: float | None = None,
    flow: Flow | None = None,
    demand: Demand | None = None,
    service_account: ServiceAccount | None = None,
) -> Login:
    """Derive the state from what there is.

    Parameters
    ----------
    wanted
        What the login is for.
    accounts
        What the file of the login holds.
    now
        Seconds since 1970.
    lasts
        How long the site's rules let a login last, in seconds.
    flow, demand
        The login on its way; what Globus wants of the person.
    service_account
        The service account that makes a login of a person superfluous.
    """
    names = tuple(service.name for service in wanted.values() if service.server != AUTH)
    if service_account:
        sentence = (
            f"This server acts as the service account {service_account.username} "
            f"({service_account.named_by} is set); nobody needs to log in."
        )
        return Login(
            "logged_in", sentence, service_account.username, names or ("Globus Auth",), service_account=True
        )
    holding = [account for account in accounts if _covered(wanted, account)]
    username = next((account.username for account in holding if account.username), None)
    services = tuple(dict.fromkeys(name for account in holding for name in _covered(wanted, account)))
    ends = min((_end(account, lasts) for account in holding), default=None)
    known = Login("demand", "", username, services, ends)
    if flow is not None and flow.until > now:
        return replace(known, state="pending", sentence=_pending(flow, now), flow=flow)
    if demand is not None:
        return replace(known, sentence=demand.sentence)
    if ends is None:
        what = f" {_and(names)} need{'s' if len(names) == 1 else ''} it." if names else ""
        return Login("logged_out", f"Not logged in with Globus.{what}")
    if missing := [name for name in names if name not in services]:
        more = f"Logged in as {username}, but not for {_and(missing)}: log in again to add it."
        return replace(known, sentence=more)
    return _logged_in(known, ends - now, lasts)


def _logged_in(known: Login, left: float, lasts: float | None) -> Login:
    if left <= 0:
        old = f"The login as {known.username} is as old as this site lets one be: log in again."
        return replace(known, sentence=old)
    if left < min(SOON, (lasts or UNUSED) / 4):
        warning = f"Logged in as {known.username}; {_left(left)} left. Log in again before that."
        return replace(known, state="logged_in", sentence=warning, ends_soon=True)
    sentence = f"Logged in as {known.username} for {_and(known.services)}."
    return replace(known, state="logged_in", sentence=sentence)


def _covered(wanted: Wanted, account: Account) -> list[str]:
    """Return the names of the services that an account has all scopes for."""
    # Who it is counts for nothing, unless nothing else is wanted.
    services = [service for service in wanted.values() if service.server != AUTH or len(wanted) == 1]
    return [service.name for service in services if _has(account, service)]


def _has(account: Account, service: Service) -> bool:
    token = account.tokens.get(service.server)
    return token is not None and set(service.scopes) <= set(str(token["scope"]).split())


def _end(account: Account, lasts: float | None) -> float:
    unused = account.refreshed + UNUSED
    return min(unused, account.authenticated + lasts) if lasts else unused


def _pending(flow: Flow, now: float) -> str:
    minutes = max(1, round((flow.until - now) / 60))
    what = "paste the code that Globus shows" if flow.way == "paste" else "finish the login at Globus"
    return f"Waiting for a login: {what} within {minutes} min."


def _left(seconds: float) -> str:
    for unit, size in (("day", _DAY), ("hour", 3600.0), ("minute", 60.0)):
        if (count := round(seconds / size)) >= 1 and seconds >= size:
            return f"{count} {unit}{'s' if count > 1 else ''}"
    return "less than a minute"


def _and(names: Iterable[str]) -> str:
    return " and ".join(names)
