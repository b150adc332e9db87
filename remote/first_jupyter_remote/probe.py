"""One small HTTP request to an inference server, with an answer in any case."""

from __future__ import annotations

import http.client
import json
import socket
from dataclasses import dataclass
from typing import Any

__all__ = ["Address", "Answer", "ask", "free_port"]


@dataclass(frozen=True, slots=True)
class Address:
    """Where an inference server answers, and with which key."""

    host: str
    port: int
    key: str


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP status, 0 where there was no answer, and the text."""

    status: int
    text: str


def free_port(host: str) -> int:
    """Return a port of ``host`` that nobody listens on right now."""
    with socket.socket() as sock:
        sock.bind((host, 0))
        return int(sock.getsockname()[1])


def ask(address: Address, path: str, body: dict[str, Any] | None = None, timeout: float = 5.0) -> Answer:
    """GET ``path``, or POST ``body`` to it."""
    connection = http.client.HTTPConnection(address.host, address.port, timeout=timeout)
    headers = {"Authorization": f"Bearer {address.key}"}
    try:
        if body is None:
            connection.request("GET", path, headers=headers)
        else:
            headers["Content-Type"] = "application/json"
            connection.request("POST", path, json.dumps(body), headers)
        response = connection.getresponse()
        return Answer(response.status, response.read().decode(errors="replace"))
    except (OSError, http.client.HTTPException) as error:
        return Answer(0, str(error) or type(error).__name__)
    finally:
        connection.close()
