"""Lines of an inference server's log as JSON, where ``FIRST_LOG_FORMAT`` is ``json``."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, Any

from .protocol.log_line import log_line

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["form_of"]

LEVEL = re.compile(r"^.{0,60}?\b(DEBUG|INFO|WARNING|ERROR|CRITICAL)\b")
REQUEST = re.compile(r'first: "\S+ \S* HTTP/[\d.]+" of request (\S+) took ([\d.]+) s$')
"""What ``vllm_server.py`` says of a request."""


def form_of(env: Mapping[str, str], logger: str, **fields: str) -> Callable[[str], str]:
    """Return what makes of a server's line what is written down: the line itself, or JSON.

    Parameters
    ----------
    env
        The environment that says which.
    logger, fields
        What JSON says of each line.
    """
    if env.get("FIRST_LOG_FORMAT") != "json":
        return str

    def in_json(line: str) -> str:
        level = found[1] if (found := LEVEL.match(line)) else "INFO"
        more: dict[str, Any] = dict(fields)
        if found := REQUEST.search(line):
            more |= {"request_id": found[1], "total_s": float(found[2])}
        return log_line(time.time(), level, logger, line, more)

    return in_json
