"""Kill the server that writes an answer, and compare: ``python benchmarks/continuation.py WEIGHTS``."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import dataclasses
import json
import os
import random
import signal
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import exact_server
import httpx
from continuation_report import Comparison, judge
from first_jupyter_remote.backends import llama_server
from first_jupyter_server.dataplane.plane import DataPlane
from first_jupyter_server.federation.catalog import Catalog, Model, Place, Replica, State

MODEL = "HuggingFaceTB/SmolLM2-135M-Instruct"
KEY = "benchmark"
TOKENS = 120
CLUSTERS = ("here", "there")
CHATS = (
    "Explain why the sky is blue to a child.",
    "Write a short story about a robot that learns to paint.",
    "List the steps to make tea.",
    "What is photosynthesis? Explain in detail.",
    "Write a Python function that reverses a list, with comments.",
    "Describe the city of Paris in a few sentences.",
    "Give me advice for learning to swim.",
    "Explain how a computer stores numbers, with an example.",
    "What are the causes of earthquakes?",
    "Write a letter to a friend about a holiday by the sea.",
    "How does a bicycle stay upright?",
    "Compare cats and dogs as pets.",
    "Write a poem about the winter.",
    "What is the difference between weather and climate?",
    "Explain what a supercomputer is used for.",
    "Give a recipe for pancakes with measures.",
    "Describe how a bill becomes a law.",
    "Write a dialogue between a teacher and a pupil about fractions.",
    "What should a young scientist know about statistics?",
    "Explain recursion with an example in Python.",
)
TEXTS = (
    "Once upon a time, in a village by the sea,",
    "The three laws of thermodynamics are",
    "def fibonacci(n):\n",
    "Dear colleagues,\n\nI am writing to tell you",
    "The history of astronomy begins with",
)


class Server:
    """One llama.cpp server, and how to kill it.

    Parameters
    ----------
    weights, name
        Its GGUF file, and the cluster that it stands for.
    exact
        Whether it reckons with 32-bit numbers throughout.
    """

    def __init__(self, weights: Path, name: str, *, exact: bool) -> None:
        self._weights = weights
        self._program = exact_server.__file__ if exact else llama_server.__file__
        self.name = name
        self.starts = 0
        self.port = 0
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Start it on a free port, and wait until it answers."""
        self.starts += 1
        self.port = 18_600 + random.randrange(3000)
        command = [self._program, str(self._weights), "--port", str(self.port), "--name", MODEL]
        env = {**os.environ, llama_server.KEY_VARIABLE: KEY}
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, *command, "--threads", "1", env=env, stdout=-3, stderr=-3, start_new_session=True
        )
        async with asyncio.timeout(120), httpx.AsyncClient(trust_env=False) as client:
            while True:
                with contextlib.suppress(httpx.TransportError):
                    if (await client.get(f"http://127.0.0.1:{self.port}/health")).status_code == 200:
                        return
                await asyncio.sleep(0.05)

    async def kill(self) -> None:
        """Kill it as the end of a job does: at once."""
        if self._process is not None and self._process.returncode is None:
            os.killpg(self._process.pid, signal.SIGKILL)
            await self._process.wait()

    @property
    def place(self) -> Place:
        """The cluster as the catalog shows it."""
        replica = Replica(f"{self.name}/{self.starts}", "127.0.0.1", self.port, KEY)
        return Place(self.name, "benchmark", "llama.cpp", State.HOT, replicas=(replica,))


@dataclass
class Answer:
    """What a client saw of one answer."""

    text: str = ""
    done: bool = False
    error: str = ""
    ids: set[str] = field(default_factory=set)
    finishes: list[str] = field(default_factory=list)
    usage: dict[str, int] = field(default_factory=dict)
    seams: list[dict[str, Any]] = field(default_factory=list)
    pause: float = 0.0
    """The longest wait between two pieces of text, seconds."""


class Bench:
    """A data plane in this process, and two servers behind it."""

    def __init__(self, weights: Path, *, exact: bool) -> None:
        self._plane = DataPlane(lambda _: None)
        self._plane.receive({"type": "config", "key": KEY, "max_body": 2**20})
        self.servers = [Server(weights, name, exact=exact) for name in CLUSTERS]
        self._url = ""

    async def open(self) -> None:
        """Start everything."""
        await asyncio.gather(*(server.start() for server in self.servers))
        listening = await asyncio.get_running_loop().create_server(self._plane.connection, "127.0.0.1", 0)
        self._url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/first/v1/"
        self._tell()

    async def close(self) -> None:
        """End everything."""
        for server in self.servers:
            await server.kill()

    def _tell(self) -> None:
        places = tuple(server.place for server in self.servers)
        catalog = Catalog((Model(MODEL, places=places),), MODEL)
        self._plane.receive({"type": "catalog", "catalog": catalog.to_json()})

    async def ask(self, prompt: str, kill_after: int | None = None) -> Answer:
        """Ask, and kill the server that writes the answer after so many characters."""
        answer, since, victim = Answer(), 0.0, None
        body, route = request(prompt)
        headers = {"authorization": f"Bearer {KEY}"}
        async with (
            httpx.AsyncClient(timeout=120, trust_env=False) as client,
            client.stream("POST", self._url + route, json=body, headers=headers) as stream,
        ):
            writer = stream.headers["x-first-cluster"]
            async for line in stream.aiter_lines():
                grown = read(answer, line)
                now = time.perf_counter()
                if grown and since:
                    answer.pause = max(answer.pause, now - since)
                since = now if grown else since
                if victim is None and kill_after is not None and len(answer.text) >= kill_after:
                    victim = next(server for server in self.servers if server.name == writer)
                    await victim.kill()
        if victim is not None:
            await victim.start()
            self._tell()
        return answer

    async def closest(self, prompt: str, at: int) -> float:
        """Return how much likelier the token that was written at a character was than the next best one."""
        body, route = request(prompt)
        chat = "messages" in body
        body |= (
            {"stream": False, "logprobs": True, "top_logprobs": 2}
            if chat
            else {"stream": False, "logprobs": 2}
        )
        headers = {"authorization": f"Bearer {KEY}"}
        async with httpx.AsyncClient(timeout=120, trust_env=False) as client:
            raw = (await client.post(self._url + route, json=body, headers=headers)).json()
        end, gap = 0, float("inf")
        for token in raw["choices"][0]["logprobs"]["content"]:
            end += len(token["token"])
            first, second = (best["logprob"] for best in token["top_logprobs"][:2])
            gap = first - second
            if end > at:
                break
        return gap


def request(prompt: str) -> tuple[dict[str, Any], str]:
    """Return a request, and its path."""
    common = {
        "model": MODEL,
        "temperature": 0,
        "max_tokens": TOKENS,
        "stream": True,
        "stream_options": {"include_usage": True},
        # What a server has read before would change its answers in the last digits, broken or not.
        "cache_prompt": False,
    }
    if prompt in TEXTS:
        return {**common, "prompt": prompt}, "completions"
    return {**common, "messages": [{"role": "user", "content": prompt}]}, "chat/completions"


def read(answer: Answer, line: str) -> bool:
    """Add a line of the stream; returns whether there is more text."""
    if line == "data: [DONE]":
        answer.done = True
    if not line.startswith("data: {"):
        return False
    event = json.loads(line[6:])
    if "error" in event:
        answer.error = event["error"]["message"]
        return False
    answer.ids.add(event["id"])
    answer.usage = event.get("usage") or answer.usage
    answer.seams = event.get("x_first", {}).get("seams", answer.seams)
    before = len(answer.text)
    for choice in event["choices"]:
        answer.text += choice.get("delta", choice).get("content" if "delta" in choice else "text") or ""
        answer.finishes += [choice["finish_reason"]] if choice["finish_reason"] else []
    return len(answer.text) > before


async def compare(bench: Bench, answers: int, chance: random.Random) -> list[Comparison]:
    """Kill as many answers, each at a point of its own."""
    whole: dict[str, Answer] = {}
    comparisons = []
    for number in range(answers):
        prompt = (*CHATS, *TEXTS)[number % (len(CHATS) + len(TEXTS))]
        if prompt not in whole:
            whole[prompt] = await bench.ask(prompt)
        unbroken = whole[prompt]
        point = chance.randrange(1, len(unbroken.text))
        answer = await bench.ask(prompt, point)
        found = judge(prompt, unbroken, answer)
        if found.verdict == "explained":
            found.gap = await bench.closest(prompt, found.differs_at)
        comparisons.append(found)
        print(f"{number + 1:4} {found.verdict:9} {found.line}", file=sys.stderr, flush=True)
    return comparisons


async def run(asked: argparse.Namespace) -> list[Comparison]:
    """Measure."""
    weights = exact_server.write_weights(asked.weights) if asked.exact else asked.weights
    bench = Bench(weights, exact=asked.exact)
    try:
        await bench.open()
        return await compare(bench, asked.answers, random.Random(asked.seed))
    finally:
        await bench.close()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("weights", type=Path, help="a GGUF file of a chat model")
    parser.add_argument("--answers", type=int, default=100, help="how many answers are killed (100)")
    parser.add_argument("--seed", type=int, default=4, help="chooses the points (4)")
    parser.add_argument("--exact", action="store_true", help="reckon with 32-bit numbers throughout")
    parser.add_argument("--raw", type=Path, help="write the results to this JSON file")
    asked = parser.parse_args()
    comparisons = asyncio.run(run(asked))
    verdicts = Counter(comparison.verdict for comparison in comparisons)
    print(dict(verdicts))
    if asked.raw:
        asked.raw.write_text(json.dumps([dataclasses.asdict(comparison) for comparison in comparisons]))
    return bool(verdicts["cut"] or verdicts["repeated"])


if __name__ == "__main__":
    sys.exit(main())
