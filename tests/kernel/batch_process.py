"""The server's own files and batches, with a model that answers rows as a test says."""

import asyncio
import json
import threading
from concurrent.futures import Future

from first_jupyter_server.batch import run
from first_jupyter_server.batch.answered import read
from first_jupyter_server.batch.batches import Batches
from first_jupyter_server.batch.folder import Folder
from first_jupyter_server.batch.handlers import application
from first_jupyter_server.federation.catalog import Catalog, Model
from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from wire import SMOL

run.TOLD_EVERY = 0.05


def completion(text, finish="stop"):
    message = {"role": "assistant", "content": text}
    choices = [{"index": 0, "finish_reason": finish, "message": message}]
    return 200, {"choices": choices, "usage": {"prompt_tokens": 10, "completion_tokens": 2}}


def refusal(message, status=400):
    return status, {"error": {"message": message, "code": "bad_row"}}


class BatchProcess:
    """Runs batches in a folder until it is ended; another one may go on with them.

    `say` returns the status and body of the answer to a prompt; only `may` prompts are answered, if that is a
    number.
    """

    def __init__(self, folder, say=completion, may=None):
        self.folder, self.say, self.may = folder, say, may
        self.asked = []
        self.port = None
        self.running, self.reason = 0, None  # what a batch wants to know of who answers its rows
        self.wishes = []
        self._ready = Future()
        self._thread = threading.Thread(target=asyncio.run, args=(self._serve(),), daemon=True)
        self._thread.start()
        self.port = self._ready.result(timeout=10)

    @property
    def prompts(self):
        """The last message of each row that was asked."""
        return [body["messages"][-1]["content"] for body in self.asked]

    def end(self):
        self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join(timeout=10)

    async def run(self, take, give):
        while (row := await take()) is not None:
            while self.may is not None and len(self.asked) >= self.may:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
            body = json.loads(row.body)
            self.asked.append(body)
            status, said = self.say(body["messages"][-1]["content"])
            await give(read(row, "batch", status, {b"x-first-cluster": b"lab"}, json.dumps(said).encode()))

    def _executor(self, batch):
        self.wishes.append(batch["first"])
        return self

    async def _serve(self):
        self._loop, self._over = asyncio.get_running_loop(), asyncio.Event()
        batches = Batches(Folder(self.folder), self._executor, lambda _: None, lambda _: None)
        batches.take(Catalog(models=(Model(SMOL),), current=SMOL))
        server = HTTPServer(application(batches))
        sockets = bind_sockets(0, "127.0.0.1")
        server.add_sockets(sockets)
        running = asyncio.create_task(batches.run())
        self._ready.set_result(sockets[0].getsockname()[1])
        await self._over.wait()
        server.stop()
        running.cancel()
        await asyncio.wait([running])
        await server.close_all_connections()
