"""People who talk to a model all the time, with OpenAI's own client, and what became of each question."""

from __future__ import annotations

import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Self

import openai

__all__ = ["Asked", "Conversations", "told"]

QUESTIONS = (
    "Name a river and say where it flows.",
    "And what is it known for?",
    "Tell me of a city on it.",
    "What do people there like to eat?",
)
TOKENS = 60


@dataclass
class Asked:
    """One question: when it was asked, the longest wait for a piece of its answer, and who answered."""

    at: float
    first: float = 0.0
    pause: float = 0.0
    seconds: float = 0.0
    cluster: str = ""
    seams: int = 0
    failed: str = ""


@dataclass
class Conversations:
    """So many conversations at once, each with its own history.

    Parameters
    ----------
    base_url, api_key
        Where they ask.
    model
        What they ask.
    many
        How many there are.
    """

    base_url: str
    api_key: str
    model: str
    many: int
    asked: list[Asked] = field(default_factory=list)
    _over: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)

    def __enter__(self) -> Self:
        """Begin."""
        self._threads = [threading.Thread(target=self._talk, args=(one,)) for one in range(self.many)]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Let everybody finish."""
        self._over.set()
        for thread in self._threads:
            thread.join()

    def _talk(self, number: int) -> None:
        # No retries: a failure that the client would hide is to be seen.
        with openai.OpenAI(base_url=self.base_url, api_key=self.api_key, max_retries=0) as client:
            turn, history = number, [{"role": "system", "content": f"You talk with person {number}."}]
            while not self._over.is_set():
                if len(history) > 2 * len(QUESTIONS):
                    history = history[:1]
                history.append({"role": "user", "content": QUESTIONS[turn % len(QUESTIONS)]})
                history.append({"role": "assistant", "content": self._ask(client, history) or "I see."})
                turn += 1

    def _ask(self, client: openai.OpenAI, history: list[Any]) -> str:
        asked, text = Asked(time.monotonic()), ""
        self.asked.append(asked)
        last = asked.at
        finish = None
        try:
            raw = client.chat.completions.with_raw_response.create(
                model=self.model, messages=history, stream=True, max_tokens=TOKENS
            )
            asked.cluster = raw.headers.get("x-first-cluster", "")
            for chunk in raw.parse():
                now = time.monotonic()
                asked.first = asked.first or now - asked.at
                asked.pause, last = max(asked.pause, now - last), now
                for choice in chunk.choices:
                    text += choice.delta.content or ""
                    finish = choice.finish_reason or finish
                asked.seams = max(
                    asked.seams, len((chunk.model_extra or {}).get("x_first", {}).get("seams", ()))
                )
            if finish is None or not text:
                asked.failed = "the answer ended without a reason"
        except openai.OpenAIError as error:
            asked.failed = str(error)
        asked.seconds = time.monotonic() - asked.at
        return text


def told(asked: list[Asked]) -> str:
    """Say in one line what became of some questions."""
    ended = [each for each in asked if each.seconds]
    if not ended:
        return "nobody asked"
    failed = [each for each in ended if each.failed]
    where = Counter(each.cluster for each in ended if not each.failed)
    seconds = sorted(each.seconds for each in ended)
    clusters = ", ".join(f"{cluster} {count}" for cluster, count in where.most_common())
    return (
        f"{len(ended)} answers, {len(failed)} failures, {sum(each.seams for each in ended)} continued; "
        f"an answer took {seconds[len(seconds) // 2]:.1f} s (at most {seconds[-1]:.1f} s), "
        f"longest wait for a piece {max(each.pause for each in ended):.1f} s; by {clusters}"
    )
