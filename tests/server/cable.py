"""A TCP connection's way that can be cut, gone silent or slowed, as networks are."""

import asyncio
import contextlib


class Cable:
    """Carries connections to a port, until something happens to it.

    Parameters
    ----------
    port
        Where it leads to.
    delay
        Seconds that bytes take, each way.
    """

    def __init__(self, port, delay=0.0):
        self._to, self._delay = port, delay
        self._writers, self._tasks = set(), set()
        self._is_silent, self._is_cut = False, False
        self.made = 0

    async def __aenter__(self):
        self._server = await asyncio.start_server(self._carry, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_):
        self._server.close()
        self.reset()
        for task in self._tasks:
            task.cancel()

    def reset(self):
        """Break all connections; new ones are carried."""
        for writer in self._writers:
            writer.transport.abort()
        self._writers.clear()

    def cut(self):
        """Break all connections, and refuse new ones until it is mended."""
        self._is_cut = True
        self.reset()

    def silence(self):
        """Swallow everything on the connections there are, as a half-open one does; new ones are carried."""
        self._is_silent = self.made

    def mend(self):
        """Carry new connections again."""
        self._is_cut = False

    async def _carry(self, reader, writer):
        if self._is_cut:
            writer.transport.abort()
            return
        self.made += 1
        number = self.made
        there, to = await asyncio.open_connection("127.0.0.1", self._to)
        self._writers |= {writer, to}
        for source, sink in ((reader, to), (there, writer)):
            task = asyncio.create_task(self._pump(source, sink, number))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _pump(self, source, sink, number):
        loop = asyncio.get_running_loop()
        with contextlib.suppress(OSError, asyncio.CancelledError):
            while data := await source.read(65_536):
                if number <= self._is_silent:
                    continue
                if self._delay:
                    loop.call_later(self._delay, sink.write, data)
                else:
                    sink.write(data)
                    await sink.drain()
        if number > self._is_silent:
            sink.close()
