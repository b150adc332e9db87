"""A server that may open few files: who finds no room is told so, and nobody is hung up on."""

from __future__ import annotations

import asyncio
import json
from collections import Counter

import httpx
import pytest
from campus import MODEL, Campus
from jupyter_process import free_port

FEW = ("prlimit", "--nofile=256:256")
MORE = 160
"""Clients at once, of whom not all have room."""


@pytest.fixture
def slow_campus():
    """Start a server that takes its time."""
    server = Campus(free_port(), slots=MORE, milliseconds=1500)
    yield server
    server.kill()


async def ask(server):
    """Ask on a connection of one's own; return the status and what is said of it."""
    found = server.found
    headers = {"Authorization": f"Bearer {found['api_key']}"}
    body = {"model": MODEL, "messages": [{"role": "user", "content": "Hello"}]}
    async with httpx.AsyncClient(headers=headers, timeout=60, trust_env=False) as client:
        answer = await client.post(f"{found['base_url']}/chat/completions", json=body)
    return answer.status_code, answer.json().get("error", {}).get("code")


async def test_more_clients_than_descriptors_are_answered_or_told(jupyter, slow_campus):
    federation = json.dumps({"clusters": {"campus": slow_campus.section}})
    server = await asyncio.to_thread(jupyter, federation=federation, inside=FEW)
    said = Counter(await asyncio.gather(*(ask(server) for _ in range(MORE))))
    assert set(said) == {(200, None), (503, "too_many_connections")}
    assert await ask(server) == (200, None)
