"""What is behind a tunnel: a server whose answers are known, and who reads them."""

import asyncio
import contextlib
import hashlib
import random


class Backend:
    """Stands for an inference server: says back what it hears, or as many bytes as it is asked for."""

    def __init__(self):
        self.open, self.broken = 0, 0

    async def __aenter__(self):
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_):
        self._server.close()

    async def _serve(self, reader, writer):
        self.open += 1
        try:
            asked = (await reader.readline()).split()
            if asked[0] == b"echo":
                while data := await reader.read(65_536):
                    writer.write(data)
                    await writer.drain()
            else:
                rng, left = random.Random(int(asked[1])), int(asked[2])
                while left > 0:
                    size = min(left, rng.randrange(1, 20_000))
                    writer.write(rng.randbytes(size))
                    await writer.drain()
                    left -= size
                    await asyncio.sleep(0.002)
        except OSError:
            self.broken += 1
        finally:
            self.open -= 1
            with contextlib.suppress(OSError):
                writer.close()


def answer_to(seed, length):
    """Return the digest of what the backend answers."""
    rng, digest = random.Random(seed), hashlib.sha256()
    while length > 0:
        size = min(length, rng.randrange(1, 20_000))
        digest.update(rng.randbytes(size))
        length -= size
    return digest.hexdigest()


class Reader(asyncio.Protocol):
    """Reads one answer."""

    def __init__(self):
        self.digest, self.length = hashlib.sha256(), 0
        self.first = asyncio.get_running_loop().create_future()
        self.over = asyncio.get_running_loop().create_future()

    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.digest.update(data)
        self.length += len(data)
        if not self.first.done():
            self.first.set_result(data)

    def connection_lost(self, exc):
        self.over.set_result(exc)
