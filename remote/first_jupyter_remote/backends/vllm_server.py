"""The process that runs ``vllm serve``, also where vLLM was installed under another name than its own.

It is run by its path, by an interpreter that may hold nothing but vLLM, so it imports nothing else. vLLM's
own command looks up the version of a distribution called ``vllm``, which builds for other hardware lack. The
older ``vllm.entrypoints.openai.api_server`` is deprecated and knows no ``--headless``.

vLLM has routes of its own to sleep and to wake up, but opens them only in its development mode, together with
others that anybody may use, without a key, to run code in it. So the two that are needed are added here.
"""

from __future__ import annotations

import asyncio
import hmac
import importlib
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
READING = ("GET", "HEAD", "OPTIONS")


class Sleeping:
    """ASGI middleware by which the node agent puts vLLM to sleep and wakes it, with vLLM's own key.

    ``POST /v1/first/sleep`` lets no further request in, answers 202 while others are being answered, and has
    vLLM sleep then. Requests that come meanwhile wait; ``GET`` tells how many. ``POST /v1/first/wake`` wakes
    vLLM and lets them in.
    """

    def __init__(self, app: Any) -> None:
        self.app = app
        self.inside = self.waiting = 0
        self.is_asleep = False
        self.is_open = asyncio.Event()
        self.is_open.set()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer the two routes, and count all requests that may need the engine."""
        if scope["type"] not in ("http", "websocket") or not has_key(scope):
            await self.app(scope, receive, send)
        elif scope["path"] in ("/v1/first/sleep", "/v1/first/wake"):
            status = await self.follow(scope["app"].state.engine_client, scope.get("method"), scope["path"])
            body = json.dumps({"asleep": self.is_asleep, "waiting": self.waiting}).encode()
            headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
            await send({"type": "http.response.start", "status": status, "headers": headers})
            await send({"type": "http.response.body", "body": body})
        elif scope.get("method") in READING:
            await self.app(scope, receive, send)
        else:
            self.waiting += 1
            try:
                while not self.is_open.is_set():
                    await self.is_open.wait()
            finally:
                self.waiting -= 1
            self.inside += 1
            try:
                await self.app(scope, receive, send)
            finally:
                self.inside -= 1

    async def follow(self, engine: Any, method: str | None, path: str) -> int:
        """Do what the node agent asks for; return the status of the answer."""
        if method != "POST":
            return 200
        if path.endswith("wake"):
            if self.is_asleep:
                await engine.wake_up()
            self.is_asleep = False
            self.is_open.set()
            return 200
        self.is_open.clear()
        if self.inside:
            return 202
        if not self.is_asleep:
            await engine.sleep(1)
            self.is_asleep = True
        return 200


class Noting:
    """ASGI middleware that prints one line for each request that has the key, by its ``x-request-id``.

    It looks at no part of an answer, so it costs nothing a token.
    """

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Pass the request on, and tell how long it took."""
        name = dict(scope.get("headers", ())).get(b"x-request-id")
        if scope["type"] != "http" or name is None or not has_key(scope):
            await self.app(scope, receive, send)
            return
        begun = time.monotonic()
        try:
            await self.app(scope, receive, send)
        finally:
            asked = f"{scope['method']} {scope['raw_path'][:200].decode()} HTTP/{scope['http_version']}"
            took = time.monotonic() - begun
            line = f'first: "{asked}" of request {name[:128].decode("latin-1")} took {took:.3f} s\n'
            os.write(sys.stdout.fileno(), line.encode())


def has_key(scope: Any) -> bool:
    """Say whether a request has the key; vLLM refuses the others, or answers what it gives to anybody."""
    given = dict(scope["headers"]).get(b"authorization", b"")
    return hmac.compare_digest(given, b"Bearer " + os.environ["VLLM_API_KEY"].encode())


def prepare_to_sleep(given: Any) -> None:
    """Have the routes added, where vLLM can sleep on this machine; elsewhere it would refuse to start."""
    if not importlib.import_module("vllm.platforms").current_platform.is_sleep_mode_available():
        given.enable_sleep_mode = False
    elif not given.headless:
        given.middleware = [*given.middleware, f"{__name__}.{Sleeping.__name__}"]
        given.api_server_count = 1  # one process sees all requests


def main() -> None:
    """Serve until SIGTERM."""
    # Beside this file lies our own vllm.py, and interpreters before 3.11 look here first.
    sys.path[:] = [folder for folder in sys.path if not folder or Path(folder).resolve() != HERE]
    if "--headless" in sys.argv:
        # On another node, launchers of MPI programs tie a single task to a single core.
        os.sched_setaffinity(0, range(os.cpu_count() or 1))
    os.environ.setdefault("VLLM_WORKER_MULTIPROC_METHOD", "spawn")
    serve = importlib.import_module("vllm.entrypoints.cli.serve")
    parser = serve.FlexibleArgumentParser(prog="vllm")
    command = serve.ServeSubcommand()
    command.subparser_init(parser.add_subparsers(required=True))
    given = parser.parse_args(["serve", *sys.argv[1:]])
    if given.enable_sleep_mode:
        prepare_to_sleep(given)
    if not given.headless:
        given.middleware = [*given.middleware, f"{__name__}.{Noting.__name__}"]
    command.validate(given)
    command.cmd(given)


if __name__ == "__main__":
    main()
