"""A network of a given length: ``python benchmarks/wire.py PORT SECONDS`` leads to a port that far away.

Prints the port where it begins. Bytes keep their order and are never held up by how many there are: it has
the delay of a long way, and the width of the loopback interface.
"""

from __future__ import annotations

import asyncio
import sys
from collections import deque
from typing import cast

import uvloop


class End(asyncio.Protocol):
    """One end of a connection; what it hears comes out at the other one later."""

    def __init__(self, seconds: float, other: End | None = None, to: int = 0) -> None:
        self._seconds, self._to = seconds, to
        self.other = other
        self._due: deque[tuple[float, bytes | None]] = deque()
        self.transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport; who was called calls on."""
        self.transport = cast("asyncio.Transport", transport)
        if self.other is None:
            self.transport.pause_reading()
            self._calling = asyncio.get_running_loop().create_task(self._call())

    async def _call(self) -> None:
        loop = asyncio.get_running_loop()
        _, self.other = await loop.create_connection(lambda: End(self._seconds, self), "127.0.0.1", self._to)
        self.transport.resume_reading()

    def data_received(self, data: bytes) -> None:
        """Have bytes come out at the other end, in time."""
        self._later(data)

    def connection_lost(self, exc: Exception | None) -> None:
        """Have the other end closed, in time."""
        self._later(None)

    def _later(self, data: bytes | None) -> None:
        loop = asyncio.get_running_loop()
        self._due.append((loop.time() + self._seconds, data))
        if len(self._due) == 1:
            loop.call_later(self._seconds, self._arrive)

    def _arrive(self) -> None:
        loop = asyncio.get_running_loop()
        assert self.other is not None
        while self._due and self._due[0][0] <= loop.time() + 0.0005:
            _, data = self._due.popleft()
            if data is None:
                self.other.transport.close()
            else:
                self.other.transport.write(data)
        if self._due:
            loop.call_later(self._due[0][0] - loop.time(), self._arrive)


async def main(to: int, seconds: float) -> None:
    server = await asyncio.get_running_loop().create_server(lambda: End(seconds, to=to), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1]), float(sys.argv[2])))
