"""Runs the cluster's functions on this machine, each in a process that ends with the Jupyter server."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from collections.abc import Callable
from typing import Any

__all__ = ["LocalExecutor", "Task"]

LONGEST_LINE = 2**20
GRACE = 15.0
"""Seconds that a function gets to end what it started."""


class Task:
    """One function that runs.

    Its process is tethered: it ends when our end of its standard input closes, however that comes about.
    """

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    def stop(self) -> None:
        """Ask the function to come to its end."""
        stdin = self._process.stdin
        if stdin is not None and not stdin.is_closing():
            stdin.write(b'{"stop": true}\n')

    async def result(self, report: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
        """Wait for the function's end.

        Parameters
        ----------
        report
            Takes each record that the function reports on its way.

        Returns
        -------
        dict
            ``{"result": ...}``, or ``{"error": "one sentence"}``; of a process that ended without a word also
            ``killed``, whether a signal ended it.
        """
        outcome: dict[str, Any] = {}
        assert self._process.stdout is not None  # noqa: S101  # a pipe was asked for
        async for line in self._process.stdout:
            message = json.loads(line)
            if "record" in message:
                report(message["record"])
            else:
                outcome = message
        code = await self._process.wait()
        if outcome:
            return outcome
        return {"error": f"the node agent ended without a word (exit code {code})", "killed": code < 0}

    async def end(self) -> None:
        """End the process: first by asking, then by cutting the tether, at last by force."""
        self.stop()
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            async with asyncio.timeout(GRACE):
                await self._process.wait()
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()


class LocalExecutor:
    """Starts functions of ``first_jupyter_remote.functions`` by their name."""

    async def submit(self, function: str, *args: Any, **kwargs: Any) -> Task:
        """Start a function in a new process.

        Parameters
        ----------
        function
            Its name.
        args, kwargs
            Plain JSON values; they go over a pipe, so that no other user sees them in the list of processes.

        Raises
        ------
        OSError
            Where no process can be started.
        """
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "first_jupyter_remote.worker"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            limit=LONGEST_LINE,
            start_new_session=True,
        )
        assert process.stdin is not None  # noqa: S101  # a pipe was asked for
        call = {"function": function, "args": list(args), "kwargs": kwargs}
        process.stdin.write(json.dumps(call).encode() + b"\n")
        return Task(process)
