"""Whether a broken answer can go on elsewhere, and what the next replica is asked for that; pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import orjson

from .transcript import SoFar

__all__ = ["Ask", "is_spent", "next_ask", "unsuited", "why_not"]

REACH = 48
"""Characters of the text so far, at most, that are written again; they are compared, never sent twice."""

CONTINUES = ("llama.cpp", "vllm")
"""Backends that go on with the last message of a chat when told to, without repeating it."""

_CHAT = "chat/completions"
_LIMITS = ("max_tokens", "max_completion_tokens", "n_predict")
_GAP = re.compile(r"(?<=\S) (?=\S)")
_SHAPED = ("structured_outputs", "grammar", "json_schema")
_LOGPROBS = ("logprobs", "prompt_logprobs")
_OBSTACLES = {
    "n_probs": "the request asks for probabilities",
    "return_token_ids": "the request asks for token ids",
    "echo": "the request asks for what it sent to be repeated (echo)",
    "include_stop_str_in_output": "the request asks for its stop strings",
    "suffix": "the request asks for a text to be filled in (suffix)",
    "use_beam_search": "the request asks for a beam search",
}


@dataclass(frozen=True, slots=True)
class Ask:
    """What the next replica is asked.

    Parameters
    ----------
    body
        The request.
    known
        What it is going to write again, if all is well.
    kept
        How many tokens of the answer it is given.
    """

    body: bytes
    known: str = ""
    kept: int = 0


def why_not(asked: dict[str, Any], so_far: SoFar, route: str, backend: str) -> str:
    """Say why no replica at all can go on with an answer; empty where one may.

    Parameters
    ----------
    asked, route
        The request, and the path below ``/v1/``.
    so_far
        The answer as its client has seen it.
    backend
        What the replica that began it runs.
    """
    if so_far.more:
        return f"it holds {so_far.more}"
    if any(isinstance(asked.get(key), int) and asked[key] > 1 for key in ("n", "best_of")):
        return "the request asks for several answers at once (n)"
    # A number is a wish even where it is 0.
    if any(asked.get(key) is not None and asked[key] is not False for key in _LOGPROBS):
        return "the request asks for log-probabilities"
    for key, words in _OBSTACLES.items():
        if asked.get(key):
            return words
    return _chat_obstacle(asked, backend) if route == _CHAT else _text_obstacle(asked)


def unsuited(backend: str, asked: dict[str, Any], so_far: SoFar, route: str) -> str:
    """Say why a replica with this backend cannot go on with an answer that may go on; empty where it can.

    Where a form is prescribed, llama.cpp takes the text so far as the beginning of that form, and vLLM begins
    the form anew.
    """
    if not so_far.text or route != _CHAT:
        return ""
    if backend not in CONTINUES:
        return f"{backend} is not known to go on with a chat"
    if _is_shaped(asked) and backend != "llama.cpp":
        return f"{backend} would begin the prescribed form anew"
    return ""


def is_spent(asked: dict[str, Any], so_far: SoFar) -> bool:
    """Return whether all tokens that the request allows are written."""
    return any(isinstance(asked.get(key), int) and 0 < asked[key] <= so_far.tokens for key in _LIMITS)


def next_ask(asked: dict[str, Any], so_far: SoFar, route: str, *, whole: bool = False) -> Ask:
    """Return what to ask the next replica.

    A text that ends within a word is read as other tokens than those it was written in, and goes on badly.
    So the next replica is given the text up to the last gap between two words, and is to write the rest of
    it once more. A short text is written anew from its beginning where it has no gap, or where a word of its
    would be read as one with its prompt's last: two new lines where one ends and the other begins.

    Parameters
    ----------
    asked, route
        The request as its client sent it, and the path below ``/v1/``.
    so_far
        The answer as its client has seen it.
    whole
        Whether the text is to be given to its very end, since the rest of it did not come out the same.
    """
    if not so_far.text:
        return Ask(orjson.dumps(asked))
    end = len(so_far.text) if whole else _cut(so_far.text, "" if route == _CHAT else _prompt(asked))
    given, known = so_far.text[:end], so_far.text[end:]
    if not given:
        return Ask(orjson.dumps(asked), known)
    kept = _tokens_before(so_far, len(known))
    body = {**asked, **_reduced(asked, kept)}
    body |= _chat_with(asked, given) if route == _CHAT else _prompt_with(asked, given)
    return Ask(orjson.dumps(body), known, kept)


def _chat_obstacle(asked: dict[str, Any], backend: str) -> str:
    if asked.get("include_reasoning") is False:
        return "the model's reasoning is hidden"
    if asked.get("tool_choice") not in (None, "none", "auto"):
        return "the request demands the call of a tool"
    messages = asked.get("messages")
    last = messages[-1] if isinstance(messages, list) and messages else None
    if not isinstance(last, dict):
        return "the request has no messages"
    goes_on = asked.get("continue_final_message") is True or backend == "llama.cpp"
    if last.get("role") != "assistant":
        is_usual = asked.get("add_generation_prompt") is not False
        return "" if is_usual else "the request says how its messages end"
    if not goes_on:
        return "the request ends with a message of the assistant"
    ends_with_text = _with_text(last.get("content"), "") is not None
    return "" if ends_with_text else "the message that it goes on with holds more than text"


def _text_obstacle(asked: dict[str, Any]) -> str:
    if not isinstance(_prompt(asked), str):
        return "the request's prompt is not one text"
    return "the request prescribes a form" if _is_shaped(asked) else ""


def _prompt(asked: dict[str, Any]) -> Any:
    prompt = asked.get("prompt")
    return prompt[0] if isinstance(prompt, list) and len(prompt) == 1 else prompt


def _is_shaped(asked: dict[str, Any]) -> bool:
    """Return whether the answer has to have a form, such as that of JSON."""
    shape = asked.get("response_format")
    if isinstance(shape, dict) and shape.get("type") != "text":
        return True
    return any(value and (key in _SHAPED or key.startswith("guided_")) for key, value in asked.items())


def _cut(text: str, before: str) -> int:
    """Return where the text that is given ends: at the last gap between two words, if one is near.

    Parameters
    ----------
    text
        The answer so far.
    before
        What it was written behind, where it is read together with that.
    """
    gaps = [gap.start() for gap in _GAP.finditer(text, max(0, len(text) - REACH))]
    joins_at_gap = not before or _GAP.match(before[-1] + text[:2], 1)
    if len(text) <= REACH and not (gaps and joins_at_gap):
        return 0
    return gaps[-1] if gaps else len(text)


def _tokens_before(so_far: SoFar, length: int) -> int:
    """Return how many tokens were written before the last ``length`` characters."""
    tokens = so_far.tokens
    for size in reversed(so_far.sizes):
        if length <= 0:
            break
        length -= size
        # A piece that is cut in two has at least one token before the cut.
        tokens -= length >= 0
    return max(0, tokens)


def _reduced(asked: dict[str, Any], kept: int) -> dict[str, int]:
    """Return the limits on the number of tokens, less those that are written."""
    limits = {key: asked[key] - kept for key in _LIMITS if isinstance(asked.get(key), int) and asked[key] > 0}
    if isinstance(least := asked.get("min_tokens"), int):
        limits["min_tokens"] = max(0, least - kept)
    return limits


def _chat_with(asked: dict[str, Any], text: str) -> dict[str, Any]:
    """Return the messages with the text as the beginning of the last one."""
    messages = asked["messages"]
    last = messages[-1]
    if last["role"] == "assistant":
        messages = [*messages[:-1], {**last, "content": _with_text(last.get("content"), text)}]
    else:
        messages = [*messages, {"role": "assistant", "content": text}]
    return {"messages": messages, "continue_final_message": True, "add_generation_prompt": False}


def _prompt_with(asked: dict[str, Any], text: str) -> dict[str, Any]:
    prompt = asked["prompt"]
    return {"prompt": [prompt[0] + text] if isinstance(prompt, list) else prompt + text}


def _with_text(content: Any, text: str) -> Any:
    """Return a message's content with a text added; None where it does not end with text."""
    if isinstance(content, str):
        return content + text
    if isinstance(content, list) and content and isinstance(content[-1], dict):
        last = content[-1]
        if last.get("type") == "text" and isinstance(last.get("text"), str):
            return [*content[:-1], {**last, "text": last["text"] + text}]
    return None
