"""Where Globus sends the browser back to after a login; on Jupyter's own port alone."""

from __future__ import annotations

from html import escape
from http import HTTPStatus
from typing import Any

from first_jupyter_server.auth.handler import FirstHandler, guarded
from first_jupyter_server.errors import ApiError

__all__ = ["CallbackHandler"]

PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title></head>
<body><main><h1>{title}</h1><p>{sentence}</p></main></body></html>
"""


class CallbackHandler(FirstHandler):
    """Takes the code of the login that was begun here, from a browser that Jupyter knows."""

    _track_activity = False

    @guarded
    async def get(self) -> None:
        """Finish the login."""
        login = self.first.login.login
        state = self.get_query_argument("state", "")
        if not self.first.login.needed:
            raise ApiError(
                404, "No cluster of this federation needs a login with Globus.", code="login_unneeded"
            )
        if self.get_query_argument("error", ""):
            await login.refused(state)
            message = "Globus did not grant the login, or you declined it. Nothing was changed; begin anew."
            raise ApiError(403, message, kind="permission_error", code="login_declined")
        done = await login.finish(self.get_query_argument("code", ""), state)
        self._show("You are logged in", f"{done.sentence} You can close this tab.")

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Answer with a page for a person."""
        cause = (kwargs.get("exc_info") or (None, None, None))[1]
        sentence = cause.message if isinstance(cause, ApiError) else HTTPStatus(status_code).phrase
        status = cause.status if isinstance(cause, ApiError) else status_code
        if status == HTTPStatus.UNAUTHORIZED:
            sentence = (
                f"This browser is not logged in to Jupyter at {self.request.host}. Open Jupyter under that "
                "name in this browser and begin anew, or log in by pasting the code (%first login paste)."
            )
        self.set_status(status)
        self._show("Not logged in", sentence)

    def _show(self, title: str, sentence: str) -> None:
        self.set_header("Cache-Control", "no-store")
        self.set_header("Referrer-Policy", "no-referrer")
        self.finish(
            PAGE.format(title=escape(title), sentence=escape(sentence)),
            set_content_type="text/html; charset=utf-8",
        )
