"""Jupyter's log as JSON lines, where its ``logging_config`` names this formatter."""

from __future__ import annotations

import logging
import re

from first_jupyter_remote.protocol.log_line import log_line

__all__ = ["JsonFormatter"]

_SECRETS = re.compile(
    r"""(token=)[^\s&'"]+|('\w*(?:token|password|secret|key)\w*': )(?:\w+\()?'[^']*'\)?""", re.IGNORECASE
)
"""Jupyter logs the address that it tells its user and, where all is logged, its configuration."""


class JsonFormatter(logging.Formatter):
    """One JSON object a record: time, level, logger, message, and the ``fields`` that the record carries."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, without Jupyter's own secrets."""
        fields = dict(getattr(record, "fields", {}))
        if record.exc_info and not record.exc_text:
            record.exc_text = self.formatException(record.exc_info)
        if record.exc_text:
            fields["exception"] = _SECRETS.sub(_blot, record.exc_text)
        message = _SECRETS.sub(_blot, record.getMessage())
        return log_line(record.created, record.levelname, record.name, message, fields)


def _blot(found: re.Match[str]) -> str:
    return f"{found[1] or found[2]}***"
