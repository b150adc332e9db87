"""Refuses an upload once its body has come: a client that still sends sees no answer before that."""

from __future__ import annotations

import asyncio

from tornado.web import RequestHandler

from first_jupyter_server.errors import ApiError

__all__ = ["Refusing"]

LINGER = 5.0
"""Seconds after which it is refused all the same, whatever is still to come."""

ALL = 2**62
"""Bytes that may be dropped in that time."""


class Refusing(RequestHandler):
    """A handler that takes a body as it comes."""

    refusal: ApiError | None = None

    def refuse(self, error: ApiError) -> None:
        """Have the body dropped; whoever takes it raises the error at its end."""
        self.refusal = error
        self.request.connection.set_max_body_size(ALL)  # type: ignore[union-attr]
        asyncio.get_running_loop().call_later(LINGER, self._refuse_now)

    def _refuse_now(self) -> None:
        if not self._finished and self.refusal is not None:
            self.send_error(self.refusal.status, exc_info=(ApiError, self.refusal, None))
