"""A Jupyter server that logs in JSON, and how a request is followed there: as the docs say."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

DOCS = (Path(__file__).parents[2] / "docs" / "administrators.md").read_text()
SECTION = DOCS[DOCS.index("### Logs in JSON") :]


def configure(home):
    """Write the documented configuration into the folder of a server that is to be started."""
    (home / "config").mkdir(parents=True)
    settings = re.search(r"```python\n(.*?)```", SECTION, re.DOTALL)[1]
    (home / "config" / "jupyter_server_config.py").write_text(settings)


def lines_of(server, request):
    """Return what the documented command prints of a request, run where the server's log is."""
    command = re.search(r"```bash\n(.*?)\n```", SECTION, re.DOTALL)[1]
    command = command.replace("ID", request).replace("jupyter.log", "log")
    command = command.replace("~/.local/share/jupyter", "data")
    done = subprocess.run(
        command, shell=True, cwd=server.home, env=os.environ, capture_output=True, text=True, check=True
    )
    return done.stdout.splitlines()
