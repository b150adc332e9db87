"""Runs one function for the process that spawned it, and reports in JSON lines.

The first line of standard input names the function: ``{"function": "serve", "args": [], "kwargs": {}}``. A
later line ``{"stop": true}`` asks for the end, and the end of the input, however it came, ends everything at
once. Standard output carries ``{"record": {...}}`` for each change, and at last ``{"result": ...}`` or
``{"error": "one sentence"}``.
"""

from __future__ import annotations

import contextlib
import inspect
import json
import os
import signal
import sys
import threading
import traceback
from typing import TYPE_CHECKING, Any

from . import functions
from .stopping import Stop

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["main"]


def main() -> int:
    """Run the function that standard input names."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    source, sink = take_standard_streams()
    lines = read_lines(source)
    stop = Stop()
    try:
        request = json.loads(next(lines, b""))
        name, args, kwargs = request["function"], request.get("args", []), request.get("kwargs", {})
    except (ValueError, KeyError, TypeError, AttributeError):
        write(sink, {"error": "the first line of the input is not JSON that names a function"})
        return 2
    if name not in functions.__all__:
        write(sink, {"error": f"there is no function {name!r}; there are: {', '.join(functions.__all__)}"})
        return 2
    threading.Thread(target=listen, args=(lines, stop), name="first-tether", daemon=True).start()
    function = getattr(functions, name)
    if {"stop", "report"} <= inspect.signature(function).parameters.keys():
        kwargs = {**kwargs, "stop": stop, "report": lambda record: write(sink, {"record": record})}
    try:
        result = function(*args, **kwargs)
    except Exception as error:  # noqa: BLE001  (the one who asked has to hear of it)
        traceback.print_exc()
        write(sink, {"error": f"{type(error).__name__}: {error}"})
        return 1
    write(sink, {"result": result})
    return 0


def take_standard_streams() -> tuple[int, int]:
    """Keep the pipes for ourselves: no library can write into them then, and no child hold them open."""
    source, sink = os.dup(0), os.dup(1)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
    os.dup2(2, 1)
    return source, sink


def read_lines(source: int) -> Iterator[bytes]:
    """Yield lines as they come; a daemon thread may be cut off here, so there is no buffer with a lock."""
    pending = b""
    while chunk := os.read(source, 65536):
        *lines, pending = (pending + chunk).split(b"\n")
        yield from lines


def listen(lines: Iterator[bytes], stop: Stop) -> None:
    """Pass on the wish to end, and take the end of the input for one."""
    for line in lines:
        with contextlib.suppress(ValueError, AttributeError):
            if json.loads(line).get("stop"):
                stop.ask("somebody asked it to end")
    stop.ask("the process it served is gone", hurry=True)


def write(sink: int, message: dict[str, Any]) -> None:
    """Write one line; nobody may be left to read it."""
    data = memoryview(json.dumps(message, separators=(",", ":")).encode() + b"\n")
    with contextlib.suppress(OSError):
        while data:
            data = data[os.write(sink, data) :]


if __name__ == "__main__":
    sys.exit(main())
