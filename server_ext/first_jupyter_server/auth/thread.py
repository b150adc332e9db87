"""The login's one thread: whatever blocks, or holds tokens in its frames, happens there."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

from first_jupyter_server.errors import ApiError

from .scopes import Wanted
from .storage import TokenFile

if TYPE_CHECKING:
    from .sdk import Sdk

__all__ = ["LoginThread"]

T = TypeVar("T")


class LoginThread:
    """Runs one thing after the other.

    Parameters
    ----------
    file, wanted
        As for ``Sdk``.
    """

    def __init__(self, file: TokenFile, wanted: Wanted) -> None:
        self._file, self._wanted = file, wanted
        self._executor = ThreadPoolExecutor(1, "first-globus")
        self._sdk: Sdk | None = None

    async def run(self, task: Callable[[], T]) -> T:
        """Run something, and let an error of ours come out of it without its frames."""
        try:
            return await asyncio.get_running_loop().run_in_executor(self._executor, task)
        except ApiError as error:
            raise error.with_traceback(None) from None

    async def ask(self, question: Callable[[Sdk], T]) -> T:
        """Ask Globus; globus-sdk is imported with the first question, since that takes half a second."""

        def task() -> T:
            if self._sdk is None:
                from .sdk import Sdk  # noqa: PLC0415

                self._sdk = Sdk(self._file, self._wanted)
            return question(self._sdk)

        return await self.run(task)

    def close(self) -> None:
        """Let it end after what it does now."""
        self._executor.shutdown(wait=False, cancel_futures=True)
