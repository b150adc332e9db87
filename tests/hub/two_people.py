"""A JupyterHub as docs/administrators.md has it set up, and two people with Unix accounts of their own."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import uuid
from functools import cache
from importlib import resources
from pathlib import Path

import httpx
import openai
import pytest
import yaml
from jupyter_process import CACHE, OTHERS, SMOLLM2, free_port, wait_until
from slow import MODEL

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
PROXY = ROOT / "tests/browser/node_modules/configurable-http-proxy/bin/configurable-http-proxy"
MORE = """
c.JupyterHub.bind_url = {url!r}
c.JupyterHub.hub_port = {hub_port}
c.ConfigurableHTTPProxy.api_url = "http://127.0.0.1:{proxy_port}"
c.ConfigurableHTTPProxy.command = {proxy!r}
c.JupyterHub.authenticator_class = "dummy"
c.Authenticator.allowed_users = {{"ada", "bob"}}
c.Spawner.environment = {environment!r}
c.JupyterHub.services[0]["environment"] = dict([{mark!r}])
c.JupyterHub.services.append({{"name": "test", "api_token": {token!r}}})
c.JupyterHub.load_roles.append(
    {{"name": "test", "scopes": ["admin:users", "admin:servers", "tokens"], "services": ["test"]}}
)
"""


WRITE = """
import json, pathlib, sys
(folder := pathlib.Path(sys.argv[1])).mkdir()
print(json.dumps([(folder / name).write_text(text) for name, text in json.loads(sys.argv[2]).items()]))
"""


def documented(language, section="With JupyterHub"):
    """Return the blocks of a language in that section of docs/administrators.md."""
    text = (ROOT / "docs/administrators.md").read_text()
    text = text.partition(f"\n## {section}\n")[2].partition("\n## ")[0]
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


class Hub:
    """It, its proxy, and all that it starts."""

    def __init__(self, folder):
        if os.geteuid() != 0 or not PROXY.exists():
            pytest.fail("two accounts need root, and npm ci --prefix tests/browser; or use -m 'not hub'")
        self.folder, self.token = folder, uuid.uuid4().hex
        self.mark = f"FIRST_TEST_MARK={uuid.uuid4()}"
        self.url = f"http://127.0.0.1:{free_port()}"
        self.slow = free_port()
        shutil.copytree("/etc", folder / "etc", symlinks=True, ignore_dangling_symlinks=True)
        (folder / "home").mkdir()
        (folder / "hub").mkdir(mode=0o700)
        (folder / "tmp").mkdir()
        (folder / "tmp").chmod(0o1777)
        (folder / "etc/jupyter").mkdir(exist_ok=True)
        (folder / "etc/jupyter/first.yaml").write_text(json.dumps(self.site()))
        said = {
            "url": self.url,
            "hub_port": free_port(),
            "proxy_port": free_port(),
            "proxy": [shutil.which("node"), str(PROXY)],
            "mark": self.mark.split("="),
            "environment": {
                "FIRST_CACHE": str(CACHE),
                "TMPDIR": str(folder / "tmp"),
                "JUPYTERHUB_ACTIVITY_INTERVAL": "1",
                **dict([self.mark.split("=")]),
            },
            "token": self.token,
        }
        (config,) = documented("python")
        (folder / "hub/jupyterhub_config.py").write_text(config + MORE.format(**said))
        needed = [sys.base_prefix, str(ROOT), str(CACHE)]
        command = ["unshare", "--mount", "--propagation", "private", "sh", str(HERE / "machine.sh")]
        command += [str(folder), *needed, "--", sys.executable, "-m", "jupyterhub"]
        env = {name: value for name, value in os.environ.items() if not name.startswith(OTHERS)}
        env["PATH"] = f"{Path(sys.executable).parent}:{env['PATH']}"
        with (folder / "log").open("w") as log:
            where = {"cwd": folder / "hub", "stdout": log, "stderr": log, "start_new_session": True}
            self.process = subprocess.Popen(command, env=env | dict([self.mark.split("=")]), **where)
        self.campus = subprocess.Popen([sys.executable, str(HERE / "slow.py"), str(self.slow)])
        wait_until(self._answers, 60, lambda: self.log)

    def site(self):
        """Return what the site's file says: one server of others, one model of everybody's own."""
        text = resources.files("first_jupyter_server").joinpath("embedded.yaml").read_text()
        weights = yaml.safe_load(text)["clusters"]["local"]["models"][0]["weights"]
        model = {"id": SMOLLM2, "backend": "llama.cpp", "weights": weights, "args": ["--threads", "1"]}
        campus = {"kind": "openai", "url": f"http://127.0.0.1:{self.slow}/v1", "models": [{"id": MODEL}]}
        return {
            "clusters": {"campus": campus, "here": {"kind": "local", "models": [model]}},
            "allow": [{"clusters": ["campus"], "users": ["ada", "bob"]}, {"clusters": ["here"]}],
        }

    def _answers(self):
        assert self.process.poll() is None, self.log
        try:
            return self.api("GET", "users").is_success
        except httpx.TransportError:
            return False

    @property
    def log(self):
        return (self.folder / "log").read_text()[-4_000:]

    def api(self, verb, path, **body):
        """Ask the Hub itself, as an administrator's service."""
        headers = {"Authorization": f"Bearer {self.token}"}
        return httpx.request(
            verb, f"{self.url}/hub/api/{path}", headers=headers, json=body, timeout=60, trust_env=False
        )

    def person(self, name):
        """Have a person's server running."""
        return Person(self, name)

    def close(self):
        """End it with all that it started; what that leaves is in its folder."""
        self.campus.kill()
        self.campus.wait()
        self.process.kill()
        self.process.wait()
        for pid in self.processes():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def processes(self):
        """Return the command lines of all that it has started, by process id."""
        found = {}
        for entry in Path("/proc").iterdir():
            with contextlib.suppress(OSError):
                if entry.name.isdigit() and self.mark.encode() in (entry / "environ").read_bytes():
                    found[int(entry.name)] = (entry / "cmdline").read_text().replace("\0", " ")
        return found


class Person:
    """Somebody with an account, and a server that the Hub has started."""

    def __init__(self, hub, name):
        self.hub, self.name = hub, name
        self.home = hub.folder / "home" / name
        if (answer := hub.api("POST", f"users/{name}")).status_code != 409:
            answer.raise_for_status()

    def start(self):
        """Have the server started, unless it runs; one that is being culled is waited for."""

        def is_asked_for():
            return self.runs or self.hub.api("POST", f"users/{self.name}/server").status_code in (201, 202)

        wait_until(is_asked_for, 60, lambda: self.hub.log)
        wait_until(lambda: self.runs and self.runtime_files, 60, lambda: self.hub.log)

    def set_all_that_one_can(self):
        """Have the home hold settings and federation files that would change much."""
        clusters = {
            name: json.dumps({"clusters": {name: self.hub.site()["clusters"]["campus"]}}) for name in "ab"
        }
        settings = {"openai_env": "always", "max_body": 7}
        files = {
            "first.yaml": clusters["a"],
            "b.yaml": clusters["b"],
            "jupyter_first_config.json": json.dumps({"FirstApp": settings}),
            "jupyter_server_config.json": json.dumps(
                {"FirstApp": {**settings, "federation_file": f"/home/{self.name}/.jupyter/b.yaml"}}
            ),
        }
        self.run(WRITE, f"/home/{self.name}/.jupyter", json.dumps(files))

    @property
    def runs(self):
        """Whether the Hub has the server ready."""
        said = self.hub.api("GET", f"users/{self.name}").raise_for_status().json()
        return bool(said["servers"].get("", {}).get("ready"))

    @property
    def runtime_files(self):
        return list(self.home.glob(".local/share/jupyter/runtime/first-*.json"))

    @property
    def found(self):
        """What a terminal of the person's finds."""
        (file,) = self.runtime_files
        return json.loads(file.read_text())

    @property
    def key(self):
        return self.found["api_key"]

    @cache  # noqa: B019  # there are two of them
    def token(self):
        """Return a Hub token of the person's."""
        asked = {"note": "a client", "scopes": ["access:servers!user", "self"]}
        return self.hub.api("POST", f"users/{self.name}/tokens", **asked).raise_for_status().json()["token"]

    @property
    def url(self):
        """The address of the person's server behind the Hub's proxy."""
        return f"{self.hub.url}/user/{self.name}/"

    def port(self, key=""):
        """Return a client of that address."""
        return _client(self.url, key)

    def kernels_port(self, key=""):
        """Return a client of the port on 127.0.0.1."""
        return _client(self.found["base_url"].removesuffix("first/v1"), key)

    def openai(self, key):
        """Return OpenAI's own client of the address behind the proxy."""
        return openai.OpenAI(base_url=f"{self.url}first/v1", api_key=key, max_retries=0)

    @contextlib.contextmanager
    def browser(self, *, at=None):
        """Yield a browser in which the person has logged in and opened a server, their own by default."""
        with _client((at or self).url, "") as browser:
            page = browser.get(f"{self.hub.url}/hub/login")
            form = {"username": self.name, "password": "-", "_xsrf": page.cookies["_xsrf"]}
            browser.post(f"{self.hub.url}/hub/login", data=form).raise_for_status()
            browser.opened = browser.get("lab")
            yield browser

    def run(self, code, *arguments):
        """Run Python on that machine as this person; return what it printed, as JSON."""
        uid = self.home.stat().st_uid
        command = ["nsenter", f"--mount=/proc/{self.hub.process.pid}/ns/mnt", "setpriv"]
        command += [f"--reuid={uid}", f"--regid={uid}", "--clear-groups", sys.executable, "-I", "-c", code]
        done = subprocess.run([*command, *arguments], capture_output=True, text=True, cwd="/", check=False)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)


def _client(url, key):
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    return httpx.Client(base_url=url, headers=headers, timeout=60, trust_env=False, follow_redirects=True)


def new_folder():
    """Return a folder that everybody on this machine may enter."""
    folder = Path(tempfile.mkdtemp(prefix="first-hub-"))
    folder.chmod(0o755)
    return folder
