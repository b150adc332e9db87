"""Relays as people run them, each a process of its own, and what may stand before one."""

import asyncio
import contextlib
import re
import signal
import sys

__all__ = ["ACCESS", "RelayProcess", "Wire"]

ACCESS = "an-access-key-of-32-characters-0"


class RelayProcess:
    """`first-remote relay`, on a port that it keeps when it is started again."""

    def __init__(self, folder, *options):
        self.port, self._options = 0, options
        self.keys = folder / "relay-keys"
        self.keys.write_text(f"# who may use it\nada {ACCESS}\n")
        self.keys.chmod(0o600)
        self.said = ""

    @property
    def url(self):
        return f"{'https' if self._options else 'http'}://127.0.0.1:{self.port}"

    async def __aenter__(self):
        await self.start()
        return self

    async def __aexit__(self, *_):
        await self.end()

    async def start(self):
        self._process = await asyncio.create_subprocess_exec(
            *(
                sys.executable,
                "-c",
                "import sys; from first_jupyter_remote.cli import main; sys.exit(main())",
            ),
            *("relay", "--listen", f"127.0.0.1:{self.port}", "--keys", str(self.keys), *self._options),
            stderr=asyncio.subprocess.PIPE,
        )
        self.said += (await self._process.stderr.readline()).decode()
        self.port = int(re.search(r":(\d+),", self.said)[1])

    async def end(self, how=signal.SIGTERM):
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(how)
        self.said += (await self._process.stderr.read()).decode()
        return await self._process.wait()


class Wire:
    """Carries connections to a port, keeps what passes, and may flip a bit of it.

    Parameters
    ----------
    port
        Where it leads to.
    spoil
        How many bytes pass unharmed, after which one is flipped in each direction; None for all.
    """

    def __init__(self, port, spoil=None):
        self._to, self._spoil = port, spoil
        self.seen, self._tasks = bytearray(), set()

    async def __aenter__(self):
        self._server = await asyncio.start_server(self._carry, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_):
        self._server.close()
        for task in self._tasks:
            task.cancel()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    async def _carry(self, reader, writer):
        there, to = await asyncio.open_connection("127.0.0.1", self._to)
        for source, sink in ((reader, to), (there, writer)):
            task = asyncio.create_task(self._pump(source, sink))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _pump(self, source, sink):
        passed = 0
        with contextlib.suppress(OSError, asyncio.CancelledError):
            while data := bytearray(await source.read(65_536)):
                self.seen += data
                if self._spoil is not None and passed <= self._spoil < passed + len(data):
                    data[self._spoil - passed] ^= 1
                passed += len(data)
                sink.write(data)
                await sink.drain()
        sink.close()
