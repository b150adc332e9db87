"""Where a text may be cut and gone on with: ``python benchmarks/seams.py WEIGHTS``.

Cuts unbroken answers after some token and after some character, and has them gone on with from there and
from the last gap between two words before. It reckons with 32-bit numbers, so that the seam alone can change
a text.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import exact_server
import httpx
from continuation import CHATS, KEY, MODEL, Server
from first_jupyter_server.dataplane.continuation import next_ask
from first_jupyter_server.dataplane.transcript import SoFar

ROUTE = "chat/completions"
TOKENS = 60
CUTS = ("after a token", "after a character")
GIVEN = ("the text as it is", "up to the last gap")


async def answer(server: Server, body: dict[str, Any]) -> list[str]:
    """Return the pieces of an answer, one a token."""
    body |= {"temperature": 0, "stream": True, "cache_prompt": False, "model": MODEL}
    pieces = []
    async with (
        httpx.AsyncClient(timeout=120, trust_env=False, headers={"authorization": f"Bearer {KEY}"}) as client,
        client.stream("POST", f"http://127.0.0.1:{server.port}/v1/{ROUTE}", json=body) as stream,
    ):
        async for line in stream.aiter_lines():
            if line.startswith("data: {"):
                choices = json.loads(line[6:])["choices"]
                pieces += [choice["delta"]["content"] for choice in choices if choice["delta"].get("content")]
    return pieces


async def goes_on(server: Server, prompt: str, so_far: SoFar, *, whole: bool) -> str:
    """Return a text with what the server makes of it."""
    asked = {"messages": [{"role": "user", "content": prompt}], "max_tokens": TOKENS}
    ask = next_ask(asked, so_far, ROUTE, whole=whole)
    given = so_far.text[: len(so_far.text) - len(ask.known)]
    return given + "".join(await answer(server, json.loads(ask.body)))


async def study(weights: Path, cuts: int, chance: random.Random) -> dict[str, int]:
    """Count how often a text is the same as the unbroken one."""
    server = Server(exact_server.write_weights(weights), "seams", exact=True)
    await server.start()
    same: Counter[str] = Counter()
    try:
        for number in range(cuts):
            prompt = CHATS[number % len(CHATS)]
            body = {"messages": [{"role": "user", "content": prompt}], "max_tokens": TOKENS}
            pieces = await answer(server, body)
            text = "".join(pieces)
            ends = (len("".join(pieces[: chance.randrange(1, len(pieces))])), chance.randrange(1, len(text)))
            for cut, end in zip(CUTS, ends, strict=True):
                sizes = tuple(map(len, pieces_up_to(pieces, end)))
                so_far = SoFar(text=text[:end], tokens=len(sizes), sizes=sizes)
                for given, whole in zip(GIVEN, (True, False), strict=True):
                    got = await goes_on(server, prompt, so_far, whole=whole)
                    # A token that was cut in two makes the text one token longer or shorter.
                    same[f"{cut}, {given}"] += is_same(text, got)
            print(number + 1, dict(same), file=sys.stderr, flush=True)
    finally:
        await server.kill()
    return {f"{cut}, {given}": same[f"{cut}, {given}"] for cut in CUTS for given in GIVEN}


def pieces_up_to(pieces: list[str], end: int) -> list[str]:
    """Return the pieces of a text that ends after so many characters."""
    kept, length = [], 0
    for piece in pieces:
        if length >= end:
            break
        kept.append(piece[: end - length])
        length += len(piece)
    return kept


def is_same(text: str, got: str) -> bool:
    """Return whether two texts are the same but for a token at the end."""
    shorter, longer = sorted((text, got), key=len)
    return longer.startswith(shorter) and len(longer) - len(shorter) < 16


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("weights", type=Path, help="a GGUF file of a chat model")
    parser.add_argument("--cuts", type=int, default=60, help="how many texts are cut (60)")
    parser.add_argument("--seed", type=int, default=4, help="chooses the cuts (4)")
    parser.add_argument("--raw", type=Path, help="write the results to this JSON file")
    asked = parser.parse_args()
    same = asyncio.run(study(asked.weights, asked.cuts, random.Random(asked.seed)))
    print(same)
    if asked.raw:
        asked.raw.write_text(json.dumps({"cuts": asked.cuts, "same": same}))


if __name__ == "__main__":
    main()
