"""A `jupyter server` process with folders of its own, used as a terminal, a browser and a kernel would."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import time
import uuid
from pathlib import Path

import httpx
import openai
import websocket

SMOLLM2 = "HuggingFaceTB/SmolLM2-135M-Instruct"
CACHE = Path(os.environ.get("FIRST_CACHE") or "~/.cache/first-jupyter").expanduser()
OTHERS = ("FIRST_", "OPENAI_", "JUPYTER", "JPY_")
TELL = {
    "model": "smollm2",
    "messages": [{"role": "user", "content": "Tell a very long story."}],
    "stream": True,
    "max_tokens": 1500,
    "extra_body": {"ignore_eos": True},
}
"""A request whose answer takes long enough to be disturbed."""


class Jupyter:
    """One running server.

    Parameters
    ----------
    home
        A folder, empty or an earlier server's; configuration, data, runtime files and notebooks live there.
    options
        Further command-line options; ``{port}`` in them is Jupyter's port.
    env
        Further environment.
    inside
        What its command is put behind, where it is to run in a place of its own.
    federation
        The text of a federation file, where Jupyter's configuration folder shall hold one.
    python
        The interpreter of the environment that it runs in.
    port
        Jupyter's port, where it is to be an earlier server's.
    """

    def __init__(
        self, home, *options, env=None, federation=None, inside=(), python=sys.executable, port=None
    ):
        self.home, self.token = home, uuid.uuid4().hex
        self.mark = f"FIRST_TEST_MARK={uuid.uuid4()}"
        for name in ("config", "runtime", "notebooks"):
            (home / name).mkdir(parents=True, exist_ok=True)
        if federation is not None:
            (home / "config" / "first.yaml").write_text(federation)
        self.env = {name: value for name, value in os.environ.items() if not name.startswith(OTHERS)}
        self.env |= {
            "JUPYTER_CONFIG_DIR": str(home / "config"),
            "JUPYTER_DATA_DIR": str(home / "data"),
            "JUPYTER_RUNTIME_DIR": str(home / "runtime"),
            "IPYTHONDIR": str(home / "ipython"),
            "FIRST_CACHE": str(CACHE),
            **dict([self.mark.split("=")]),
            **(env or {}),
        }
        command = [*inside, python, "-m", "jupyter_server", "--no-browser", "--allow-root"]
        command += [f"--ServerApp.root_dir={home / 'notebooks'}", f"--IdentityProvider.token={self.token}"]
        command += [
            "--ServerApp.allow_unauthenticated_access=False",
            f"--ServerApp.port={(port := port or free_port())}",
        ]
        command += [option.replace("{port}", str(port)) for option in options]
        with (home / "log").open("w") as log:
            self.process = subprocess.Popen(
                command, env=self.env, cwd=home, stdout=log, stderr=log, start_new_session=True
            )
        try:
            wait_until(self._has_started, 120)
        except AssertionError:
            self.process.kill()
            raise AssertionError(self.log) from None

    def _has_started(self):
        assert self.process.poll() is None, self.log
        return self.runtime_file.exists()

    # what a terminal finds

    @property
    def runtime_file(self):
        return self.home / "runtime" / f"first-{self.process.pid}.json"

    @property
    def found(self):
        return json.loads(self.runtime_file.read_text())

    @property
    def log(self):
        return (self.home / "log").read_text()

    # its two ports

    def kernels_port(self, key=None):
        """Return a client of the kernels' port, with the right key unless another is given."""
        key = self.found["api_key"] if key is None else key
        return client(self.found["base_url"].removesuffix("first/v1"), f"Bearer {key}" if key else "")

    def jupyters_port(self, key=None):
        """Return a client of Jupyter's port, with Jupyter's token unless a key is given."""
        key = self.token if key is None else key
        return client(self.found["server_url"], f"Bearer {key}" if key else "")

    def openai(self, **options):
        """Return OpenAI's own client of the kernels' port."""
        return openai.OpenAI(
            base_url=self.found["base_url"], api_key=self.found["api_key"], max_retries=0, **options
        )

    def openai_through_jupyter(self):
        """Return OpenAI's own client of Jupyter's port."""
        url = self.found["server_url"] + "first/v1"
        return openai.OpenAI(base_url=url, api_key=self.token, max_retries=0)

    # its models

    def get(self, path):
        with self.kernels_port() as plane:
            return plane.get(f"first/api/{path}").raise_for_status().json()

    def post(self, path, **body):
        with self.kernels_port() as plane:
            return plane.post(f"first/api/{path}", json=body).raise_for_status().json()

    def place(self, model=SMOLLM2):
        """Return the state of a model on its one cluster."""
        return next(entry for entry in self.get("models")["models"] if entry["id"] == model)["clusters"][0]

    def until(self, state, model=SMOLLM2, seconds=90):
        """Wait for a state, and return the model's place."""
        return wait_until(lambda: (at := self.place(model))["state"] == state and at, seconds)

    def warm(self, model=SMOLLM2):
        """Have a model hot, and its server alive."""

        def is_hot():
            state = self.place(model)["state"]
            if state in ("cold", "offline"):
                self.post("models/start", model=model)
            return state == "hot" and self.backends(model)

        wait_until(is_hot, 120)
        return self

    def cold(self, model=SMOLLM2):
        """Have a model cold, and both ports know it."""
        if self.place(model)["state"] != "cold":
            self.post("models/stop", model=model)
            self.until("cold", model)
        with self.openai() as client:
            wait_until(lambda: client.models.retrieve(model).x_first["state"] == "cold", 60)
        return self

    def ask(self, model=SMOLLM2, **options):
        """Ask for a short answer and return it."""
        asked = [{"role": "user", "content": "Say hello."}]
        with self.openai() as client:
            answer = client.chat.completions.create(
                model=model, messages=asked, temperature=0, max_tokens=8, **options
            )
        return answer.choices[0].message.content

    # its processes

    def processes(self):
        """Return the processes that carry this server's mark, as {pid: command line}."""
        found = {}
        for entry in Path("/proc").iterdir():
            with contextlib.suppress(OSError):
                if entry.name.isdigit() and self.mark.encode() in (entry / "environ").read_bytes():
                    found[int(entry.name)] = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        return {pid: command for pid, command in found.items() if command}

    def backends(self, model=SMOLLM2):
        """Return the pids of a model's inference servers."""
        commands = {pid: words for pid, words in self.processes().items() if "leash.py" not in words}
        return [pid for pid, words in commands.items() if f"--name {model} " in words]

    def metrics(self, model=SMOLLM2):
        """Ask the model's only replica itself what it does, as its node agent would."""
        records = [json.loads(path.read_text()) for path in self.home.rglob("replicas/*.json")]
        (at,) = (record for record in records if record["model"] == model and record["stage"] == "ready")
        with client(f"http://{at['host']}:{at['port']}/", f"Bearer {at['key']}") as replica:
            lines = [line.split() for line in replica.get("metrics").text.splitlines() if line[:1] != "#"]
        return {name: float(value) for name, value in lines}

    # its kernels and its events

    def websocket(self, path):
        """Open a websocket as a browser does."""
        url = self.found["server_url"].replace("http", "ws", 1) + path
        headers = {"Authorization": f"Bearer {self.token}"}
        return websocket.create_connection(
            url, header=headers, timeout=120, sslopt={"cert_reqs": ssl.CERT_NONE}, http_no_proxy=["*"]
        )

    @contextlib.contextmanager
    def kernel(self):
        """Start a notebook's kernel as JupyterLab does; yields a function that runs code in it."""
        with self.jupyters_port() as jupyter:
            asked = {"path": "n.ipynb", "name": "n.ipynb", "type": "notebook", "kernel": {"name": "python3"}}
            session = jupyter.post("api/sessions", json=asked).raise_for_status().json()
            channels = self.websocket(f"api/kernels/{session['kernel']['id']}/channels")
            try:
                yield lambda code: run_in(channels, code)
            finally:
                channels.close()
                jupyter.delete(f"api/sessions/{session['id']}")

    # its end

    def close(self):
        """End it, and see that nothing is left."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(timeout=60)
        finally:
            self.process.kill()
            self.process.wait()
        wait_until(lambda: not self.processes(), 60, lambda: f"left behind: {self.processes()}")


def client(url, authorization):
    headers = {"Authorization": authorization} if authorization else {}
    return httpx.Client(base_url=url, headers=headers, timeout=120, trust_env=False, verify=False)


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def wait_until(condition, seconds, otherwise=lambda: "it did not happen"):
    """Return the condition's first true value."""
    end = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < end, otherwise()
        time.sleep(0.05)
    return value


def run_in(channels, code):
    """Run code over a kernel's websocket and return what it printed."""
    asked = uuid.uuid4().hex
    header = {
        "msg_id": asked,
        "msg_type": "execute_request",
        "session": asked,
        "username": "",
        "version": "5.3",
    }
    message = {"header": header, "parent_header": {}, "metadata": {}, "content": {"code": code}}
    channels.send(json.dumps({**message, "channel": "shell", "buffers": []}))
    printed = []
    while True:
        reply = json.loads(channels.recv())
        if reply["parent_header"].get("msg_id") != asked:
            continue
        if reply["msg_type"] == "stream":
            printed.append(reply["content"]["text"])
        elif reply["msg_type"] == "error":
            raise AssertionError("\n".join(reply["content"]["traceback"]))
        elif reply["msg_type"] == "status" and reply["content"]["execution_state"] == "idle":
            return "".join(printed)


def text_of(stream):
    """Return what a stream of chat chunks said."""
    return "".join(chunk.choices[0].delta.content or "" for chunk in stream if chunk.choices)
