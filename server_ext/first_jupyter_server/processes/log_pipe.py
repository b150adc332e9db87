"""What a child logs goes into Jupyter's log: records over the pipe, shown as Jupyter is configured."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any

__all__ = ["forward", "record_of"]


class _PipeHandler(logging.Handler):
    """Sends records to the extension, from whatever thread they come."""

    def __init__(self, send: Callable[[dict[str, Any]], None]) -> None:
        super().__init__()
        self._send, self._loop = send, asyncio.get_running_loop()

    def emit(self, record: logging.LogRecord) -> None:
        try:
            self.format(record)  # an exception becomes its text
            told = {"type": "log", "level": record.levelno, "logger": record.name, "at": record.created}
            told |= {"message": record.getMessage(), "exception": record.exc_text}
            self._loop.call_soon_threadsafe(self._send, told)
        except Exception:  # noqa: BLE001  # as all handlers do: who logs must not fail for it
            self.handleError(record)


def forward(send: Callable[[dict[str, Any]], None]) -> None:
    """Have the warnings and errors that this process logs sent as messages ``{"type": "log"}``."""
    handler = _PipeHandler(send)
    handler.setLevel(logging.WARNING)  # Tornado has a line for each request that went well
    logging.getLogger().addHandler(handler)


def record_of(message: dict[str, Any]) -> logging.LogRecord:
    """Return the record that a message was made of."""
    return logging.makeLogRecord(
        {
            "levelno": message["level"],
            "levelname": logging.getLevelName(message["level"]),
            "name": message["logger"],
            "msg": message["message"],
            "created": message["at"],
            "exc_text": message["exception"],
        }
    )
