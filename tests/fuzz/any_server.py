"""A server of OpenAI's kind that answers whatever it is asked, at once."""

import asyncio
import json
import sys

MODEL = "any/model"
SAID = {
    "id": "said",
    "object": "chat.completion",
    "choices": [{"index": 0, "message": {"role": "assistant"}}],
}


async def serve(reader, writer):
    try:
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            length = head.partition(b"content-length: ")[2].partition(b"\r")[0]
            body = await reader.readexactly(int(length or 0))
            kind, said = b"application/json", json.dumps({**SAID, "data": [{"id": MODEL}]}).encode()
            if _streams(body):
                kind, said = b"text/event-stream", b"data: " + said + b"\n\ndata: [DONE]\n\n"
            writer.write(
                b"HTTP/1.1 200 OK\r\ncontent-type: %b\r\ncontent-length: %d\r\n\r\n" % (kind, len(said))
            )
            writer.write(said)
            await writer.drain()
    except (ConnectionError, asyncio.IncompleteReadError):
        writer.close()


def _streams(body):
    try:
        return json.loads(body).get("stream") is True
    except (ValueError, AttributeError, RecursionError):
        return False


async def main():
    server = await asyncio.start_server(serve, "127.0.0.1", 0, limit=2**20)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
