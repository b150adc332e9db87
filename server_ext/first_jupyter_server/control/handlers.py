"""The control API on Jupyter's own port."""

from __future__ import annotations

from typing import Any

from first_jupyter_server.auth.handler import FirstHandler, guarded

from .callback import CallbackHandler

__all__ = ["default_handlers"]


class ControlHandler(FirstHandler):
    """Hands each request to the control API.

    Nothing here counts as activity: a status bar must not keep a Hub's server from being culled.
    """

    _track_activity = False

    async def _answer(self, path: str) -> None:
        asked = f"{path}?{self.request.query}" if self.request.query else path
        status, body = await self.first.control.handle(self.request.method or "", asked, self.request.body)
        self.set_status(status)
        self.finish(body)

    @guarded
    async def get(self, path: str) -> None:
        """Read."""
        await self._answer(path)

    @guarded
    async def post(self, path: str) -> None:
        """Act."""
        await self._answer(path)

    @guarded
    async def put(self, path: str) -> None:
        """Choose."""
        await self._answer(path)

    @guarded
    async def delete(self, path: str) -> None:
        """Give up."""
        await self._answer(path)


class ConnectionHandler(FirstHandler):
    """Tells who may use Jupyter how a client in the same place reaches the kernels' path."""

    @guarded
    async def get(self) -> None:
        """Return the address and the key."""
        self.set_header("Cache-Control", "no-store")
        self.finish({"base_url": self.first.dataplane.base_url, "api_key": self.first.key})


default_handlers: list[tuple[str, type[Any]]] = [
    (r"/first/api/connection", ConnectionHandler),
    (r"/first/api/oauth/callback", CallbackHandler),
    (r"/first/api/(?!(?:events|why)$)(.+)", ControlHandler),
]
