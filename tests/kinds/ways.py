"""What stands between a client and a server: a front that speaks TLS, and a proxy that opens tunnels."""

import asyncio
import base64
import contextlib


class Front:
    """Takes TLS connections for a server that speaks none, and remembers the names that it was asked for by.

    Parameters
    ----------
    port
        The server's, on this machine.
    context
        What it goes by.
    """

    def __init__(self, port, context):
        self._behind, self._context = port, context
        self.names = []
        context.sni_callback = lambda _socket, name, _context: self.names.append(name)

    async def __aenter__(self):
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self._context)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_):
        self._server.close()

    async def _serve(self, reader, writer):
        await _join(reader, writer, "127.0.0.1", self._behind)


class ConnectProxy:
    """A proxy as sites have them: opens tunnels (CONNECT), and lets nothing else through.

    Parameters
    ----------
    credentials
        The name and password that it wants, as ``name:password``.
    refuses
        Whether it opens no way to anywhere.
    hosts
        Where names lead to, by name: it is the proxy that resolves them.
    """

    def __init__(self, credentials=None, *, refuses=False, hosts=None):
        self._credentials, self._refuses, self._hosts = credentials, refuses, hosts or {}
        self.asked = []

    async def __aenter__(self):
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_):
        self._server.close()

    async def _serve(self, reader, writer):
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        method, target, _ = head.partition("\r\n")[0].split(" ")
        self.asked.append(target)
        if method != "CONNECT" or self._refuses:
            writer.write(b"HTTP/1.1 403 Forbidden\r\n\r\n")
        elif self._credentials is not None and _basic(self._credentials) not in head:
            writer.write(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n")
        else:
            host, _, port = target.rpartition(":")
            writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            await _join(reader, writer, self._hosts.get(host, host), int(port))
            return
        writer.close()


class PlainServer:
    """Has one answer to whatever it is sent; by default that it finds nothing in it, as HTTP servers say.

    Parameters
    ----------
    status, body
        The answer.
    """

    def __init__(self, status=400, body=b""):
        self.status, self.body = status, body

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}/v1"

    async def __aenter__(self):
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_):
        self._server.close()

    async def _serve(self, reader, writer):
        await reader.read(65_536)
        writer.write(b"HTTP/1.1 %d -\r\ncontent-length: %d\r\n\r\n" % (self.status, len(self.body)))
        writer.write(self.body)
        writer.close()


def _basic(credentials):
    return f"Proxy-Authorization: Basic {base64.b64encode(credentials.encode()).decode()}\r\n"


async def _join(reader, writer, host, port):
    """Carry bytes both ways until one side has gone."""
    try:
        reader_there, writer_there = await asyncio.open_connection(host, port)
    except OSError:
        writer.close()
        return
    ways = [
        asyncio.create_task(_carry(reader, writer_there)),
        asyncio.create_task(_carry(reader_there, writer)),
    ]
    await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
    for way in ways:
        way.cancel()
    writer.close()
    writer_there.close()


async def _carry(reader, writer):
    with contextlib.suppress(OSError):
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
