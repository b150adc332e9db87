"""The true Globus Compute agent, with an endpoint by ``first-remote deploy``, in front of the stand-ins."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import uuid
from pathlib import Path
from typing import Any

import yaml
from compute import ComputeStandIn
from services import Daemon, in_session, wait_for

__all__ = ["Agent", "standin_environment"]

HERE = Path(__file__).parent
CACHE = Path(os.environ.get("FIRST_CI_CACHE") or "~/.cache/first-jupyter-ci").expanduser()
PYTHON = Path(os.environ.get("FIRST_TEST_GLOBUS_PYTHON") or CACHE / "globus-compute-4.19.0/bin/python")
START_LIMIT = 90.0
# The stand-in's broker has a port of its own.
CONFIG = {"email": "admin@lab.example", "heartbeat_period": 5, "amqp_port": None}
OPTIONS = (
    *("--profile", "slurm", "--queue", "debug", "--walltime", "00:30:00", "--nodes", "2"),
    *("--gpus-per-node", "2", "--cpus-per-node", "2", "--max-replicas", "2"),
    *("--address", "127.0.0.1", "--venv", str(PYTHON.parents[1])),
)
CHANGES = {
    "user_config_template.yaml.j2": {
        # A lost user endpoint is noticed sooner; the idle limits, counted in heartbeats, stay as long.
        "\nheartbeat_period: 30": "\nheartbeat_period: 5",
        "idle_heartbeats_soft: 20": "idle_heartbeats_soft: 120",
        "idle_heartbeats_soft: 60": "idle_heartbeats_soft: 360",
        # So is a lost job, which may have been given the next task meanwhile.
        "heartbeat_period: 5\n  heartbeat_threshold: 30": "heartbeat_period: 2\n  heartbeat_threshold: 10",
        # A job without a replica is given back sooner.
        "strategy_period: 5": "strategy_period: 2",
        "max_idletime: 15": "max_idletime: 5",
    },
    # A test may see a job reach its walltime.
    "user_config_schema.json": {'"minimum": 5,': '"minimum": 1,'},
}
"""What is not as written: the text of a file, and what stands there instead."""


def standin_environment(service: ComputeStandIn, client: str, folder: Path) -> dict[str, str]:
    """Return what a process needs to take the stand-ins for the hosted services.

    Parameters
    ----------
    client
        The id of a client that Globus Auth shall know.
    folder
        Where the SDK keeps its tokens.
    """
    known = service.auth.confidential.setdefault(client, {"secret": uuid.uuid4().hex, "redirects": set()})
    return {
        "PYTHONPATH": str(HERE / "address"),
        "FIRST_TEST_COMPUTE_URL": service.url,
        "GLOBUS_SDK_SERVICE_URL_AUTH": f"{service.url}/",
        "GLOBUS_COMPUTE_USER_DIR": str(folder),
        "GLOBUS_COMPUTE_CLIENT_ID": client,
        "GLOBUS_COMPUTE_CLIENT_SECRET": known["secret"],
        "NO_PROXY": "127.0.0.1,localhost",
        "no_proxy": "127.0.0.1,localhost",
    }


class Agent:
    """An endpoint and its agent.

    Parameters
    ----------
    service
        The hosted service.
    folder
        An empty folder for the endpoint's files, the agent's logs and the cluster's home folder.
    client
        The client whose endpoint it is; the same identity may start user endpoints there.
    environment
        What tasks find in their environment besides ``PATH`` and ``HOME``.
    settings
        Further keys of its ``config.yaml``, such as ``allowed_functions``.
    """

    def __init__(
        self,
        service: ComputeStandIn,
        folder: Path,
        client: str,
        environment: dict[str, str] | None = None,
        **settings: Any,
    ) -> None:
        self.service, self.folder = service, folder
        self.id = str(uuid.uuid4())
        self.home = folder / "home"
        self.log = folder / "agent.log"
        self._files = folder / "agent" / "lab"
        self.home.mkdir(parents=True)
        path = f"{PYTHON.parent}:/usr/local/bin:/usr/bin:/bin"
        here = {"PATH": path, "HOME": str(self.home), "PYTHONPATH": str(HERE / "address")}
        self._env = {**os.environ, **standin_environment(service, client, folder / "agent"), **here}
        deploy(self._files, {**here, **(environment or {})}, self.log)
        self._change("user_environment.yaml", **here, **(environment or {}))
        self._change("config.yaml", **CONFIG, **settings)
        (self._files / "endpoint.json").write_text(json.dumps({"endpoint_id": self.id}))
        self._daemon: Daemon | None = None

    def start(self, **settings: Any) -> Agent:
        """Start the agent, with further keys of its ``config.yaml``, and return when it is online."""
        self._change("config.yaml", **settings)
        command = [PYTHON.with_name("globus-compute-endpoint"), "start", "lab"]
        self._daemon = Daemon(command, self.log, self._env)
        wait_for(self.is_online, START_LIMIT, self.log, self._daemon)
        return self

    def stop(self) -> None:
        """Stop the agent, its user endpoints and their blocks."""
        if self._daemon is not None:
            self._daemon.stop(grace=40)
            self._daemon = None

    def kill(self) -> None:
        """Kill the agent and its user endpoints, as a crash of the login node does."""
        if self._daemon is None:
            return
        for pid in [*in_session(self._daemon.pid)]:
            os.kill(pid, signal.SIGKILL)
        self._daemon.stop()
        self._daemon = None
        # It would take it for a sign that it runs, perhaps on another login node.
        (self._files / "daemon.pid").unlink(missing_ok=True)

    __enter__ = start

    def __exit__(self, *_: object) -> None:
        self.kill()

    def is_online(self) -> bool:
        """Say whether the service has heard of it lately."""
        endpoint = self.service.endpoints.all.get(self.id)
        return endpoint is not None and endpoint.is_online

    def _change(self, name: str, **changed: Any) -> None:
        path = self._files / name
        path.write_text(yaml.safe_dump({**yaml.safe_load(path.read_text()), **changed}))


def deploy(folder: Path, environment: dict[str, str], log: Path) -> None:
    """Write an endpoint for the Slurm of ``slurm.py`` as an administrator would, and quicken it."""
    command = [
        Path(sys.executable).with_name("first-remote"),
        "deploy",
        folder.name,
        "--out",
        folder,
        *OPTIONS,
    ]
    ours = f"{environment['PYTHONPATH']}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"
    environment = {**environment, "PYTHONPATH": ours}
    with log.open("ab") as file:
        subprocess.run(command, env=environment, stdout=file, stderr=file, check=True)
    for name, changes in CHANGES.items():
        text = (folder / name).read_text()
        for written, wanted in changes.items():
            assert text.count(written) == 1, f"{name} has changed; it no longer has one {written!r}"
            text = text.replace(written, wanted)
        (folder / name).write_text(text)
