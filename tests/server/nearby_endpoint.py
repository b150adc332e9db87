"""A Globus Compute endpoint whose tasks run in threads here."""

import asyncio
from concurrent.futures import Future, ThreadPoolExecutor

from first_jupyter_remote import functions
from first_jupyter_server.clusters.globus_faults import explain

__all__ = ["Nearby"]


class Nearby:
    """An endpoint whose tasks run in threads here; it remembers each submission, and may spoil results."""

    def __init__(self):
        self.submissions, self.spoil, self.fault = [], lambda said: said, None
        self._threads = ThreadPoolExecutor(64)

    async def submit(self, config, function, *args):
        return (await self.submit_together(config, [(function, args)]))[0]

    async def submit_together(self, config, calls):
        self.submissions.append((config["role"], [(name, args) for name, args in calls]))
        if self.fault is not None:
            failed = Future()
            failed.set_exception(self.fault)
            return [failed] * len(calls)
        return [self._threads.submit(getattr(functions, name), *args) for name, args in calls]

    async def result(self, config, future):
        try:
            return self.spoil(await asyncio.shield(asyncio.wrap_future(future)))
        except (RuntimeError, OSError) as error:
            raise explain(error, endpoint="e-1") from error

    def made(self, name):
        return [args for _, calls in self.submissions for each, args in calls if each == name]

    def close(self):
        self._threads.shutdown(wait=False, cancel_futures=True)
