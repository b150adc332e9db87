"""Inference servers that write one text, go on with what they are given of it, and break when told to."""

import json

from .conftest import begin_events, end_events, event

WORDS = ["The", " sky", " is", " blue", " because", " air", " scatters", " blue", " light", " most", "."]
TEXT = "".join(WORDS)


async def hangs_up(writer):
    writer.transport.abort()


async def hangs_up_within_an_event(writer):
    writer.write(b'9\r\ndata: {"i\r\n')
    await writer.drain()
    writer.transport.abort()


async def ends(writer):
    writer.write(b"0\r\n\r\n")
    await writer.drain()


async def reports_an_error(writer):
    await event(writer, b'{"error":{"message":"the engine died.","code":500}}')
    await end_events(writer)


BREAKS = [hangs_up, hangs_up_within_an_event, ends, reports_an_error]


class Author:
    """Answers for as many replicas as like; the first answers break, each after so many words.

    Parameters
    ----------
    breaks
        After how many words an answer breaks, and how, one answer after the other.
    words
        What it writes.
    """

    def __init__(self, *breaks, words=WORDS):
        self.breaks = list(breaks)
        self.words = words
        self.asked = []

    async def __call__(self, asked, writer):
        body = json.loads(asked.body)
        self.asked.append(body)
        after, breaks = self.breaks.pop(0) if self.breaks else (len(self.words) + 1, None)
        await begin_events(writer)
        for number, (words, chunk) in enumerate(self.chunks(body)):
            if words == after and number:
                await breaks(writer)
                return
            await event(writer, json.dumps(chunk).encode())
        await end_events(writer)

    def chunks(self, body):
        """Yield how many words were written in all, and the next event."""
        chat = "messages" in body
        given = self.given(body)
        start = len(given)
        number, end = 0, 0
        frame = {
            "id": f"answer-{len(self.asked)}",
            "created": len(self.asked),
            "model": body["model"],
            "object": "chunk",
        }

        def chunk(text, finish=None, **delta):
            held = {"delta": {**delta, "content": text}} if chat else {"text": text}
            return {**frame, "choices": [{"index": 0, **held, "finish_reason": finish}]}

        if chat:
            yield 0, chunk("", role="assistant")
        written = 0
        limit = body.get("max_tokens", len(self.words))
        for number, word in enumerate(self.words):
            end += len(word)
            if end > start:
                if written == limit:
                    break
                yield number, chunk(word[start - end :] if end - start < len(word) else word)
                written += 1
        usage = {"prompt_tokens": 10 + len(given.split()), "completion_tokens": written}
        yield number + 1, chunk("", "stop" if end == len("".join(self.words)) else "length")
        yield number + 1, {**frame, "choices": [], "usage": usage | {"total_tokens": sum(usage.values())}}

    def given(self, body):
        """Return what of the text it is given to go on with."""
        if "prompt" in body:
            return body["prompt"].removeprefix("Why? ")
        last = body["messages"][-1]
        return last["content"] if last["role"] == "assistant" else ""
