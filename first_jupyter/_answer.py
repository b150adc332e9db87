"""One answer: its text, who gave it, what it cost and how long it took."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

__all__ = ["Answer"]

ENDINGS = {
    "interrupted": "interrupted",
    "failed": "broke off",
    "length": "cut at the token limit",
    "content_filter": "cut by the server's content filter",
}
WAYS = {
    "tunnel": "through a tunnel",
    "rendezvous": "through a relay",
    "relay": "through Globus Compute",
}


@dataclass
class Answer:
    """One answer.

    Parameters
    ----------
    text
        What the model wrote, as it came.
    value
        The object that ``--schema`` made of it.
    model, cluster, replica, route
        Who served it, and over which path.
    request_id
        Finds the request in the server's ledger and log.
    usage
        ``prompt_tokens`` and ``completion_tokens``, as the backend counted them.
    seams
        Where it went on elsewhere, since the node that wrote it was lost: ``at`` (characters), ``from`` and
        ``to`` (replicas), and the new one's ``cluster``.
    finish
        ``stop``; or why it ended early: ``length``, ``content_filter``, ``interrupted``, ``failed``.
    first_token, seconds, warm_up
        Seconds until the first token (None for an answer that did not stream), in all, and until the model
        was warm if it was not.
    """

    text: str = ""
    value: Any = None
    model: str = ""
    cluster: str = ""
    replica: str = ""
    route: str = ""
    request_id: str = ""
    usage: dict[str, int] = field(default_factory=dict)
    seams: list[dict[str, Any]] = field(default_factory=list)
    finish: str = ""
    first_token: float | None = None
    seconds: float = 0.0
    warm_up: float | None = None

    @property
    def tokens_per_second(self) -> float | None:
        """Speed of writing, from the first token on."""
        count = self.usage.get("completion_tokens", 0)
        if self.first_token is None or count < 2 or self.seconds <= self.first_token:
            return None
        return (count - 1) / (self.seconds - self.first_token)

    @property
    def metadata(self) -> dict[str, dict[str, str]]:
        """Where the answer came from, for the notebook file."""
        names = ("model", "cluster", "replica", "route", "request_id")
        return {"first": {name: getattr(self, name) for name in names}}

    @property
    def footer(self) -> str:
        """One line for the foot of the answer."""
        count, speed = self.usage.get("completion_tokens"), self.tokens_per_second
        after = None if self.first_token is None else self.first_token - (self.warm_up or 0)
        parts = [
            self.model.rpartition("/")[2],
            f"{self.cluster}, {WAYS[self.route]}" if self.route in WAYS else self.cluster,
            f"continued on {self.seams[-1]['cluster']} after a node was lost" if self.seams else "",
            f"{count:,} token{'s' * (count != 1)}" if count is not None else "",
            f"in {self.seconds:.1f} s" if self.first_token is None and count else "",
            f"warmed up in {self.warm_up:.1f} s" if self.warm_up else "",
            f"first token {max(after, 0):.2f} s later" if self.warm_up and after is not None else "",
            f"first token in {after:.2f} s" if not self.warm_up and after is not None else "",
            f"{speed:.{0 if speed >= 10 else 1}f} tokens/s" if speed else "",
            ENDINGS.get(self.finish, ""),
        ]
        return " · ".join(part for part in parts if part)
