"""A relay as somebody runs it for a lab, and what its users are told."""

from __future__ import annotations

import signal
import subprocess
import sys
from typing import TYPE_CHECKING

from jupyter_process import free_port

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["ACCESS", "Relay"]

ACCESS = "an-access-key-of-32-characters-0"
COMMAND = "import sys; from first_jupyter_remote.cli import main; sys.exit(main())"


class Relay:
    """`first-remote relay`, on a port that it keeps."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self._keys = folder / "relay-keys"
        self._keys.write_text(f"ada {ACCESS}\n")
        self._keys.chmod(0o600)
        self.key_file = folder / "access-key"
        self.key_file.write_text(ACCESS)
        self.key_file.chmod(0o600)

    def start(self) -> None:
        self._process = subprocess.Popen(
            (
                sys.executable,
                "-c",
                COMMAND,
                "relay",
                f"--listen=127.0.0.1:{self.port}",
                f"--keys={self._keys}",
            ),
            stderr=subprocess.PIPE,
        )
        assert b"the relay listens on" in self._process.stderr.readline()

    def end(self) -> None:
        self._process.send_signal(signal.SIGTERM)
        self._process.wait()

    @property
    def options(self) -> list[str]:
        """What a Jupyter server is started with that uses it."""
        url = f"http://127.0.0.1:{self.port}"
        return [f"--FirstApp.relay_url={url}", f"--FirstApp.relay_key_file={self.key_file}"]
