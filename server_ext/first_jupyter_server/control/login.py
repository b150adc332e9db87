"""The control API's part on the login: what it shows never holds a token."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import Any, cast

from first_jupyter_server.auth.flow import Way
from first_jupyter_server.auth.globus import GlobusLogin
from first_jupyter_server.auth.on_demand import LoginOnDemand
from first_jupyter_server.errors import ApiError

__all__ = ["LoginRoutes"]

Answer = tuple[int, dict[str, Any]]

UNNEEDED: dict[str, Any] = {
    "state": "unneeded",
    "sentence": "No cluster of this federation needs a login with Globus.",
    "username": None,
    "services": [],
    "ends": None,
    "ends_soon": False,
    "service_account": False,
    "pending": None,
    "ways": [],
    "asks": [],
    "offers": [],
}


class LoginRoutes:
    """The routes.

    Parameters
    ----------
    login
        The login.
    """

    def __init__(self, login: LoginOnDemand) -> None:
        self._login = login

    def routes(self) -> dict[tuple[str, str], Callable[[dict[str, Any]], Awaitable[Answer]]]:
        """Return the table."""
        return {
            ("GET", "login"): self._look,
            ("POST", "login"): self._begin,
            ("POST", "login/code"): self._finish,
            ("DELETE", "login"): self._cancel,
            ("POST", "logout"): self._logout,
        }

    async def _look(self, _: dict[str, Any]) -> Answer:
        if not self._login.needed:
            return 200, UNNEEDED
        await self._login.login.look()
        return 200, self._public()

    async def _begin(self, body: dict[str, Any]) -> Answer:
        login, way = await self._login.ask(), body.get("way")
        if tool := _text(body, "tool"):
            await login.adopt(tool)
            return 200, self._public()
        if way not in (None, "paste", "redirect"):
            raise ApiError(400, "'way' must be 'paste' or 'redirect'.", code="invalid_value", param="way")
        begun = await login.begin(cast("Way | None", way), force=body.get("force") is True)
        return 200, {"url": begun.url, "way": begun.way, "until": begun.until}

    async def _finish(self, body: dict[str, Any]) -> Answer:
        code = pasted(_text(body, "code"))
        if not code:
            message = "'code' must be the code that Globus shows at the end of the login."
            raise ApiError(400, message, code="invalid_value", param="code")
        await self._needed().finish(code)
        return 200, self._public()

    async def _cancel(self, _: dict[str, Any]) -> Answer:
        await self._needed().cancel()
        return 200, self._public()

    async def _logout(self, _: dict[str, Any]) -> Answer:
        revoked = (await self._needed().logout())[1]
        public = self._public()
        if not revoked:
            public["sentence"] = (
                "Logged out here, but Globus could not be told: revoke the consent of first-jupyter at "
                "https://app.globus.org/settings/consents."
            )
        return 200, {**public, "revoked": revoked}

    def _public(self) -> dict[str, Any]:
        login = self._login.login
        return {**login.state.public(), "ways": list(login.ways), "asks": login.asks, "offers": login.offers}

    def _needed(self) -> GlobusLogin:
        if not self._login.needed:
            message = f"{UNNEEDED['sentence']} `%first login` logs in all the same, to find some."
            raise ApiError(409, message, code="login_unneeded")
        return self._login.login


def pasted(text: str) -> str:
    """Take the code out of what was pasted: the code, perhaps with blanks, or the address of Globus' page."""
    match = re.search(r"[?&]code=([^&\s]+)", text)
    return match[1] if match else text.strip().strip("\"'`")


def _text(body: dict[str, Any], name: str) -> str:
    value = body.get(name, "")
    if not isinstance(value, str):
        raise ApiError(400, f"'{name}' must be a string.", code="invalid_type", param=name)
    return value
