"""How large a file may be, and all of them together, on both ports and in the process of batches."""

from __future__ import annotations

from first_jupyter_server.errors import ApiError

__all__ = ["MAX_FILE", "MAX_FORM", "MAX_UPLOADS", "too_large"]

MAX_FILE = 2**30
"""Bytes of the largest file."""

MAX_FORM = MAX_FILE + 2**20
"""Bytes of the largest form that brings one."""

MAX_UPLOADS = 16 * MAX_FILE
"""Bytes of all files together, where nobody says otherwise."""


def too_large() -> ApiError:
    """Say that a file is larger than is taken."""
    message = f"The file is larger than {MAX_FILE // 2**20} MB; split it into several batches."
    return ApiError(413, message, code="file_too_large", param="file")
