"""A llama.cpp server that belongs to nobody here: one more OpenAI-compatible server."""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import sys
from pathlib import Path

import httpx
from first_jupyter_remote.backends import llama_server
from jupyter_process import SMOLLM2, free_port, wait_until

__all__ = ["Llama"]


class Llama:
    """One such server, with the small model.

    Parameters
    ----------
    weights
        The file of the model's weights.
    folder
        Where its log and its key are written.
    """

    def __init__(self, weights: str, folder: Path) -> None:
        self.port, self.key, self.model = free_port(), secrets.token_hex(16), SMOLLM2
        self.url = f"http://127.0.0.1:{self.port}/v1"
        self.key_file = folder / "key"
        self.key_file.write_text(self.key)
        self.key_file.chmod(0o600)
        command = [sys.executable, str(llama_server.__file__), weights, "--port", str(self.port)]
        command += ["--name", self.model, "--context", "2048", "--parallel", "4", "--threads", "1"]
        environment = os.environ | {llama_server.KEY_VARIABLE: self.key}
        with (folder / "log").open("w") as log:
            self.process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        wait_until(self._answers, 60, (folder / "log").read_text)

    def _answers(self) -> bool:
        try:
            return httpx.get(self.url.removesuffix("/v1") + "/health", trust_env=False).status_code == 200
        except httpx.HTTPError:
            return False

    def hang(self) -> None:
        """Let it take connections and say nothing."""
        self.process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """Let it go on."""
        self.process.send_signal(signal.SIGCONT)

    def close(self) -> None:
        """End it at once."""
        self.process.kill()
        self.process.wait()
