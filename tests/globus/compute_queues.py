"""The stand-in's side of AMQP: it reads results and heartbeats, and publishes tasks, commands and results."""

from __future__ import annotations

import contextlib
import logging
import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

import pika
from globus_compute_common import messagepack
from globus_compute_common.messagepack.message_types import EPStatusReport, Result

__all__ = ["Queues"]

INBOXES = ("results", "heartbeats")
PAUSE = 0.5

log = logging.getLogger("standin.queues")


class Queues:
    """Two threads over one broker, which come back after it was away.

    Parameters
    ----------
    url
        The broker's AMQP URL.
    on_result
        Called with the user endpoint's id, the result, and its bytes.
    on_heartbeat
        Called with each status report.
    """

    def __init__(
        self,
        url: str,
        on_result: Callable[[str, Result, bytes], None],
        on_heartbeat: Callable[[EPStatusReport], None],
    ) -> None:
        self.url = url
        self._on_result, self._on_heartbeat = on_result, on_heartbeat
        self._outbox: queue.Queue[tuple[str, dict[str, Any], Future[None]] | None] = queue.Queue()
        self._ready = threading.Event()
        self._ended = False
        self._consuming: pika.BlockingConnection | None = None
        self._threads = [threading.Thread(target=self._consume), threading.Thread(target=self._publish)]

    def start(self) -> None:
        """Connect, and return when the inboxes stand."""
        for thread in self._threads:
            thread.daemon = True
            thread.start()
        if not self._ready.wait(30):
            raise TimeoutError(f"no broker answers at {self.url}")

    def stop(self) -> None:
        """Disconnect."""
        self._ended = True
        self._outbox.put(None)
        if self._consuming is not None and self._consuming.is_open:
            with contextlib.suppress(pika.exceptions.AMQPError):
                self._consuming.add_callback_threadsafe(self._consuming.close)
        for thread in self._threads:
            thread.join(10)

    def inbox(self, endpoint: str, kind: str) -> dict[str, Any]:
        """Return what an endpoint needs to know to publish results or heartbeats."""
        how = {"exchange": kind, "routing_key": f"{endpoint}.{kind}", "mandatory": True}
        how["properties"] = {"delivery_mode": 2}
        return {"connection_url": self.url, "exchange": kind, "queue": kind, "queue_publish_kwargs": how}

    def outbox(self, name: str) -> dict[str, Any]:
        """Make a queue that an endpoint reads, and return what it needs to know for that."""
        self.declare(name)
        return {"connection_url": self.url, "exchange": "", "queue": name}

    def declare(self, name: str, **arguments: Any) -> None:
        """Make a queue, and return when it is there."""
        self._do("queue_declare", queue=name, durable=True, arguments=arguments).result(30)

    def send(self, name: str, body: bytes, **properties: Any) -> None:
        """Put a message into a queue."""
        self._do(
            "basic_publish",
            exchange="",
            routing_key=name,
            body=body,
            properties=pika.BasicProperties(**properties),
        )

    def _do(self, verb: str, **arguments: Any) -> Future[None]:
        done: Future[None] = Future()
        self._outbox.put((verb, arguments, done))
        return done

    def _connect(self) -> pika.BlockingConnection:
        while not self._ended:
            with contextlib.suppress(pika.exceptions.AMQPError, OSError):
                parameters = pika.URLParameters(self.url)
                parameters.heartbeat = 0
                return pika.BlockingConnection(parameters)
            time.sleep(PAUSE)
        raise SystemExit

    def _consume(self) -> None:
        while not self._ended:
            self._consuming = self._connect()
            with contextlib.suppress(pika.exceptions.AMQPError):
                channel = self._consuming.channel()
                for name in INBOXES:
                    channel.exchange_declare(name, exchange_type="topic", durable=True)
                    channel.queue_declare(name, durable=True)
                    channel.queue_bind(name, name, routing_key=f"*.{name}")
                    channel.basic_consume(name, self._take)
                self._ready.set()
                channel.start_consuming()

    def _take(self, channel: Any, method: Any, properties: Any, body: bytes) -> None:
        try:
            message = messagepack.unpack(body)
            if isinstance(message, Result):
                self._on_result(method.routing_key.rpartition(".")[0], message, body)
            elif isinstance(message, EPStatusReport):
                self._on_heartbeat(message)
        except Exception:
            log.exception("a message from an endpoint could not be taken")
        channel.basic_ack(method.delivery_tag)

    def _publish(self) -> None:
        self._ready.wait()
        connection = self._connect()
        channel = connection.channel()
        while (order := self._outbox.get()) is not None:
            verb, arguments, done = order
            while not done.done():
                try:
                    getattr(channel, verb)(**arguments)
                    done.set_result(None)
                except pika.exceptions.AMQPError:
                    connection = self._connect()
                    channel = connection.channel()
        with contextlib.suppress(pika.exceptions.AMQPError):
            connection.close()
