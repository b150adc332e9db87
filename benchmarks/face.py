"""What the browser's side costs: its size, its time at start, and requests while nobody looks.

``python benchmarks/face.py`` prints a table; ``--write`` writes docs/benchmarks-face.md. It needs what the
browser tests need. Leave the machine alone meanwhile.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import procs
from goals import Row, table

ROOT = Path(__file__).parents[1]
BROWSER = ROOT / "tests" / "browser"
sys.path.append(str(BROWSER))

from states import running_states  # noqa: E402  # the browser tests' federation

KB = 1000
STATIC = Path(sys.prefix) / "share" / "jupyter" / "labextensions" / "first-jupyter"
DOCUMENT = """\
# Benchmarks: the browser's side

Made by `python benchmarks/face.py --write` on {date}. The machine: {machine}.

{table}

* **Size** is that of all JavaScript and CSS of ours that JupyterLab loads at start, each file compressed
  by gzip as most servers send it.
* **Activation** is the time within `activate` of all of our plugins, by the browser's own clock, the
  median over {loads} loads of a page.
* **Requests** are those to `/first/…` in {seconds} s with nobody touching anything. The federation has
  models in every state, some of them queued and starting. What changes on the server is told over
  JupyterLab's own event socket, which is not counted.
"""


def script(address: str, *arguments: object) -> dict[str, Any]:
    """Run ``measure.mjs`` and return what it saw."""
    command = ["node", str(BROWSER / "measure.mjs"), address, *map(str, arguments)]
    with tempfile.TemporaryDirectory() as shots:
        environment = os.environ | {"SHOTS": shots}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr)
    return json.loads(done.stdout.splitlines()[-1])


def compressed(files: list[str]) -> int:
    """Return the bytes of these files of ours, each compressed."""
    return sum(len(gzip.compress((STATIC / file).read_bytes())) for file in set(files))


def measure(loads: int, seconds: int) -> list[Row]:
    """Measure all of it."""
    with tempfile.TemporaryDirectory() as folder, running_states(Path(folder)) as states:
        states.log_in()
        seen = [script(states.lab.address("lab"), "load") for _ in range(loads)]
        requests = script(states.lab.address("lab"), "requests", seconds)
    activation = statistics.median(sum(each["activation"].values()) for each in seen)
    return [
        Row("size, compressed", compressed(seen[0]["files"]) / KB, 150, " kB"),
        Row("activation", activation, 50, " ms"),
        Row("requests while the panel is hidden", len(requests["panelHidden"]), 0),
        Row("requests while the page is hidden", len(requests["pageHidden"]), 0),
    ]


def main() -> None:
    """Measure, print, and write if told to."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--loads", type=int, default=7)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--write", action="store_true")
    asked = parser.parse_args()
    figures = table(measure(asked.loads, asked.seconds))
    print(figures)
    if asked.write:
        words = {"date": procs.today(), "machine": procs.machine()}
        text = DOCUMENT.format(table=figures, loads=asked.loads, seconds=asked.seconds, **words)
        (ROOT / "docs" / "benchmarks-face.md").write_text(text)


if __name__ == "__main__":
    main()
