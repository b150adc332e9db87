"""A JupyterHub with configurable-http-proxy, and one user's server behind it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
from cluster import Lab, small_model
from endpoint import Agent, standin_environment
from jupyter_process import CACHE, OTHERS, free_port, wait_until

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["AtHub"]

PROXY = Path(__file__).parents[1] / "browser/node_modules/configurable-http-proxy/bin/configurable-http-proxy"
USER = "ada"
CONFIG = """
c.JupyterHub.bind_url = c.JupyterHub.public_url = {url!r}
c.JupyterHub.hub_port = {hub_port}
c.ConfigurableHTTPProxy.api_url = "http://127.0.0.1:{proxy_port}"
c.ConfigurableHTTPProxy.command = {proxy!r}
c.JupyterHub.authenticator_class = "dummy"
c.Authenticator.allowed_users = {{{user!r}}}
c.JupyterHub.spawner_class = "simple"
c.SimpleLocalProcessSpawner.home_dir_template = {home!r}
c.Spawner.cmd = [{python!r}, "-m", "jupyterhub.singleuser"]
c.Spawner.args = ["--allow-root"]
c.Spawner.environment = {environment!r}
c.JupyterHub.services = [{{"name": "test", "api_token": {token!r}}}]
c.JupyterHub.load_roles = [
    {{"name": "test", "scopes": ["admin:users", "admin:servers"], "services": ["test"]}}
]
"""


class AtHub(Lab):
    """A server of one user at a Hub, whose one model is on an agent's endpoint.

    Parameters
    ----------
    agent, client
        The endpoint, and the service account that asks it.
    home
        An empty folder.
    weights
        The model's.
    cluster
        Further keys of the cluster.
    """

    def __init__(self, agent: Agent, client: str, home: Path, weights: str, **cluster: Any) -> None:
        if not PROXY.exists() or (node := shutil.which("node")) is None:
            raise RuntimeError("configurable-http-proxy is missing: npm ci --prefix tests/browser")
        self.home, self.token = home, uuid.uuid4().hex
        self.mark = f"FIRST_TEST_MARK={uuid.uuid4()}"
        self.url = f"http://127.0.0.1:{free_port()}"
        for name in ("config", "runtime", "notebooks"):
            (home / name).mkdir(parents=True)
        place = {"kind": "globus-compute", "endpoint": agent.id, "models": [small_model(weights)], **cluster}
        (home / "config" / "first.yaml").write_text(json.dumps({"clusters": {"lab": place}}))
        said = {
            "url": self.url,
            "hub_port": free_port(),
            "proxy_port": free_port(),
            "proxy": [node, str(PROXY)],
            "user": USER,
            "home": str(home / "notebooks"),
            "python": sys.executable,
            "token": self.token,
            "environment": self._environment(standin_environment(agent.service, client, home / "sdk")),
        }
        (home / "hub.py").write_text(CONFIG.format(**said))
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(OTHERS)}
        with (home / "log").open("w") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "jupyterhub", "--config", "hub.py"],
                env=inherited | dict([self.mark.split("=")]),
                cwd=home,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        try:
            self._begin()
        except BaseException:
            self.process.kill()
            raise

    def _environment(self, standin: Mapping[str, str]) -> dict[str, str]:
        where = {
            f"JUPYTER_{name.upper()}_DIR": str(self.home / name) for name in ("config", "data", "runtime")
        }
        path = os.pathsep.join(filter(None, (standin["PYTHONPATH"], os.environ.get("PYTHONPATH"))))
        return {
            **where,
            **standin,
            "PYTHONPATH": path,
            "FIRST_CACHE": str(CACHE),
            "JUPYTERHUB_SINGLEUSER_APP": "jupyter_server.serverapp.ServerApp",
            **dict([self.mark.split("=")]),
        }

    def _begin(self) -> None:
        """Have the user's server started, as the Hub's page does."""
        headers = {"Authorization": f"Bearer {self.token}"}
        with httpx.Client(base_url=f"{self.url}/hub/api/", headers=headers, trust_env=False) as hub:
            wait_until(lambda: self._answers(hub), 60, lambda: self.log)
            hub.post(f"users/{USER}/server", timeout=60).raise_for_status()
        wait_until(lambda: list(self.home.glob("runtime/first-*.json")), 60, lambda: self.log)

    def _answers(self, hub: httpx.Client) -> bool:
        assert self.process.poll() is None, self.log
        try:
            return hub.get("users").is_success
        except httpx.TransportError:
            return False

    @property
    def runtime_file(self) -> Path:
        """Where a terminal finds the user's server."""
        return next(self.home.glob("runtime/first-*.json"))

    def restart_proxy(self) -> None:
        """Kill the Hub's proxy; the Hub starts it again."""
        (proxy,) = (pid for pid, words in self.processes().items() if "configurable-http-proxy" in words)
        os.kill(proxy, signal.SIGKILL)

    def close(self) -> None:
        """End it; a proxy that the Hub started a second time it leaves behind."""
        self.process.terminate()
        self.process.wait(timeout=60)
        for pid, words in self.processes().items():
            if "configurable-http-proxy" in words:
                os.kill(pid, signal.SIGKILL)
        super().close()
