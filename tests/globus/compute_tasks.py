"""Functions and tasks as the hosted service knows them."""

from __future__ import annotations

import json
import threading
import time
import uuid
from dataclasses import dataclass, field
from typing import Any

from auth import Refused
from compute_endpoints import Claims, Endpoint
from compute_queues import Queues
from globus_compute_common import messagepack
from globus_compute_common.messagepack.message_types import Result, Task
from globus_compute_sdk.serialize.utils import pack_buffers

__all__ = ["Tasks"]

KEEP_RESULTS = 1800.0
QUEUE_LIFE_MS = 86_400_000


@dataclass
class OneTask:
    """One task and what became of it."""

    id: str
    owner: str
    group: str
    endpoint: str
    function: str
    buffer: str = field(repr=False)
    submitted: float = field(default_factory=time.time)
    result: Result | None = None
    ended: float | None = None

    def public(self) -> dict[str, Any]:
        """Return what the web API tells about it."""
        if self.result is None:
            return {"task_id": self.id, "status": "waiting-for-ep"}
        times = {each.state.value: each.timestamp for each in self.result.task_statuses or []}
        return {
            "task_id": self.id,
            "status": "failed" if self.result.is_error else "success",
            "exception" if self.result.is_error else "result": self.result.data,
            "completion_t": str(self.ended),
            "details": {**(self.result.details or {}), "task_transitions": times},
        }


@dataclass
class Group:
    """Tasks whose results share one queue."""

    owner: str
    tasks: list[str] = field(default_factory=list)
    queue: str | None = None


class Tasks:
    """All functions, tasks and task groups."""

    def __init__(self) -> None:
        self.functions: dict[str, dict[str, Any]] = {}
        self.all: dict[str, OneTask] = {}
        self.groups: dict[str, Group] = {}
        self.keep_results = KEEP_RESULTS
        self.queues: Queues
        self._lock = threading.Lock()

    def register(self, who: Claims, document: dict[str, Any]) -> str:
        """Register a function and return its id."""
        function = str(uuid.uuid4())
        self.functions[function] = {**document, "function_uuid": function, "owner": who["sub"]}
        return function

    def function(self, function: str) -> dict[str, Any]:
        """Return a function that there is."""
        try:
            return self.functions[function]
        except KeyError:
            raise Refused(404, "FUNCTION_NOT_FOUND", f"Function {function} could not be resolved") from None

    def submit(self, endpoint: Endpoint, who: Claims, order: dict[str, Any]) -> dict[str, Any]:
        """Put an order's tasks into an endpoint's queue."""
        name = order.get("task_group_id") or str(uuid.uuid4())
        group = self.groups.setdefault(name, Group(who["sub"]))
        if group.owner != who["sub"]:
            raise Refused(403, "FORBIDDEN", "the task group belongs to someone else")
        if order.get("create_queue") and group.queue is None:
            group.queue = self.prefix(who) + name
            self.queues.declare(group.queue, **{"x-expires": QUEUE_LIFE_MS})
        common = {"resource_specification": json.dumps(order.get("resource_specification"))}
        if order.get("result_serializers"):
            common["result_serializers"] = order["result_serializers"]
        ids: dict[str, list[str]] = {}
        for function, payloads in order["tasks"].items():
            for payload in payloads:
                buffer = code_of(self.function(function)) + payload
                task = OneTask(str(uuid.uuid4()), who["sub"], name, endpoint.id, function, buffer)
                with self._lock:
                    self.all[task.id] = task
                    group.tasks.append(task.id)
                ids.setdefault(function, []).append(task.id)
                self.queues.send(
                    f"{endpoint.id}.tasks",
                    messagepack.pack(Task(task_id=task.id, task_buffer=buffer)),
                    delivery_mode=2,
                    headers={"function_uuid": function, "task_uuid": task.id, **common},
                )
        return {"request_id": str(uuid.uuid4()), "task_group_id": name, "tasks": ids}

    def finish(self, endpoint: str, result: Result, body: bytes) -> None:
        """Take a result, keep it, and pass it on to who waits for it."""
        with self._lock:
            task = self.all.get(str(result.task_id))
            if task is None or task.result is not None or task.endpoint != endpoint:
                return
            task.result, task.ended = result, time.time()
            group = self.groups[task.group]
        if group.queue is not None:
            self.queues.send(group.queue, body, delivery_mode=2, timestamp=int(time.time()), headers={})

    def public(self, task: str, who: Claims) -> dict[str, Any] | None:
        """Return what the web API tells about a task; results are forgotten after half an hour."""
        found = self.all.get(task)
        if found is None or found.owner != who["sub"]:
            return None
        if found.ended is not None and time.time() - found.ended > self.keep_results:
            return None
        return found.public()

    @staticmethod
    def prefix(who: Claims) -> str:
        """Return how the names of an identity's result queues begin."""
        return f"sdk.{who['sub'][:8]}."


def code_of(function: dict[str, Any]) -> str:
    """Return a function's code as workers read it."""
    if function.get("serialized", True):
        return function["function_code"]
    return pack_buffers([f"st\n{function['function_name']}:{function['function_code']}"])
