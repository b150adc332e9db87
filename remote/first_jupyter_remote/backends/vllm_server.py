"""The process that runs ``vllm serve``, also where vLLM was installed under another name than its own.

It is run by its path, by an interpreter that may hold nothing but vLLM, so it imports nothing else. vLLM's
own command looks up the version of a distribution called ``vllm``, which builds for other hardware lack. The
older ``vllm.entrypoints.openai.api_server`` is deprecated and knows no ``--headless``.
"""

from __future__ import annotations

import importlib
import os
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent


def main() -> None:
    """Serve until SIGTERM."""
    # Beside this file lies our own vllm.py, and interpreters before 3.11 look here first.
    sys.path[:] = [folder for folder in sys.path if not folder or Path(folder).resolve() != HERE]
    if "--headless" in sys.argv:
        # On another node, launchers of MPI programs tie a single task to a single core.
        os.sched_setaffinity(0, range(os.cpu_count() or 1))
    os.environ.setdefault("VLLM_WORKER_MULTIPROC_METHOD", "spawn")
    serve = importlib.import_module("vllm.entrypoints.cli.serve")
    parser = serve.FlexibleArgumentParser(prog="vllm")
    command = serve.ServeSubcommand()
    command.subparser_init(parser.add_subparsers(required=True))
    given = parser.parse_args(["serve", *sys.argv[1:]])
    command.validate(given)
    command.cmd(given)


if __name__ == "__main__":
    main()
