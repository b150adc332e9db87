"""A stand-in for an inference server, without a model: it says each prompt again, a few at a time.

``python campus.py PORT SLOTS MILLISECONDS``: so many requests at once, and so long for each. A prompt that
contains ``poison`` is answered with status 500, one that contains ``kill`` ends the server.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import subprocess
import sys
import time
import urllib.request

MODEL = "campus/parrot"


class Campus:
    """One such server, in a process of its own."""

    def __init__(self, port, slots=8, milliseconds=5.0):
        self.port, self._said = port, [str(port), str(slots), str(milliseconds)]
        self.process = None
        self.start()

    @property
    def section(self):
        """Its section of a federation file."""
        return {"kind": "openai", "url": f"http://127.0.0.1:{self.port}/v1", "models": [{"id": MODEL}]}

    def start(self):
        """Start it, and return once it serves."""
        self.process = subprocess.Popen([sys.executable, __file__, *self._said])
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        end = time.monotonic() + 60
        while True:
            with contextlib.suppress(OSError):
                opener.open(f"http://127.0.0.1:{self.port}/v1/models", timeout=5).close()
                return
            assert time.monotonic() < end, "the campus server did not start"
            time.sleep(0.05)

    def kill(self):
        self.process.kill()
        self.process.wait()


class Parrot:
    """Answers on one port."""

    def __init__(self, slots, seconds):
        self._slots, self._seconds = asyncio.Semaphore(slots), seconds

    async def serve(self, reader, writer):
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
                length = head.partition("content-length: ")[2].partition("\r")[0]
                body = await reader.readexactly(int(length or 0))
                status, said = await self._answer(head.split(" ")[1], body)
                answer = json.dumps(said).encode()
                writer.write(b"HTTP/1.1 %d Said\r\ncontent-type: application/json\r\n" % status)
                writer.write(b"content-length: %d\r\n\r\n%b" % (len(answer), answer))
                await writer.drain()

    async def _answer(self, path, body):
        if path.endswith("/models"):
            return 200, {"object": "list", "data": [{"id": MODEL, "object": "model"}]}
        asked = json.loads(body)
        prompt = asked["messages"][-1]["content"] if "messages" in asked else str(asked["prompt"])
        async with self._slots:
            await asyncio.sleep(self._seconds)
        if "kill" in prompt:
            os._exit(1)
        if "poison" in prompt:
            return 500, {"error": {"message": "This prompt is poison.", "code": "poison"}}
        words = len(prompt.split())
        usage = {"prompt_tokens": words, "completion_tokens": words, "total_tokens": 2 * words}
        choice = {"index": 0, "message": {"role": "assistant", "content": prompt}, "finish_reason": "stop"}
        return 200, {"id": "said", "object": "chat.completion", "choices": [choice], "usage": usage}


async def main(port, slots, milliseconds):
    server = await asyncio.start_server(
        Parrot(int(slots), float(milliseconds) / 1000).serve, "127.0.0.1", int(port)
    )
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
