"""People who talk to a model all the time, with OpenAI's own client, and what became of each question."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from statistics import median
from typing import Any, Self

import openai

__all__ = ["Asked", "Conversations", "times", "told"]

QUESTIONS = (
    "Name a river and say where it flows.",
    "And what is it known for?",
    "Tell me of a city on it.",
    "What do people there like to eat?",
)
TOKENS = 60
MEASURES = {"answer": "seconds", "first token": "first", "pause": "pause"}


@dataclass
class Asked:
    """One question: when it was asked, the longest pause between two pieces of its answer, who answered."""

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
        last, finish = None, None
        try:
            raw = client.chat.completions.with_raw_response.create(
                model=self.model, messages=history, stream=True, max_tokens=TOKENS
            )
            asked.cluster = raw.headers.get("x-first-cluster", "")
            for chunk in raw.parse():
                now = time.monotonic()
                if last is None:
                    asked.first = now - asked.at
                else:
                    asked.pause = max(asked.pause, now - last)
                last = now
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
    """Say in one line what became of some questions, and who answered them."""
    ended, answered = [each for each in asked if each.seconds], _answered(asked)
    where = Counter(each.cluster for each in answered)
    clusters = [f"{name} {count} ({count / len(answered):.0%})" for name, count in where.most_common()]
    return (
        f"{len(ended)} questions, {len(ended) - len(answered)} failures, "
        f"{sum(each.seams for each in ended)} continued; answered by {', '.join(clusters) or 'nobody'}"
    )


def times(asked: list[Asked], quiet: list[Asked]) -> Iterator[str]:
    """Say line by line how long answers took, and how much longer than in quiet times."""
    now, before = _answered(asked), _answered(quiet)
    if now:
        head = "(added)" if before else ""
        yield f"{'':12}{'median':>9} {head:11}{'longest':>9} {head}".rstrip()
        for name, measure in MEASURES.items():
            cells = ""
            for of_all in (median, max):
                seconds = of_all(getattr(each, measure) for each in now)
                usual = of_all(getattr(each, measure) for each in before) if before else 0.0
                added = f"({seconds - usual:+.1f} s)" if before else ""
                cells += f"{seconds:7.1f} s {added:11}"
            yield f"{name:12}{cells}".rstrip()


def _answered(asked: list[Asked]) -> list[Asked]:
    return [each for each in asked if each.seconds and not each.failed]
