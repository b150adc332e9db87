"""How much room all files of batches may take on the disk, those on their way among them."""

from __future__ import annotations

from collections.abc import Callable

from first_jupyter_server.errors import ApiError

__all__ = ["Quota"]


class Quota:
    """Refuses uploads that would go beyond it; results of batches count, and are never refused.

    Parameters
    ----------
    taken
        Returns the bytes of all files that there are; reads the disk.
    limit
        Bytes that there may be.
    """

    def __init__(self, taken: Callable[[], int], limit: int) -> None:
        self._taken, self._limit = taken, limit
        self._used = 0

    def begin(self, length: int) -> None:
        """Let an upload begin that says how long it is (0 where it does not); blocks.

        Raises
        ------
        ApiError
            413 where there is no room for it.
        """
        self._used = self._taken()
        self._check(length)

    def take(self, size: int) -> None:
        """Let so many bytes of an upload come.

        Raises
        ------
        ApiError
            413 where there is no room for them.
        """
        self._check(size)
        self._used += size

    def _check(self, more: int) -> None:
        if self._used + more > self._limit:
            message = (
                f"Files of batches take {self._used / 2**30:.1f} GB here, and with this one more than "
                f"the {self._limit / 2**30:.1f} GB that they may (FirstApp.max_uploads). Delete some that "
                "are needed no more: client.files.list(), client.files.delete(ID)."
            )
            raise ApiError(413, message, code="files_full", param="file")
