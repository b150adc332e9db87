"""Asks Globus Compute which endpoints there are, and who is online; one that hangs delays nobody else."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from .base import Status
from .globus_bundle import bundle
from .globus_faults import ComputeFault, demanded, explain

if TYPE_CHECKING:
    from globus_compute_sdk import Client
    from globus_sdk.authorizers import GlobusAuthorizer

    from first_jupyter_server.auth.demands import Demand

__all__ = ["Endpoint", "GlobusDirectory"]

T = TypeVar("T")

KEEP = 60.0
PATIENCE = 10.0
FUNCTIONS = 5
"""How many of the functions that an endpoint allows are looked at; the service takes 20 requests in 10 s."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An endpoint as its owner made it known."""

    id: str
    name: str
    owner: str


class GlobusDirectory:
    """What the service tells of endpoints.

    The SDK's client holds a lock while it waits for the network, so each question has a client of its own,
    and a thread that does not keep Jupyter from ending.

    Parameters
    ----------
    authorizer
        Gives what carries the login's token; called in a thread.
    demanded
        Says what an error demands of the person who is logged in, if anything, and has them told.
    """

    def __init__(
        self,
        authorizer: Callable[[], GlobusAuthorizer],
        demanded: Callable[[Exception], Demand | None],
    ) -> None:
        self._authorizer, self._demanded = authorizer, demanded
        self._known: dict[str, tuple[float, Status]] = {}
        self._asking: dict[str, asyncio.Task[Status]] = {}

    async def usable(self) -> list[Endpoint]:
        """Return the endpoints that this login may use.

        Raises
        ------
        ComputeFault
            Where the service does not say.
        """
        found = await self._ask(lambda client: client.get_endpoints(role="any"))
        return [_endpoint(document) for document in found]

    async def endpoint(self, endpoint: str) -> Endpoint:
        """Return an endpoint by its id.

        Raises
        ------
        ComputeFault
            Where there is none, or the service does not say.
        """
        document = await self._ask(lambda client: client.get_endpoint_metadata(endpoint), endpoint)
        return _endpoint({"uuid": endpoint, **document})

    async def allowed(self, endpoint: str) -> str | None:
        """Return the function of this release where the endpoint allows only some; None where it needs none.

        Raises
        ------
        ComputeFault
            Where it allows others alone.
        """

        def find(client: Client) -> str | None:
            allowed = client.get_allowed_functions(endpoint)
            if not allowed.get("restricted"):
                return None
            for function in allowed["functions"][:FUNCTIONS]:
                if bundle().digest in (client.get_function(function).get("description") or ""):
                    return str(function)
            raise ComputeFault(
                f"the endpoint {endpoint} allows only certain functions, and none is this release's: ask its "
                "administrator for `first-remote register` and `first-remote deploy --allow`"
            )

        return await self._ask(find, endpoint)

    async def statuses(self, endpoints: Iterable[str]) -> dict[str, Status]:
        """Return who is online, as of a minute ago at most; who does not say in time is unknown."""
        ids = list(dict.fromkeys(endpoints))
        return dict(zip(ids, await asyncio.gather(*map(self._status, ids)), strict=True))

    async def _status(self, endpoint: str) -> Status:
        at, known = self._known.get(endpoint, (0.0, None))
        if known is not None and time.monotonic() - at < KEEP:
            return known
        if endpoint not in self._asking:
            task = self._asking[endpoint] = asyncio.create_task(self._look(endpoint))
            task.add_done_callback(lambda _: self._asking.pop(endpoint))
        try:
            async with asyncio.timeout(PATIENCE):
                return await asyncio.shield(self._asking[endpoint])
        except TimeoutError:
            return Status("unknown", f"Globus Compute has not told within {PATIENCE:.0f} s")

    async def _look(self, endpoint: str) -> Status:
        try:
            # Its end is waited for, so that an endpoint that hangs is asked about once and not at each look.
            said = await self._run(lambda client: client.get_endpoint_status(endpoint), endpoint)
        except ComputeFault as fault:
            return Status("unknown", fault.reason)
        online = said.get("status") == "online"
        status = Status("online") if online else Status("offline", "its agent on the cluster does not run")
        self._known[endpoint] = time.monotonic(), status
        return status

    async def _ask(self, question: Callable[[Client], T], endpoint: str = "") -> T:
        try:
            async with asyncio.timeout(PATIENCE):
                return await self._run(question, endpoint)
        except TimeoutError:
            fault = f"Globus Compute has not answered within {PATIENCE:.0f} s; try again"
            raise ComputeFault(fault, passing=True) from None

    async def _run(self, question: Callable[[Client], T], endpoint: str) -> T:
        def ask() -> T:
            from globus_compute_sdk import Client  # noqa: PLC0415  # it takes a second to import

            return question(Client(authorizer=self._authorizer(), do_version_check=False))

        try:
            return await asyncio.wrap_future(_in_thread(ask))
        except Exception as error:
            if (demand := self._demanded(error)) is not None:
                raise demanded(demand.sentence) from error
            raise explain(error, endpoint=endpoint) from error


def _endpoint(document: dict[str, Any]) -> Endpoint:
    name = document.get("display_name") or document.get("name") or ""
    return Endpoint(str(document["uuid"]), str(name), str(document.get("owner") or ""))


def _in_thread(work: Callable[[], T]) -> Future[T]:
    future: Future[T] = Future()
    future.set_running_or_notify_cancel()  # who leaves off waiting cannot cancel it

    def run() -> None:
        try:
            future.set_result(work())
        except Exception as error:  # noqa: BLE001  # it is the asker's
            future.set_exception(error)

    threading.Thread(target=run, name="first-directory", daemon=True).start()
    return future
