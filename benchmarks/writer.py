"""A fake inference server that writes Markdown, as many tokens and as fast as the question says.

Run ``python benchmarks/writer.py``; the first line it prints is its port. ``2000 tokens, 50 a second`` is a
question; with 0 a second all tokens come at once.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import re
from typing import Any

from upstream import MODEL, usage

# Headings, lists, code, mathematics and a link, as answers in notebooks have them.
TEXT = r"""## Residuals of the fit

The residuals of `fit_report` scatter around zero, but **not evenly**: above $x = 3.2$ their spread grows
with the signal, as for counts. See [the notes](https://example.org/weights) on weights.

1. Weigh each point with $w_i = 1 / \sigma_i^2$.
2. Fit again, and look at $\chi^2 = \sum_i w_i (y_i - f(x_i))^2$.
3. If $\chi^2 / \nu$ stays above 1.5, the model lacks a term.

```python
weights = 1 / np.maximum(counts, 1)
popt, pcov = curve_fit(model, x, y, sigma=weights ** -0.5)
print(np.sqrt(np.diag(pcov)))
```

"""
# About as long as the tokens of English text.
TOKENS = re.findall(r"\s?\S{1,5}|\s", TEXT)
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"


def event(**more: Any) -> bytes:
    """Return one event of a stream as an HTTP chunk."""
    whole = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1700000000, "model": MODEL}
    return chunk(json.dumps(whole | more))


def chunk(data: str) -> bytes:
    """Return the data of an event as an HTTP chunk."""
    said = f"data: {data}\n\n".encode()
    return b"%x\r\n%b\r\n" % (len(said), said)


def choice(delta: dict[str, str], finish: str | None = None) -> list[dict[str, Any]]:
    """Return an event's one choice."""
    return [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}]


async def write(writer: asyncio.StreamWriter, count: int, speed: int) -> None:
    """Write one answer."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    writer.write(HEAD + event(choices=choice({"role": "assistant", "content": ""})))
    for number, token in enumerate(itertools.islice(itertools.cycle(TOKENS), count)):
        if speed:
            await asyncio.sleep(began + number / speed - loop.time())
        writer.write(event(choices=choice({"content": token})))
        await writer.drain()
    end = event(choices=choice({}, "stop")) + event(choices=[], usage=usage(count))
    writer.write(end + chunk("[DONE]") + b"0\r\n\r\n")


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer the requests of one connection."""
    try:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            length = re.search(rb"content-length: *(\d+)", head, re.IGNORECASE)
            body = json.loads(await reader.readexactly(int(length[1])) if length else "null")
            if body is None:
                writer.write(b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n")
                continue
            count, speed = map(int, re.findall(r"\d+", body["messages"][-1]["content"]))
            await write(writer, count, speed)
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()


async def main() -> None:
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
