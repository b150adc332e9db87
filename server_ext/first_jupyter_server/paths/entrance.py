"""Where node agents knock: checks the key of one replica, and hands the connection to the data plane."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

from first_jupyter_remote.protocol.connection import welcome
from jupyter_server.auth.decorator import allow_unauthenticated
from tornado.iostream import IOStream, SSLIOStream, StreamClosedError

from first_jupyter_server.auth import key as keys
from first_jupyter_server.auth.handler import FirstHandler
from first_jupyter_server.errors import ApiError

__all__ = ["default_handlers"]

PIECE = 65_536


class TunnelHandler(FirstHandler):
    """Opens a replica's door to its own node agent, and to nobody else.

    A tunnel is no activity of its user: it must not keep a Hub's server from being culled.
    """

    _track_activity = False

    @allow_unauthenticated
    async def get(self, replica: str) -> None:
        """Answer a WebSocket's handshake (RFC 6455, section 4.2)."""
        shown = keys.bearer(self.request.headers.get("Authorization"))
        if not self.first.doors.admits(replica, shown):
            message = "This is no key of a replica that this server knows of."
            raise ApiError(401, message, kind="authentication_error", code="invalid_api_key")
        headers = self.request.headers
        key = headers.get("Sec-WebSocket-Key", "")
        if headers.get("Upgrade", "").lower() != "websocket" or not key:
            raise ApiError(400, "This route takes tunnels of node agents alone.", code="no_websocket")
        answer = welcome(key).decode()
        stream = self.detach()
        if isinstance(stream, SSLIOStream):
            await self._pass_on(stream, {"replica": replica, "answer": answer})
        else:
            self._hand_over(stream.socket, {"replica": replica, "answer": answer})
            # The other process has its own hold on the connection, which this does not end.
            stream.close()

    def _hand_over(self, connection: socket.socket, message: dict[str, Any]) -> None:
        try:
            self.first.dataplane.hand_over(connection, message)
        except OSError as error:
            self.log.warning("The tunnel of %s was not taken: %s", message["replica"], error)

    async def _pass_on(self, secure: IOStream, message: dict[str, Any]) -> None:
        """Take the encryption off here, in Jupyter's process, which alone can: its state is no file's."""
        here, there = socket.socketpair()
        with there:
            self._hand_over(there, message)
        inner = IOStream(here)
        await asyncio.gather(_pump(secure, inner), _pump(inner, secure))


async def _pump(source: IOStream, sink: IOStream) -> None:
    """Pass bytes on, no faster than they are taken, until one side closes; then close both."""
    try:
        while True:
            await sink.write(await source.read_bytes(PIECE, partial=True))
    except StreamClosedError:
        source.close()
        sink.close()


default_handlers: list[tuple[str, type[Any]]] = [(r"/first/tunnel/([A-Za-z0-9._-]+)", TunnelHandler)]
