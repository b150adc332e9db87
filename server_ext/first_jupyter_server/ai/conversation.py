"""What a model is told of a chat: a function of what was said in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["SYSTEM", "Turn", "conversation"]

SYSTEM = (
    "You answer questions of people who work in JupyterLab. Write Markdown, and put code into fenced blocks "
    "that name their language."
)

CHARACTERS_A_TOKEN = 3
"""At the least, in most languages and in code; a guess that is too low only forgets a little earlier."""

FOR_THE_ANSWER = 0.25
"""The share of a model's context that is left to what it writes."""


@dataclass(frozen=True, slots=True)
class Turn:
    """Something that was said.

    Parameters
    ----------
    text
        What.
    speaker
        Who; nobody where the model itself said it.
    """

    text: str
    speaker: str = ""


def conversation(turns: Sequence[Turn], context: int | None) -> list[dict[str, str]]:
    """Return a chat as OpenAI's messages.

    The oldest turns are left out where not all of them fit. Turns of one side that follow each other become
    one message, since many chat templates take no others. People are named only where there are several.

    Parameters
    ----------
    turns
        What was said, oldest first; the last one is the question.
    context
        The model's context in tokens, where it is known.
    """
    kept = _latest(turns, context)
    several = len({turn.speaker for turn in kept if turn.speaker}) > 1
    messages = [{"role": "system", "content": SYSTEM}]
    for turn in kept:
        role = "user" if turn.speaker else "assistant"
        text = f"{turn.speaker}: {turn.text}" if several and turn.speaker else turn.text
        if messages[-1]["role"] == role:
            messages[-1]["content"] += f"\n\n{text}"
        else:
            messages.append({"role": role, "content": text})
    return messages


def _latest(turns: Sequence[Turn], context: int | None) -> list[Turn]:
    """Return as many of the latest turns as fit, the last one in any case, and begin with a person's."""
    kept: list[Turn] = []
    room = float("inf")
    if context is not None:
        room = context * (1 - FOR_THE_ANSWER) * CHARACTERS_A_TOKEN - len(SYSTEM)
    for turn in reversed(turns):
        room -= len(turn.text)
        if kept and room < 0:
            break
        kept.insert(0, turn)
    while len(kept) > 1 and not kept[0].speaker:
        kept.pop(0)
    return kept
