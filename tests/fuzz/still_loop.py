"""A loop that stands still: what is to happen later is kept, and happens when the test says so."""

import asyncio
from collections.abc import Callable
from typing import Any, Self


class StillLoop(asyncio.AbstractEventLoop):
    """All that the protocols ask of a loop, without a clock or a socket."""

    def __init__(self) -> None:
        self.soon: list[asyncio.Handle] = []
        self.timers: list[asyncio.TimerHandle] = []
        self.now = 0.0

    def time(self) -> float:
        """Return the time that it is."""
        return self.now

    def get_debug(self) -> bool:
        """Say that nothing is looked at closely."""
        return False

    def call_soon(self, callback: Callable[..., Any], *args: Any, context: Any = None) -> asyncio.Handle:
        """Keep it for ``run``."""
        handle = asyncio.Handle(callback, args, self, context)
        self.soon.append(handle)
        return handle

    def call_later(self, delay: float, callback: Any, *args: Any, context: Any = None) -> asyncio.TimerHandle:
        """Keep it for ``advance``."""
        return self.call_at(self.now + delay, callback, *args, context=context)

    def call_at(self, when: float, callback: Any, *args: Any, context: Any = None) -> asyncio.TimerHandle:
        """Keep it for ``advance``."""
        handle = asyncio.TimerHandle(when, callback, args, self, context)
        self.timers.append(handle)
        return handle

    def create_future(self) -> asyncio.Future[Any]:
        """Make a future."""
        return asyncio.Future(loop=self)

    def create_task(self, coro: Any, **_: Any) -> asyncio.Task[Any]:
        """Make a task, whose steps come when the loop runs."""
        return asyncio.Task(coro, loop=self)

    async def create_unix_connection(self, *_: Any, **__: Any) -> Any:
        """Reach nobody."""
        raise ConnectionRefusedError

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        """Hear that a timer was cancelled."""

    def run(self) -> None:
        """Do what was to be done soon, and what that leads to."""
        while self.soon:
            self.soon.pop(0)._run()

    def advance(self, seconds: float) -> None:
        """Let time pass, and do what was to be done by then."""
        end = self.now + seconds
        while due := [timer for timer in self.timers if timer.when() <= end]:
            first = min(due, key=asyncio.TimerHandle.when)
            self.timers.remove(first)
            self.now = max(self.now, first.when())
            if not first.cancelled():
                first._run()
            self.run()
        self.now = end

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        """Raise what a callback raised."""
        raise context["exception"]

    def __enter__(self) -> Self:
        asyncio._set_running_loop(self)
        return self

    def __exit__(self, *_: object) -> None:
        asyncio._set_running_loop(None)


class StillTransport(asyncio.Transport):
    """A transport that keeps what is written."""

    def __init__(self) -> None:
        super().__init__()
        self.written = bytearray()
        self.closed = self.ended = self.aborted = False
        self.reading = True
        self.unread = 0
        self.on_closed: Callable[[], None] = lambda: None

    def write(self, data: bytes) -> None:
        """Keep it; nothing may follow the end."""
        assert not self.ended, "something was written after the end"
        if not self.closed:
            self.written += data

    def writelines(self, list_of_data: Any) -> None:
        """Keep them."""
        self.write(b"".join(list_of_data))

    def can_write_eof(self) -> bool:
        """As TCP can."""
        return True

    def write_eof(self) -> None:
        """End what is written."""
        assert not self.ended, "it was ended twice"
        self.ended = True

    def close(self) -> None:
        """Close, once all is read."""
        if not self.closed:
            self.closed = True
            if not self.unread:
                self.on_closed()

    def abort(self) -> None:
        """Close at once."""
        if not self.aborted and (self.unread or not self.closed):
            self.closed = self.aborted = True
            self.on_closed()

    def get_write_buffer_size(self) -> int:
        """Return how much the other side has yet to read."""
        return self.unread

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """Keep whatever there is."""

    def is_closing(self) -> bool:
        """Say whether it was closed."""
        return self.closed

    def pause_reading(self) -> None:
        """Read no more."""
        self.reading = False

    def resume_reading(self) -> None:
        """Read on."""
        self.reading = True

    def is_reading(self) -> bool:
        """Say whether it reads."""
        return self.reading
