"""What llama.cpp and vLLM really sent, kept byte by byte in ``recorded``."""

import json
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).with_name("recorded")


def recorded(name):
    return (FOLDER / f"{name}.sse").read_bytes()


@dataclass
class Seen:
    """What a client makes of a stream."""

    text: str
    ids: set
    created: set
    roles: int
    finishes: list
    usage: dict | None
    seams: list
    done: bool
    errors: list


def seen(raw):
    """Read a stream as a client does, which raises where an event is not whole."""
    lines = raw.decode().split("\n")
    payloads = [line.removeprefix("data: ") for line in lines if line.startswith("data: ")]
    events = [json.loads(payload) for payload in payloads if payload != "[DONE]"]
    chunks = [event for event in events if "error" not in event]
    choices = [choice for chunk in chunks for choice in chunk["choices"]]
    deltas = [choice.get("delta", choice) for choice in choices]
    return Seen(
        text="".join(delta.get("content") or delta.get("text") or "" for delta in deltas),
        ids={chunk["id"] for chunk in chunks},
        created={chunk["created"] for chunk in chunks},
        roles=sum("role" in delta for delta in deltas),
        finishes=[choice["finish_reason"] for choice in choices if choice.get("finish_reason")],
        usage=next((chunk["usage"] for chunk in reversed(chunks) if chunk.get("usage")), None),
        seams=[chunk["x_first"]["seams"] for chunk in chunks if "x_first" in chunk],
        done=payloads[-1:] == ["[DONE]"],
        errors=[event["error"] for event in events if "error" in event],
    )
