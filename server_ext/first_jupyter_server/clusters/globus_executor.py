"""Runs first-jupyter's function on one Globus Compute endpoint, through the true SDK, in threads."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from logging import Logger
from typing import TYPE_CHECKING, Any, TypeVar

from .globus_bundle import bundle
from .globus_faults import ComputeFault, demanded, explain
from .globus_lock import Lock
from .globus_register import register

if TYPE_CHECKING:
    from globus_compute_sdk import Client, Executor
    from globus_sdk.authorizers import GlobusAuthorizer

    from first_jupyter_server.auth.demands import Demand

__all__ = ["CONTROL", "RELAY", "GlobusExecutor"]

Config = Mapping[str, Any]
T = TypeVar("T")

CONTROL: Config = {"role": "control"}
RELAY: Config = {"role": "relay"}
BURST, WINDOW = 8, 16
"""Submissions in so many seconds, for each configuration; the service takes 20 requests in 10 s."""


class GlobusExecutor:
    """One endpoint.

    The SDK waits for the network and holds locks while it does, so there is one client and one ``Executor``
    for each configuration of user endpoints, and another client for questions.

    Parameters
    ----------
    endpoint
        Its id.
    authorizer
        Gives what carries the login's token; called in a thread.
    demanded
        Says what an error demands of the person who is logged in, if anything, and has them told.
    function
        The id of the function to call; None registers one and remembers it.
    lock
        Where it is remembered.
    version
        The release, for the lock.
    log
        Where it is told what could not be remembered.
    """

    def __init__(
        self,
        endpoint: str,
        *,
        authorizer: Callable[[], GlobusAuthorizer],
        demanded: Callable[[Exception], Demand | None],
        function: str | None,
        lock: Lock,
        version: str,
        log: Logger,
    ) -> None:
        self.endpoint = endpoint
        self.seen: float | None = None
        """When it answered, or was said to be online, last; in seconds since the epoch."""
        self._authorizer, self._demanded = authorizer, demanded
        self._function = function
        self._lock_file, self._version, self._log = lock, version, log
        self._executors: dict[str, Executor] = {}
        self._all: list[Executor] = []
        self._closed = False
        self._asking: Client | None = None
        self._making, self._beginning_to_ask = threading.Lock(), threading.Lock()
        self._threads = ThreadPoolExecutor(4, thread_name_prefix="first-globus")

    async def prepare(self, config: Config) -> None:
        """Make ready what a submission needs: the SDK imported, a client made, the function registered.

        Raises
        ------
        ComputeFault
            Where there is no way to.
        """
        await self._do(lambda: self._ready(config))

    async def submit(self, config: Config, function: str, *args: Any, **kwargs: Any) -> Future[Any]:
        """Submit one of ``first_jupyter_remote.functions``; return before the endpoint has it.

        Raises
        ------
        ComputeFault
            Where there is no way to.
        """
        call = {"function": function, "args": list(args), "kwargs": kwargs}
        (future,) = await self._submit(config, [call])
        return future

    async def submit_together(
        self, config: Config, calls: Sequence[tuple[str, Sequence[Any]]]
    ) -> list[Future[Any]]:
        """Submit several functions with their arguments; the SDK makes one request of what comes at once.

        Raises
        ------
        ComputeFault
            Where there is no way to.
        """
        return await self._submit(
            config, [{"function": function, "args": list(args), "kwargs": {}} for function, args in calls]
        )

    async def _submit(self, config: Config, calls: Sequence[Mapping[str, Any]]) -> list[Future[Any]]:
        def submit() -> list[Future[Any]]:
            executor, function_id = self._ready(config)
            return [executor.submit_to_registered_function(function_id, (call,)) for call in calls]

        def submit_anew() -> list[Future[Any]]:
            try:
                return submit()
            except RuntimeError:
                # An Executor stops with a submission that fails, even if nobody waits for that one any more.
                self._drop(config)
                return submit()

        return await self._do(submit_anew)

    async def result(self, config: Config, future: Future[Any]) -> Any:
        """Wait for what a submission returns; leaving off waiting changes nothing about it.

        Raises
        ------
        ComputeFault
            Where it failed.
        """
        waiting = asyncio.wrap_future(future)
        waiting.add_done_callback(lambda done: done.cancelled() or done.exception())
        try:
            return await asyncio.shield(waiting)
        except asyncio.CancelledError:
            if future.cancelled():
                raise explain(TimeoutError(), endpoint=self.endpoint) from None
            raise
        except Exception as error:
            fault = self._explain(error)
            if "TaskExecutionFailed" not in type(error).__name__:
                # A submission that failed has stopped its Executor.
                self._drop(config)
            raise fault from error

    async def task_id(self, future: Future[Any]) -> str | None:
        """Wait for the id that the service gives a submission; None where it refused."""
        # The SDK has no event for it.
        while not future.done() and getattr(future, "task_id", None) is None:  # noqa: ASYNC110
            await asyncio.sleep(0.2)
        return getattr(future, "task_id", None)

    async def call(self, config: Config, function: str, *args: Any, patience: float) -> Any:
        """Submit a function and wait for its answer, at most so many seconds."""
        try:
            async with asyncio.timeout(patience):
                said = await self.result(config, await self.submit(config, function, *args))
        except TimeoutError as error:
            raise explain(error, endpoint=self.endpoint) from None
        self.seen = time.time()
        return said

    async def is_online(self) -> bool:
        """Ask the service whether the endpoint is online."""
        said = await self._do(lambda: self._questions().get_endpoint_status(self.endpoint))
        is_online: bool = said.get("status") == "online"
        if is_online:
            self.seen = time.time()
        return is_online

    async def has_ended(self, task: str) -> bool:
        """Ask the service whether a task of an earlier process is over.

        Raises
        ------
        ComputeFault
            Where it failed, or is forgotten, or the service does not say.
        """

        def ask() -> bool:
            found = self._questions().get_task(task)
            return not found.get("pending", True)

        return await self._do(ask)

    async def close(self) -> None:
        """Leave; tasks go on without us."""
        self._closed = True
        self._executors.clear()
        await asyncio.gather(*(asyncio.to_thread(_let_go, executor) for executor in tuple(self._all)))
        self._threads.shutdown(wait=False, cancel_futures=True)

    # in a thread

    async def _do(self, work: Callable[[], T]) -> T:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work)
        except Exception as error:
            raise self._explain(error) from error

    def _explain(self, error: Exception) -> ComputeFault:
        if (demand := self._demanded(error)) is not None:
            return demanded(demand.sentence)
        return explain(error, endpoint=self.endpoint, function=self._function)

    def _ready(self, config: Config) -> tuple[Executor, str]:
        from globus_compute_sdk import Executor  # noqa: PLC0415  # it takes a second to import

        with self._making:
            key = _key(config)
            if key not in self._executors:
                executor = Executor(
                    self.endpoint,
                    client=self._client(),
                    user_endpoint_config=dict(config),
                    result_serializers=["globus_compute_sdk.serialize.JSONData"],
                    api_burst_limit=BURST,
                    api_burst_window_s=WINDOW,
                )
                # Else it joins the group of an executor that another identity may have made.
                executor.task_group_id = None
                self._executors[key] = executor
                self._all.append(executor)
                if self._closed:
                    _let_go(executor)
                    raise RuntimeError("this server is shutting down")
            if self._function is None:
                self._function = self._registered(self._executors[key].client)
            return self._executors[key], self._function

    def _client(self) -> Client:
        """Make a client that neither sends nor takes pickles: a cluster cannot run code here."""
        from globus_compute_sdk import Client  # noqa: PLC0415
        from globus_compute_sdk.serialize import (  # noqa: PLC0415
            ComputeSerializer,
            JSONData,
            PureSourceTextInspect,
        )

        client = Client(authorizer=self._authorizer(), do_version_check=False)
        client.fx_serializer = ComputeSerializer(
            strategy_data="globus_compute_sdk.serialize.JSONData",
            allowed_deserializer_types=[JSONData, PureSourceTextInspect],
        )
        return client

    def _questions(self) -> Client:
        with self._beginning_to_ask:
            self._asking = self._asking or self._client()
            return self._asking

    def _registered(self, client: Client) -> str:
        digest = bundle().digest
        if (known := self._lock_file.get(digest)) is not None:
            return known
        function = register(client)
        try:
            self._lock_file.put(digest, function, self._version)
        except OSError as error:
            self._log.warning("%s could not be written: %s", self._lock_file.path, error)
        return function

    def _drop(self, config: Config) -> None:
        executor = self._executors.pop(_key(config), None)
        if executor is not None:
            self._threads.submit(executor.shutdown, wait=False, cancel_futures=True)


def _let_go(executor: Any) -> None:
    """Shut down, also what listens for results: it would keep this process until the last task has ended."""
    from globus_compute_sdk.sdk.executor import _RESULT_WATCHERS  # noqa: PLC0415

    executor.shutdown(wait=False, cancel_futures=True)
    # A submission that is under way would begin to listen when it is through; it takes this lock for that.
    executor._shutdown_lock.acquire(timeout=1.0)  # noqa: SLF001
    watcher: Any = _RESULT_WATCHERS.get(executor.task_group_id)
    if watcher is not None:
        watcher.shutdown(wait=False, cancel_futures=True)


def _key(config: Config) -> str:
    return json.dumps(config, sort_keys=True)
