"""A replica whose node agent runs in a thread of the test, so that its limits can be made short."""

from __future__ import annotations

import threading
import time

from first_jupyter_remote import functions
from first_jupyter_remote.stopping import Stop


class InProcess:
    def __init__(self, spec, home, **kwargs):
        self.records = []
        self.result = None
        self.stop = Stop()
        self._news = threading.Condition()

        def run():
            self.result = functions.serve(spec, "r1", str(home), self._take, self.stop, **kwargs)

        self._thread = threading.Thread(target=run, daemon=True)
        self._thread.start()

    def _take(self, record):
        with self._news:
            self.records.append(record)
            self._news.notify_all()

    def wait(self, wanted, timeout=60.0):
        """Return the first record of all that is wanted."""
        end = time.monotonic() + timeout
        with self._news:
            while True:
                for record in self.records:
                    if wanted(record):
                        return record
                assert self._news.wait(max(0.0, end - time.monotonic())), self.records[-1:]

    def stage(self, *stages, timeout=60.0):
        return self.wait(lambda record: record["stage"] in stages, timeout)

    def end(self, timeout=60.0):
        """Return the last record, once it has ended."""
        self._thread.join(timeout)
        assert not self._thread.is_alive(), self.records[-1:]
        return self.result

    def close(self):
        self.stop.ask("the test is over", hurry=True)
        self.end()
