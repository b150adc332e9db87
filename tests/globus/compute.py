"""Stands in for the hosted half of Globus Compute: its web API and its results, over a real RabbitMQ.

The unmodified SDK and the unmodified endpoint agent work against it. It keeps to the hosted limits, can be
told to misbehave (``web.faults``), and remembers every call and every payload. What it guesses about the
closed service: the bodies of errors, the ids of user endpoints, and that a submission waits until the user
endpoint is up.
"""

from __future__ import annotations

import contextlib
import threading
import time
import uuid
from collections import deque
from typing import Any, Self

from auth import COMPUTE, AuthStandIn, Refused
from compute_endpoints import Claims, Endpoints
from compute_queues import Queues
from compute_tasks import Tasks
from loopback import Request
from routes import UUID, Route, Routes

__all__ = ["ComputeStandIn"]

REQUESTS, SECONDS = 20, 10.0
PAYLOAD_LIMIT = 10 * 2**20


class ComputeStandIn:
    """The hosted service, beside the Globus Auth that says who holds a token.

    Parameters
    ----------
    auth
        Globus Auth.
    amqp
        The broker's URL.
    trusts_agents
        Let functions that are not allowed through, so that the agent alone has to refuse them.
    """

    def __init__(self, auth: AuthStandIn, amqp: str, *, trusts_agents: bool = False) -> None:
        self.auth = auth
        self.trusts_agents = trusts_agents
        self.requests_allowed = REQUESTS
        self.payloads: list[bytes] = []
        self.url = ""
        self.endpoints, self.tasks = Endpoints(), Tasks()
        self.queues = Queues(amqp, self.tasks.finish, self.endpoints.hear)
        self.endpoints.queues = self.tasks.queues = self.queues
        self.web = Routes(self._routes(), self._admit)
        self._recent: dict[str, deque[float]] = {}
        self._lock = threading.Lock()
        self._running = contextlib.ExitStack()

    def __enter__(self) -> Self:
        self.queues.start()
        self._running.callback(self.queues.stop)
        self.url = self._running.enter_context(self.auth.serving(self.web)).rstrip("/")
        return self

    def __exit__(self, *_: object) -> None:
        self._running.close()

    def contains(self, secret: str) -> bool:
        """Say whether a secret is in anything that was ever submitted or registered."""
        return any(secret.encode() in payload for payload in self.payloads)

    def _routes(self) -> list[Route]:
        return [
            ("GET", r"/v2/version", self._version),
            ("GET", r"/v2/get_amqp_result_connection_url", self._amqp_url),
            ("POST", r"/v3/endpoints", self._register_endpoint),
            ("PUT", rf"/v3/endpoints/{UUID}", self._register_endpoint),
            ("POST", rf"/v3/endpoints/{UUID}/submit", self._submit),
            ("POST", rf"/v3/endpoints/{UUID}/lock", self._lock_endpoint),
            ("GET", rf"/v3/endpoints/{UUID}/allowed_functions", self._allowed_functions),
            ("GET", r"/v2/endpoints", self._list_endpoints),
            ("GET", rf"/v2/endpoints/{UUID}", self._endpoint),
            ("GET", rf"/v2/endpoints/{UUID}/status", self._endpoint_status),
            ("DELETE", rf"/v2/endpoints/{UUID}", self._delete_endpoint),
            ("POST", r"/v3/functions", self._register_function),
            ("GET", rf"/v2/functions/{UUID}", self._function),
            ("DELETE", rf"/v2/functions/{UUID}", self._delete_function),
            ("GET", rf"/v2/tasks/{UUID}", self._task),
            ("POST", r"/v2/batch_status", self._batch_status),
            ("GET", rf"/v2/taskgroup/{UUID}", self._task_group),
        ]

    def _admit(self, request: Request) -> Claims:
        """Say who asks; refuse who asks too often or sends too much."""
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        who: Claims = {} if request.path == "/v2/version" else self.auth.whoami(token, COMPUTE)
        if len(request.raw) > PAYLOAD_LIMIT:
            raise Refused(413, "TASK_PAYLOAD_TOO_LARGE", "The payload is larger than 10 MB.")
        now = time.monotonic()
        with self._lock:
            recent = self._recent.setdefault(token, deque())
            while recent and now - recent[0] > SECONDS:
                recent.popleft()
            if len(recent) >= self.requests_allowed:
                raise Refused(429, "RATE_LIMIT_EXCEEDED", f"More than {REQUESTS} requests in {SECONDS:g} s.")
            recent.append(now)
        return who

    # the service

    def _version(self, request: Request, who: Claims) -> Any:
        oldest = dict.fromkeys(("min_sdk_version", "min_ep_version", "min_endpoint_version"), "1.0.0")
        return {"api": "2.0.0", **oldest} if request.query.get("service") == "all" else "2.0.0"

    def _amqp_url(self, request: Request, who: Claims) -> Any:
        return {"queue_prefix": self.tasks.prefix(who), "connection_url": self.queues.url}

    # endpoints

    def _register_endpoint(self, request: Request, who: Claims, endpoint: str | None = None) -> Any:
        return self.endpoints.register(endpoint, who, request.json)

    def _list_endpoints(self, request: Request, who: Claims) -> Any:
        everybodys = request.query.get("role") == "any"
        told = [endpoint.public() for endpoint in self.endpoints.all.values() if endpoint.parent is None]
        return [doc for doc in told if doc["owner"] == who["sub"] or (everybodys and doc["public"])]

    def _endpoint(self, request: Request, who: Claims, endpoint: str) -> Any:
        return self.endpoints.get(endpoint).public()

    def _endpoint_status(self, request: Request, who: Claims, endpoint: str) -> Any:
        found = self.endpoints.get(endpoint)
        return {"status": "online" if found.is_online else "offline", "details": found.report}

    def _delete_endpoint(self, request: Request, who: Claims, endpoint: str) -> Any:
        if self.endpoints.get(endpoint).owner != who["sub"]:
            raise Refused(403, "FORBIDDEN", "The endpoint belongs to someone else.")
        del self.endpoints.all[endpoint]
        return {"result": 302}

    def _lock_endpoint(self, request: Request, who: Claims, endpoint: str) -> Any:
        until = "2099-01-01T00:00:00"
        return {"endpoint_id": self.endpoints.get(endpoint).id, "lock_expiration_timestamp": until}

    def _allowed_functions(self, request: Request, who: Claims, endpoint: str) -> Any:
        allowed = self.endpoints.get(endpoint).allowed_functions
        return {"endpoint_id": endpoint, "restricted": allowed is not None, "functions": allowed or []}

    # functions and tasks

    def _register_function(self, request: Request, who: Claims) -> Any:
        self.payloads.append(request.raw)
        return {"function_uuid": self.tasks.register(who, request.json)}

    def _function(self, request: Request, who: Claims, function: str) -> Any:
        found = self.tasks.function(function)
        told = ("function_uuid", "function_name", "function_code", "description")
        return {**{key: found.get(key) for key in told}, "metadata": found.get("meta")}

    def _delete_function(self, request: Request, who: Claims, function: str) -> Any:
        self.tasks.functions.pop(function, None)
        return {"result": 302}

    def _submit(self, request: Request, who: Claims, endpoint: str) -> Any:
        self.payloads.append(request.raw)
        order, parent = request.json, self.endpoints.get(endpoint)
        for function in order["tasks"]:
            self.tasks.function(function)
            allowed = parent.allowed_functions
            if allowed and function not in allowed and not self.trusts_agents:
                reason = f"Function {function} not permitted on endpoint {endpoint}"
                raise Refused(403, "FUNCTION_NOT_PERMITTED", reason)
        config, runtime = order.get("user_endpoint_config"), order.get("user_runtime")
        child = self.endpoints.user_endpoint(parent, who, config, runtime)
        return {"endpoint_id": endpoint, **self.tasks.submit(child, who, order)}

    def _task(self, request: Request, who: Claims, task: str) -> Any:
        if (found := self.tasks.public(task, who)) is None:
            raise Refused(404, "TASK_NOT_FOUND", f"Task {task} not found")
        return found

    def _batch_status(self, request: Request, who: Claims) -> Any:
        found = {task: self.tasks.public(task, who) for task in request.json["task_ids"]}
        return {"response": "batch", "results": {task: doc for task, doc in found.items() if doc}}

    def _task_group(self, request: Request, who: Claims, group: str) -> Any:
        found = self.tasks.groups.get(str(uuid.UUID(group)))
        if found is None:
            raise Refused(404, "TASK_GROUP_NOT_FOUND", f"Task group {group} not found")
        tasks = [{"id": task} for task in found.tasks]
        return {"taskgroup_id": group, "create_websockets_queue": bool(found.queue), "tasks": tasks}
