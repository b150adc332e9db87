"""``first-remote``: serve a model by hand, look after replicas, deploy an endpoint, run a relay."""

from __future__ import annotations

import argparse
import json
import os
import secrets
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import deploy, doctor, functions, rendezvous
from .duration import seconds
from .listing import line
from .protocol import ModelSpec, ReplicaRecord, Weights
from .stopping import Stop

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["main"]

HOME = os.environ.get("FIRST_HOME") or "~/.local/state/first-jupyter"


def main(
    argv: Sequence[str] | None = None,
    more: Sequence[Callable[[argparse._SubParsersAction[argparse.ArgumentParser]], None]] = (),
) -> int:
    """Run the command line.

    Parameters
    ----------
    argv
        The arguments; the process's own where None.
    more
        Each adds a sub-command that cannot live on this side, with its function as the default of ``run``.
    """
    parser = argparse.ArgumentParser(prog="first-remote", description=__doc__)
    parser.add_argument("--home", default=HOME, help="the folder of records and logs (%(default)s)")
    commands = parser.add_subparsers(dest="command", required=True)
    serve = commands.add_parser("serve", help="serve a model until Ctrl-C")
    serve.add_argument("spec", nargs="?", type=Path, help="a ModelSpec as a JSON file")
    serve.add_argument("--model", help="the model's id")
    serve.add_argument("--backend", default="vllm", help="llama.cpp or vllm (%(default)s)")
    serve.add_argument("--weights", help="a file or folder on this machine")
    commands.add_parser("find", help="list the replicas")
    commands.add_parser("stop", help="ask a replica to end").add_argument("replica")
    hold = commands.add_parser("hold", help="keep a replica for a while, used or not")
    hold.add_argument("replica")
    hold.add_argument("duration", help="from now, or from when it is ready: 2h, 90m, 1h30m")
    for add_parser in (deploy.add_parser, doctor.add_parser, rendezvous.add_parser, *more):
        add_parser(commands)
    given = parser.parse_args(argv)
    if "run" in given:
        return int(given.run(given))
    if given.command == "find":
        show([told(record) for record in functions.find(given.home)] or ["no replicas"])
        return 0
    if given.command == "stop":
        show([told(functions.stop(given.home, given.replica))])
        return 0
    if given.command == "hold":
        try:
            show([told(functions.hold(given.home, given.replica, seconds(given.duration)))])
        except ValueError as error:
            hold.error(str(error))
        return 0
    if given.spec:
        spec = json.loads(given.spec.read_text())
    elif given.model:
        weights = Weights(path=given.weights)
        spec = ModelSpec(given.model, given.backend, weights, idle_ttl=None).to_json()
    else:
        serve.error("give a SPEC.json or --model")
    return run(spec, given.home)


def run(spec: dict[str, Any], home: str) -> int:
    """Serve in the foreground."""
    stop = Stop()
    signal.signal(signal.SIGINT, lambda *_: stop.ask("you pressed Ctrl-C", hurry=stop.reason is not None))
    replica = f"by-hand-{secrets.token_hex(4)}"
    last = functions.serve(spec, replica, home, lambda record: show([told(record)]), stop)
    return 0 if last["stage"] == "stopped" else 1


def told(record: dict[str, Any]) -> str:
    """Return a record, as JSON, in one line."""
    return line(ReplicaRecord.from_json(record), time.time())


def show(lines: list[str]) -> None:
    """Print lines."""
    sys.stdout.write("".join(f"{text}\n" for text in lines))
    sys.stdout.flush()
