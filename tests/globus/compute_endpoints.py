"""Endpoints as the hosted service knows them: who is alive, which user endpoint serves whom."""

from __future__ import annotations

import hashlib
import json
import threading
import time
import uuid
from dataclasses import dataclass, field
from typing import Any

from auth import Refused
from compute_queues import Queues
from globus_compute_common.messagepack.message_types import EPStatusReport

__all__ = ["Claims", "Endpoint", "Endpoints"]

Claims = dict[str, Any]
"""What Globus Auth says about the holder of a token."""

START_LIMIT = 60.0
"""Seconds a user endpoint gets to come up before a submission is refused."""


@dataclass
class Endpoint:
    """One endpoint, of the managing sort or a user endpoint below one."""

    id: str
    name: str
    owner: str
    document: dict[str, Any] = field(default_factory=dict)
    parent: str | None = None
    heard: float | None = None
    report: dict[str, Any] = field(default_factory=dict)
    error: str | None = None

    @property
    def allowed_functions(self) -> list[str] | None:
        """The functions it may run, None for any."""
        return self.document.get("allowed_functions")

    @property
    def is_online(self) -> bool:
        """Whether its last report is recent."""
        period = self.report.get("heartbeat_period", 30) or 0
        return self.heard is not None and period > 0 and time.time() - self.heard < 2.5 * period + 5

    def public(self) -> dict[str, Any]:
        """Return what the web API tells about it."""
        metadata = self.document.get("metadata") or {}
        told = ("hostname", "local_user", "endpoint_config", "user_config_template", "user_config_schema")
        return {
            "uuid": self.id,
            "name": self.name,
            "display_name": self.document.get("display_name") or self.name,
            "owner": self.owner,
            "multi_user": bool(self.document.get("multi_user")),
            "public": bool(self.document.get("public")),
            "allowed_functions": self.allowed_functions,
            "endpoint_version": metadata.get("endpoint_version"),
            **{key: metadata.get(key) for key in told},
        }


class Endpoints:
    """All endpoints; the web API's threads and the reader of heartbeats meet here."""

    def __init__(self) -> None:
        self.all: dict[str, Endpoint] = {}
        self.queues: Queues
        self._news = threading.Condition()

    def get(self, endpoint_id: str) -> Endpoint:
        """Return an endpoint that there is."""
        try:
            return self.all[endpoint_id]
        except KeyError:
            raise Refused(404, "ENDPOINT_NOT_FOUND", f"Endpoint {endpoint_id} not found") from None

    def register(self, endpoint_id: str | None, who: Claims, document: dict[str, Any]) -> dict[str, Any]:
        """Register an endpoint, or one again, and return its queues."""
        known = self.all.get(endpoint_id or "")
        if known is not None and known.owner != who["sub"]:
            raise Refused(403, "FORBIDDEN", "the endpoint belongs to someone else")
        endpoint_id = endpoint_id or str(uuid.uuid4())
        endpoint = self.all.setdefault(
            endpoint_id, Endpoint(endpoint_id, document["endpoint_name"], who["sub"])
        )
        endpoint.document = document
        return {
            "endpoint_id": endpoint_id,
            "command_queue_info": self.queues.outbox(f"{endpoint_id}.commands"),
            "heartbeat_queue_info": self.queues.inbox(endpoint_id, "heartbeats"),
            "warnings": [],
        }

    def hear(self, report: EPStatusReport) -> None:
        """Take a status report; an endpoint that ends says so in its last one."""
        with self._news:
            endpoint = self.all.get(str(report.endpoint_id))
            if endpoint is None:
                return
            endpoint.report, endpoint.heard = report.global_state, time.time()
            endpoint.error = report.global_state.get("error")
            ends = (
                report.global_state.get("active") is False or report.global_state.get("heartbeat_period") == 0
            )
            if endpoint.error or ends:
                endpoint.heard = None
            self._news.notify_all()

    def user_endpoint(
        self, parent: Endpoint, who: Claims, config: dict[str, Any] | None, runtime: dict[str, Any] | None
    ) -> Endpoint:
        """Have the user endpoint for this identity and this configuration up, and return it.

        Below an endpoint that is offline it is only made: its tasks wait until the endpoint comes back.
        """
        child = self._child(parent, who, config)
        if not parent.is_online:
            return child
        credentials = {
            "endpoint_id": child.id,
            "task_queue_info": self.queues.outbox(f"{child.id}.tasks"),
            "result_queue_info": self.queues.inbox(child.id, "results"),
            "heartbeat_queue_info": self.queues.inbox(child.id, "heartbeats"),
        }
        identity = {"sub": who["sub"], "id": who["sub"], "username": who["username"], "name": who["username"]}
        command = {
            "command": "cmd_start_endpoint",
            "args": [],
            "kwargs": {
                "name": child.name,
                "amqp_creds": credentials,
                "user_opts": config or {},
                "user_runtime": runtime or {},
            },
            "globus_username": who["username"],
            "globus_effective_identity": who["sub"],
            "globus_identity_set": [
                {**identity, "email": who["username"], "identity_type": "login", "status": "used"}
            ],
        }
        child.error = None
        body = json.dumps(command).encode()
        self.queues.send(
            f"{parent.id}.commands", body, content_type="application/json", timestamp=int(time.time())
        )
        with self._news:
            up = self._news.wait_for(lambda: child.is_online or child.error, START_LIMIT)
        if child.error:
            raise Refused(422, "SEMANTICALLY_INVALID", f"Request payload failed validation: {child.error}")
        if not up:
            raise Refused(422, "SEMANTICALLY_INVALID", "the user endpoint did not start in time")
        return child

    def _child(self, parent: Endpoint, who: Claims, config: dict[str, Any] | None) -> Endpoint:
        key = json.dumps([parent.id, who["sub"], config], sort_keys=True)
        child_id = str(uuid.UUID(bytes=hashlib.md5(key.encode()).digest(), version=3))
        with self._news:
            new = Endpoint(child_id, f"uep.{parent.id}.{child_id}", who["sub"], parent=parent.id)
            child = self.all.setdefault(child_id, new)
        self.queues.declare(f"{child_id}.tasks")
        return child
