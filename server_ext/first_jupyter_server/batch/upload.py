"""A file on its way in: the parts of a form (RFC 7578), written to the disk as they come."""

from __future__ import annotations

import os
from pathlib import Path
from typing import IO

from python_multipart.exceptions import MultipartParseError
from python_multipart.multipart import MultipartParser, parse_options_header

from first_jupyter_server.errors import ApiError

from .limits import MAX_FILE, too_large

__all__ = ["Upload"]

MAX_FIELD = 65_536
"""Bytes of the other fields."""


class Upload:
    """The form of one upload; blocks, so it is fed in a thread.

    Parameters
    ----------
    content_type
        The request's.
    path
        Where the content of its field ``file`` goes.

    Raises
    ------
    ApiError
        400 where it is no such form.
    """

    def __init__(self, content_type: str, path: Path) -> None:
        kind, options = parse_options_header(content_type)
        if kind != b"multipart/form-data" or not options.get(b"boundary"):
            message = "Send the file as multipart/form-data with the fields 'purpose' and 'file'."
            raise ApiError(400, message, code="invalid_form")
        self._part, self._path = path.with_suffix(".part"), path
        self._file: IO[bytes] | None = None
        self._field, self._name, self._value = "", b"", b""
        self._headers: dict[bytes, bytes] = {}
        self._size = 0
        self.filename = ""
        self.fields: dict[str, str] = {}
        self._parser = MultipartParser(
            options[b"boundary"],
            {
                "on_part_begin": self._begin,
                "on_part_data": self._data,
                "on_part_end": self._end,
                "on_header_field": self._header_name,
                "on_header_value": self._header_value,
                "on_header_end": self._header_end,
                "on_headers_finished": self._open,
            },
        )

    @property
    def size(self) -> int:
        """Bytes of the file so far."""
        return self._size

    def feed(self, data: bytes) -> None:
        """Take a piece of the body.

        Raises
        ------
        ApiError
            400 where it is no form, 413 where the file is too large.
        OSError
            Where it cannot be written.
        """
        try:
            self._parser.write(data)
        except MultipartParseError as error:
            raise ApiError(400, f"The form cannot be read: {error}", code="invalid_form") from None

    def finish(self) -> None:
        """Put the file in its place.

        Raises
        ------
        ApiError
            400 where there was none, or not all of it.
        OSError
            Where it cannot be written.
        """
        if self._file is None or self._field:
            message = "The form has no whole field 'file'."
            raise ApiError(400, message, code="invalid_form", param="file")
        if self.fields.get("purpose") != "batch":
            message = f"'purpose' must be 'batch', not {self.fields.get('purpose')!r}."
            raise ApiError(400, message, code="invalid_value", param="purpose")
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        self._file = None
        self._part.replace(self._path)

    def close(self) -> None:
        """Drop what was not put in its place."""
        if self._file is not None:
            self._file.close()
            self._file = None
        self._part.unlink(missing_ok=True)

    # the parser's side

    def _begin(self) -> None:
        self._headers, self._name, self._value = {}, b"", b""

    def _header_name(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _header_end(self) -> None:
        self._headers[self._name.lower()] = self._value
        self._name, self._value = b"", b""

    def _open(self) -> None:
        _, options = parse_options_header(self._headers.get(b"content-disposition", b""))
        self._field = options.get(b"name", b"").decode("utf-8", "replace")
        if self._field == "file":
            self.filename = options.get(b"filename", b"").decode("utf-8", "replace") or "upload.jsonl"
            self._file = self._file or self._part.open("wb", buffering=2**20)
        else:
            self.fields[self._field] = ""

    def _data(self, data: bytes, start: int, end: int) -> None:
        if self._field == "file" and self._file is not None:
            self._size += end - start
            if self._size > MAX_FILE:
                raise too_large()
            self._file.write(data[start:end])
        elif len(self.fields[self._field]) < MAX_FIELD:
            self.fields[self._field] += data[start:end].decode("utf-8", "replace")

    def _end(self) -> None:
        self._field = ""
