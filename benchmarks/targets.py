"""What is measured: the upstream itself; a bare relay and nginx before it, and ours on both of its ports."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import procs
from upstream import MODEL

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).parent
NOTEBOOK = "big.ipynb"
FAST, THROUGH_JUPYTER = "ours, kernels' path", "ours, Jupyter's port"

_TOKEN = "benchmark"
_START_SECONDS = 60
_NGINX = """\
daemon off;
pid {home}/nginx.pid;
error_log stderr;
worker_processes 1;
worker_rlimit_nofile 16384;
events {{ worker_connections 8192; }}
http {{
    access_log off;
    client_body_temp_path {home}/body;
    proxy_temp_path {home}/proxy;
    fastcgi_temp_path {home}/fastcgi;
    uwsgi_temp_path {home}/uwsgi;
    scgi_temp_path {home}/scgi;
    upstream replica {{
        server 127.0.0.1:{upstream};
        keepalive 2048;
        keepalive_requests 1000000000;
    }}
    server {{
        listen 127.0.0.1:{port} backlog=4096;
        keepalive_requests 1000000000;
        location / {{
            proxy_pass http://replica;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_buffering off;
        }}
    }}
}}
"""


@dataclass(frozen=True, slots=True)
class Target:
    """One way to the upstream.

    Parameters
    ----------
    name
        What the tables call it.
    url
        Where it takes chat completions.
    headers
        What it wants to see in each request.
    watch
        The processes that bytes go through, as ``proxy``, and those that only keep its books, as ``beside``.
    accept
        The media type that it streams to, where that matters to it.
    slow
        It gets a tenth of the work.
    """

    name: str
    url: str
    headers: dict[str, str] = field(default_factory=dict)
    watch: dict[str, list[int]] = field(default_factory=dict)
    accept: str = ""
    slow: bool = False

    @property
    def pids(self) -> list[int]:
        """Return all processes to watch."""
        return [pid for pids in self.watch.values() for pid in pids]


@dataclass(frozen=True, slots=True)
class Jupyter:
    """A Jupyter server, and the targets that live in it."""

    url: str
    pid: int
    targets: tuple[Target, ...]

    @property
    def headers(self) -> dict[str, str]:
        """Return what authenticates a request."""
        return {"authorization": f"token {_TOKEN}"}


@contextlib.contextmanager
def upstream(cpu: int, program: str = "upstream.py") -> Iterator[tuple[Target, int]]:
    """Start the upstream, or another program that prints its port; its target is the direct connection."""
    with procs.pinned(cpu):
        process = subprocess.Popen([sys.executable, str(HERE / program)], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout
        port = int(process.stdout.readline())
        yield Target("direct", f"http://127.0.0.1:{port}/v1/chat/completions"), process.pid
    finally:
        procs.end(process)


@contextlib.contextmanager
def relay(direct: Target, cpu: int) -> Iterator[Target]:
    """Start the plainest relay that Python can be."""
    command = [sys.executable, str(HERE / "relay.py"), port_of(direct)]
    with procs.pinned(cpu):
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout
        url = f"http://127.0.0.1:{int(process.stdout.readline())}/v1/chat/completions"
        yield Target("bare relay", url, watch={"proxy": [process.pid]})
    finally:
        procs.end(process)


@contextlib.contextmanager
def nginx(direct: Target, home: Path, cpu: int) -> Iterator[Target | None]:
    """Start nginx with one worker that passes bytes on as they come; None where it is not installed."""
    binary = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin:/usr/local/sbin")
    if binary is None:
        yield None
        return
    home.mkdir()
    port = free_port()
    (home / "nginx.conf").write_text(_NGINX.format(home=home, upstream=port_of(direct), port=port))
    command = [binary, "-p", str(home), "-c", str(home / "nginx.conf"), "-e", "stderr"]
    with started(command, home, cpu, f"http://127.0.0.1:{port}/health") as process:
        url = f"http://127.0.0.1:{port}/v1/chat/completions"
        yield Target("nginx", url, watch={"proxy": procs.tree(process.pid)})


@contextlib.contextmanager
def jupyter(direct: Target, home: Path, cpu: int) -> Iterator[Jupyter]:
    """Start a Jupyter server with ours, whose only replica is the upstream."""
    env = {"PYTHONPATH": str(HERE), "FIRST_BENCH_UPSTREAM": direct.url}
    extensions = ("first_jupyter_server", "static_catalog")
    with jupyter_with(sys.executable, extensions, home, cpu, env) as (url, process):
        wait(process, f"{url}/first/v1/models", home / "log", until=MODEL)
        kernels = json.loads(_get(f"{url}/first/api/connection"))
        plane = json.loads(_get(f"{url}/first/api/status"))["dataplane"]["pid"]
        auth = {"authorization": f"Bearer {kernels['api_key']}"}
        fast = Target(
            FAST,
            f"{kernels['base_url']}/chat/completions",
            auth,
            {"proxy": [plane], "beside": [process.pid]},
        )
        port_of_jupyter = Target(
            THROUGH_JUPYTER,
            f"{url}/first/v1/chat/completions",
            auth,
            {"proxy": [process.pid, plane], "beside": []},
        )
        yield Jupyter(url, process.pid, (fast, port_of_jupyter))


@contextlib.contextmanager
def jupyter_with(
    python: str, extensions: tuple[str, ...], home: Path, cpu: int, env: dict[str, str]
) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """Start a Jupyter server with some extensions and a large notebook; yield its address and itself."""
    root, port = home / "root", free_port()
    root.mkdir(parents=True)
    (root / NOTEBOOK).write_text(_notebook())
    folders = {f"JUPYTER_{name}_DIR": str(home / name.lower()) for name in ("CONFIG", "DATA", "RUNTIME")}
    command = [
        *(python, "-m", "jupyter_server", "--no-browser", "--allow-root"),
        f"--ServerApp.port={port}",
        "--ServerApp.port_retries=0",
        f"--ServerApp.root_dir={root}",
        f"--IdentityProvider.token={_TOKEN}",
        *(f"--ServerApp.jpserver_extensions={name}=True" for name in extensions),
    ]
    url = f"http://127.0.0.1:{port}"
    with started(command, home, cpu, f"{url}/api/status", folders | env) as process:
        yield url, process


@contextlib.contextmanager
def started(
    command: list[str], home: Path, cpu: int, url: str, env: dict[str, str] | None = None
) -> Iterator[subprocess.Popen[str]]:
    """Run a server until the end of the block, in a folder that keeps its log, once its address answers."""
    with procs.pinned(cpu), (home / "log").open("w") as log:
        process = subprocess.Popen(
            command,
            env=os.environ | (env or {}),
            cwd=home,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            text=True,
        )
    try:
        wait(process, url, home / "log")
        yield process
    finally:
        procs.end(process)


def wait(process: subprocess.Popen[str], url: str, log: Path, until: str = "") -> None:
    """Wait until ``url`` answers with ``until`` in it."""
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError):
            if until in _get(url):
                return
        time.sleep(0.1)
    tail = "\n".join(log.read_text().splitlines()[-20:])
    raise RuntimeError(f"{url} did not answer within {_START_SECONDS} s. The end of its log:\n{tail}")


def streams(direct: Target) -> int:
    """Return how many streams the upstream writes."""
    asked = json.loads(_get(direct.url.replace("/v1/chat/completions", "/streams")))
    return int(asked["streams"])


def port_of(target: Target) -> str:
    """Return the port of a target's address."""
    return target.url.split("/")[2].partition(":")[2]


def _get(url: str) -> str:
    request = urllib.request.Request(url, headers={"authorization": f"token {_TOKEN}"})
    with urllib.request.urlopen(request, timeout=10) as answer:
        text: str = answer.read().decode()
    return text


def free_port() -> int:
    """Return a port that nobody uses."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def _notebook() -> str:
    """Return a valid notebook of about 2 MB."""
    output = {
        "output_type": "stream",
        "name": "stdout",
        "text": [f"residual {n}: 0.0031\n" for n in range(70)],
    }
    cells = [
        {
            "cell_type": "code",
            "id": f"cell-{n}",
            "execution_count": n,
            "metadata": {},
            "source": [f"fit({n})\n"],
            "outputs": [output],
        }
        for n in range(1000)
    ]
    return json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5})
