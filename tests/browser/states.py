"""One JupyterLab whose federation shows every state at once, on real parts.

`python tests/browser/states.py` serves it until Ctrl+C, prints where it is, and how to change what it shows.
"""

import asyncio
import contextlib
import json
import sys
import tempfile
import threading
import time
import urllib.request
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from lab import START_SECONDS, Lab, running_lab

sys.path.append(str(Path(__file__).parents[1] / "kinds"))
sys.path.append(str(Path(__file__).parents[1] / "globus"))

from auth import AuthStandIn
from compute import ComputeStandIn
from compute_endpoints import Endpoint
from gateway import Gateway, section_for
from llama import KEY, PACKAGED, SMOLLM2, Llama
from loopback import Reply, serving

ADDRESS = str(Path(__file__).parents[1] / "globus" / "address")
DAY = 86_400
LLAMA_70B = "meta-llama/Llama-3.3-70B-Instruct"
GPT, QWEN = "openai/gpt-oss-120b", "Qwen/Qwen3-235B-A22B"
MISTRAL, GEMMA = "mistralai/Mistral-Large-2411", "google/gemma-3-27b-it"
GATEWAYS = {
    "sophia": {"vllm": [GPT, LLAMA_70B, MISTRAL, GEMMA]},
    "metis": {"api": ["gpt-oss-120b", QWEN]},
}
POLARIS = "6c1d5b2e-0000-4000-8000-000000000001"
ENDPOINTS = {  # their names, and whether they are online
    POLARIS: ("polaris-first-jupyter", False),
    "6c1d5b2e-0000-4000-8000-000000000002": ("aurora-first-jupyter", True),
    "6c1d5b2e-0000-4000-8000-000000000003": ("workstation-of-ada", False),
}
EARLIER = {  # seconds from each stage on, in earlier starts
    f"argonne-sophia/{MISTRAL}": {"queued": [900.0], "loading": [420.0]},
    f"argonne-sophia/{LLAMA_70B}": {"queued": [660.0], "loading": [240.0]},
    f"argonne-metis/{QWEN}": {"queued": [1500.0], "loading": [600.0]},
}


@dataclass
class States:
    """The running server, and the stand-ins that decide what it shows.

    Parameters
    ----------
    lab
        JupyterLab, at ``/user/ada/`` as a Hub would have it, inside a batch job that ends in six hours.
    globus, gateway
        The stand-ins of Globus Auth and of a FIRST gateway.
    scenes
        Where a script in the browser asks for another scene: ``POST {scenes}{name}?{argument}={value}``.
    """

    lab: Lab
    globus: AuthStandIn
    gateway: Gateway
    scenes: str

    def log_in(self):
        """Log in, and wait until the gateway's models are there, some of them on their way."""
        begun = self.lab.fetch("first/api/login", "POST", {})
        self.lab.fetch("first/api/login/code", "POST", {"code": self.globus.visit(begun["url"])})
        self._wait_for(lambda models: models.keys() >= {QWEN, MISTRAL}, "the gateway lists no models")

    def rest(self):
        """Take back what a test may have left: nobody is logged in, and the small model is cold."""
        urllib.request.urlopen(f"{self.scenes}calm", b"", timeout=30).close()
        self.lab.fetch("first/api/logout", "POST", {})
        self.lab.fetch("first/api/models/stop", "POST", {"model": SMOLLM2})
        self._wait_for(lambda models: models[SMOLLM2]["clusters"][0]["state"] == "cold", "it is never cold")

    def _wait_for(self, holds, otherwise):
        """Wait until something holds for the models, by their ids."""
        deadline = time.monotonic() + START_SECONDS
        while not holds({model["id"]: model for model in self.lab.fetch("first/api/models")["models"]}):
            assert time.monotonic() < deadline, otherwise
            time.sleep(0.1)


class Scenes:
    """What can be had happen; the names of its methods are those of the scenes."""

    def __init__(self, globus, gateway):
        self._globus, self._gateway = globus, gateway

    def answer(self, request):
        """Set a scene."""
        scene = getattr(self, request.path.strip("/").replace("-", "_"), None)
        if request.method != "POST" or scene is None:
            return None
        scene(**request.query)
        return Reply(200, {})

    def calm(self):
        """Have Globus and the gateway ask for nothing."""
        self._globus.person.last_authentication = None
        self._gateway.demands_policy = False

    def old_login(self):
        """Have the person log in with a session that the site soon takes no more."""
        self._globus.person.last_authentication = time.time() - 6.2 * DAY

    def demand(self):
        """Have the gateway ask whoever comes next to prove again who they are."""
        for token in self._globus.tokens.values():
            token.session = {}
        self._gateway.demands_policy = True

    def job(self, cluster, model, status):
        """Have a model's job at the gateway in this state from now on."""
        self._gateway.runs(cluster, model, status, **_words(status))


def _words(status):
    """Return what else the gateway says of a job."""
    if status != "queued":
        return {}
    starts = datetime.now(ZoneInfo("America/Chicago")) + timedelta(minutes=25)
    return {
        "Job Comments": "Not Running: no node is free",
        "Estimated Start Time": f"{starts:%a %b %d %H:%M:%S %Y} (Chicago time)",
    }


def federation(gateway, llama):
    """Return the federation file: a model in each state, and one that fails to start."""
    small = {
        "id": SMOLLM2,
        "aliases": ["smollm2"],
        "backend": "llama.cpp",
        "weights": {
            "package": PACKAGED.package,
            "member": PACKAGED.member,
            "sha256": PACKAGED.sha256,
            "dequantize": PACKAGED.dequantize,
        },
        "context": 2048,
        "parallel": 4,
    }
    fails = {**small, "id": "lab/mistyped-option", "aliases": [], "args": ["--context-lenght=4096"]}
    campus = {"id": "campus/chat", "name": llama.name, "context": 2048}
    return {
        "globus": {"session_lasts": "7d"},
        "clusters": {
            "local": {"kind": "local", "models": [small, fails]},
            "argonne": section_for(gateway),
            "polaris": {
                "kind": "globus-compute",
                "endpoint": POLARIS,
                "models": [{"id": "meta-llama/Llama-3.1-405B-Instruct", "backend": "vllm", "gpus": 8}],
            },
            "campus": {"kind": "openai", "url": llama.url, "key_env": "CAMPUS_KEY", "models": [campus]},
            "gone": {"kind": "openai", "url": "http://127.0.0.1:1/v1", "models": [{"id": "lab/gone"}]},
        },
    }


@contextlib.contextmanager
def running_states(folder):
    """Start it all, and end it afterwards; yields `States`."""
    # What the gateway passes on is answered under the name of the model that was asked for there.
    globus, llama = AuthStandIn(), Llama(LLAMA_70B)
    gateway = Gateway(globus, llama, GATEWAYS)
    gateway.patience = 6.0
    gateway.runs("sophia", GPT)
    gateway.runs("sophia", MISTRAL, "starting")
    gateway.runs("sophia", GEMMA, "disconnected")
    gateway.runs("metis", QWEN, "queued", **_words("queued"))
    with contextlib.ExitStack() as stack:
        stack.callback(llama.end)
        stack.enter_context(_on_a_loop_of_its_own(gateway))
        auth = stack.enter_context(globus.serving(_directory(globus)))
        scenes = stack.enter_context(serving(Scenes(globus, gateway)))
        (folder / "data" / "first").mkdir(parents=True)
        (folder / "data" / "first" / "starts.json").write_text(json.dumps(EARLIER))
        file = folder / "first.yaml"
        file.write_text(json.dumps(federation(gateway, llama.ready())))
        now = time.time()
        job = {
            "SLURM_JOB_ID": "4711",
            "FIRST_JOB_BEGAN": f"{now - 7200}",
            "FIRST_JOB_ENDS": f"{now + 21_600}",
        }
        hosted = {
            "PYTHONPATH": ADDRESS,
            "FIRST_TEST_COMPUTE_URL": auth.rstrip("/"),
            "FIRST_TEST_GATEWAY": "1",
        }
        env = {"GLOBUS_SDK_SERVICE_URL_AUTH": auth, "CAMPUS_KEY": KEY, **hosted, **job}
        flag = f"--FirstApp.federation_file={file}"
        lab = stack.enter_context(running_lab(folder, flag, base_url="/user/ada/", env=env))
        yield States(lab, globus, gateway, scenes)


def _directory(globus):
    """Return what tells of endpoints as Globus Compute does; it runs nothing."""
    compute = ComputeStandIn(globus, "amqp://127.0.0.1:1")
    for id_, (name, online) in ENDPOINTS.items():
        report = {"heartbeat_period": DAY}
        entry = Endpoint(id_, name, globus.person.sub, heard=time.time() if online else None, report=report)
        compute.endpoints.all[id_] = entry
    return compute.web


@contextlib.contextmanager
def _on_a_loop_of_its_own(standing):
    """Have an asynchronous context open, in a thread."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    asyncio.run_coroutine_threadsafe(standing.__aenter__(), loop).result(10)
    try:
        yield
    finally:
        asyncio.run_coroutine_threadsafe(standing.__aexit__(None, None, None), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)


HELP = """
JupyterLab   {lab}
Notebook 7   {notebook}
A scene      curl -X POST {scenes}NAME    with one of these for NAME:
  calm         Globus and the gateway ask for nothing
  demand       the gateway asks whoever comes next to log in again
  old-login    the next login is one that ends soon
  'job?cluster=sophia&model=ID&status=STATUS'    STATUS: queued, starting, running, disconnected, stopped
Ctrl+C ends it.
"""


def main():
    """Serve until Ctrl+C."""
    folder = tempfile.TemporaryDirectory(prefix="first-states-")
    with folder as root, running_states(Path(root)) as states:
        lab = states.lab
        places = {"lab": lab.address("lab"), "notebook": lab.address("tree"), "scenes": states.scenes}
        sys.stdout.write(HELP.format(**places))
        sys.stdout.flush()
        with contextlib.suppress(KeyboardInterrupt):
            threading.Event().wait()


if __name__ == "__main__":
    main()
