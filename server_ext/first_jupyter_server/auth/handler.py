"""The base of our handlers on Jupyter's port: its authentication or the key, errors in OpenAI's shape."""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, TypeVar

from jupyter_server.auth.decorator import allow_unauthenticated
from jupyter_server.base.handlers import APIHandler
from jupyter_server.utils import ensure_async
from tornado.web import HTTPError

from first_jupyter_server.errors import ApiError

from . import key as keys

if TYPE_CHECKING:
    from first_jupyter_server.extension import FirstApp

__all__ = ["FirstHandler", "guarded"]

Verb = TypeVar("Verb", bound=Callable[..., Awaitable[None]])

_ACTIONS = {"GET": "read", "HEAD": "read"}


def guarded(verb: Verb) -> Verb:
    """Let a handler's verb run for holders of the scoped key and for users whom Jupyter knows and allows.

    Jupyter's own decorators would send a stranger to a login page or complain of a missing XSRF cookie;
    an OpenAI client gets a 401 that it
    understands instead.
    """

    @allow_unauthenticated
    @functools.wraps(verb)
    async def wrapper(self: FirstHandler, *args: Any, **kwargs: Any) -> None:
        await self.admit()
        await verb(self, *args, **kwargs)

    return wrapper  # type: ignore[return-value]


class FirstHandler(APIHandler):
    """A handler under ``/first``.

    Notes
    -----
    The XSRF check stays for users who are known by a cookie. It is left out where nobody is known, since
    ``guarded`` turns them away, and for
    holders of the key, which no foreign page can make a browser send.
    """

    auth_resource = "first"

    def initialize(self, first: FirstApp) -> None:
        """Keep the extension."""
        self.first = first

    @property
    def holds_key(self) -> bool:
        """Whether the request carries the scoped key."""
        return keys.matches(keys.bearer(self.request.headers.get("Authorization")), self.first.key)

    async def admit(self) -> None:
        """Turn away who may not do this.

        Raises
        ------
        ApiError
            401 where nobody knows who asks, 403 where they may not.
        """
        if self.holds_key:
            return
        user = self.current_user
        if user is None:
            message = (
                "Not authenticated. Send FIRST_API_KEY or Jupyter's token as 'Authorization: Bearer KEY'."
            )
            raise ApiError(401, message, kind="authentication_error", code="invalid_api_key")
        action = _ACTIONS.get(self.request.method or "", "write")
        if not await ensure_async(self.authorizer.is_authorized(self, user, action, self.auth_resource)):
            message = (
                f"{user.username} may not {action} {self.auth_resource}; the administrator decides that."
            )
            raise ApiError(403, message, kind="permission_error", code="not_authorized")

    def check_xsrf_cookie(self) -> None:
        """Check only where a cookie says who asks."""
        if self.holds_key or getattr(self, "_jupyter_current_user", None) is None:
            return
        super().check_xsrf_cookie()

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Answer in OpenAI's shape."""
        cause = (kwargs.get("exc_info") or (None, None, None))[1]
        if isinstance(cause, ApiError):
            error = cause
        else:
            said = cause.log_message if isinstance(cause, HTTPError) else None
            error = ApiError(status_code, said or HTTPStatus(status_code).phrase, kind="server_error")
        self.set_status(error.status)
        for name, value in error.headers().items():
            self.set_header(name, value)
        self.finish(error.body())

    def log_exception(self, typ: Any, value: Any, tb: Any) -> None:
        """Log an error of ours as one line: it is an answer, not an accident."""
        if isinstance(value, ApiError):
            self.log.debug("%s %s: %s", self.request.method, self.request.path, value.message)
        else:
            super().log_exception(typ, value, tb)
