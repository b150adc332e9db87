"""A RabbitMQ of one's own: on free loopback ports, with its own state folder and its own port mapper."""

from __future__ import annotations

import os
import socket
from pathlib import Path

from services import Daemon, free_ports, wait_for

__all__ = ["Broker"]

SERVER = "/usr/lib/rabbitmq/bin/rabbitmq-server"
START_LIMIT = 60.0
LEAN = "-kernel inet_dist_use_interface {127,0,0,1} +sbwt none +sbwtdcpu none +sbwtdio none +S 1:1"


class Broker:
    """The broker; it may be stopped and started again, with its queues kept.

    Parameters
    ----------
    folder
        An empty folder for its state and logs.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port, mapper, distribution = free_ports(3)
        self.url = f"amqp://guest:guest@127.0.0.1:{self.port}/%2F"
        for name in ("home", "mnesia", "log"):
            (folder / name).mkdir(parents=True)
        (folder / "enabled_plugins").write_text("[].")
        (folder / "rabbitmq.conf").write_text(f"listeners.tcp.default = 127.0.0.1:{self.port}\n")
        self._env = {
            **os.environ,
            "HOME": str(folder / "home"),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "ERL_EPMD_PORT": str(mapper),
            "RABBITMQ_NODENAME": "first@localhost",
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODE_PORT": str(self.port),
            "RABBITMQ_DIST_PORT": str(distribution),
            "RABBITMQ_MNESIA_BASE": str(folder / "mnesia"),
            "RABBITMQ_LOG_BASE": str(folder / "log"),
            "RABBITMQ_PID_FILE": str(folder / "pid"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "enabled_plugins"),
            "RABBITMQ_CONFIG_FILE": str(folder / "rabbitmq"),
            "RABBITMQ_CONF_ENV_FILE": "/dev/null",
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": LEAN,
        }
        self._mapper = ["epmd", "-address", "127.0.0.1", "-port", str(mapper)]
        self._daemons: list[Daemon] = []

    def start(self) -> Broker:
        """Start it, and return when it greets."""
        log = self.folder / "broker.log"
        # Ours from the start, because one that the broker starts would outlive it.
        self._daemons = [Daemon(self._mapper, log, self._env), Daemon([SERVER], log, self._env)]
        wait_for(self._greets, START_LIMIT, log, *self._daemons)
        return self

    def stop(self, grace: float = 20.0) -> None:
        """End it and its port mapper; without grace it keeps no message."""
        while self._daemons:
            self._daemons.pop().stop(grace)

    __enter__ = start

    def __exit__(self, *_: object) -> None:
        self.stop(grace=0.0)

    def _greets(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=2) as connection:
                connection.sendall(b"AMQP\x00\x00\x09\x01")
                return bool(connection.recv(1))
        except OSError:
            return False
