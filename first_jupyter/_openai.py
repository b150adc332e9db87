"""OpenAI's clients, bound to this kernel's server."""

from __future__ import annotations

from typing import Any

import openai

from first_jupyter._connection import connection

__all__ = ["AsyncOpenAI", "OpenAI"]

# Whoever names one of these speaks of another server: then these are OpenAI's clients and nothing else.
ELSEWHERE = ("base_url", "provider", "data_residency", "workload_identity")


class OpenAI(openai.OpenAI):
    """`openai.OpenAI` for this kernel's server; every argument that is given wins."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**_bound(options, openai.DefaultHttpxClient))


class AsyncOpenAI(openai.AsyncOpenAI):
    """`openai.AsyncOpenAI` for this kernel's server; every argument that is given wins."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**_bound(options, openai.DefaultAsyncHttpxClient))


def _bound(options: dict[str, Any], client: Any) -> dict[str, Any]:
    if any(options.get(name) is not None for name in ELSEWHERE):
        return options
    found = connection()
    bound = {"base_url": found.base_url, "api_key": found.api_key}
    if found.is_loopback:
        # A site's http_proxy must not see requests to this very machine.
        bound["http_client"] = client(trust_env=False)
    return bound | {name: value for name, value in options.items() if value is not None}
