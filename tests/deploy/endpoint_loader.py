"""Run by the agent's own interpreter: what the true agent makes of an endpoint's folder.

Each line of input is ``[FOLDER, [WISHES, ...]]``, and is answered by a line with a list of what a user with
these wishes would get. Jobs go to commands standing in for the scheduler and only number them, so that Parsl
writes its submit script.
"""

import copy
import json
import os
import pathlib
import pwd
import sys
import tempfile

from globus_compute_endpoint.endpoint.config.utils import (
    get_config,
    load_config_yaml,
    load_user_config_schema,
    load_user_config_template,
    render_config_user_template,
)
from globus_compute_endpoint.endpoint.identity_mapper import MappedPosixIdentity
from parsl.executors import HighThroughputExecutor
from parsl.jobs.states import JobState, JobStatus
from parsl.jobs.strategy import Strategy

MANAGER = "first-test-manager"


class Executor(HighThroughputExecutor):
    """As much of an executor as Parsl's strategy asks: so many tasks, and so many idle blocks."""

    label, bad_state_is_set, workers_per_node, provider, status_facade = "serve", False, 1, None, None

    def __init__(self, provider, tasks, blocks, state):
        self.many, self.asked = tasks, 0
        self.provider = copy.copy(provider)
        self.provider.cancel = lambda jobs: [True for _ in jobs]
        self.status_facade = self._status = {str(n): JobStatus(state) for n in range(blocks)}
        self.blocks_to_job_id = {block: f"job {block}" for block in self._status}
        self.job_ids_to_block = {job: block for block, job in self.blocks_to_job_id.items()}

    def outstanding(self):
        return self.many

    def connected_managers(self):
        return []

    def scale_out_facade(self, blocks):
        self.asked += blocks

    def scale_in_facade(self, blocks, max_idletime=None):
        self.asked -= len(self.scale_in(blocks, max_idletime))


def blocks_asked(provider, tasks, blocks, state=JobState.RUNNING):
    strategy = Strategy(strategy="htex_auto_scale", max_idletime=15)
    executor = Executor(provider, tasks, blocks, state)
    strategy.add_executors([executor])
    strategy.strategize([executor])
    return executor.asked


def script_of(provider):
    with tempfile.TemporaryDirectory() as folder:
        provider.script_dir = folder
        provider.submit(MANAGER, 1, "block-0")
        return next(pathlib.Path(folder).iterdir()).read_text()


def facts(text):
    config = load_config_yaml(text)
    engine = config.engine
    found = {
        "engine": type(engine).__name__,
        "soft": config.idle_heartbeats_soft,
        "hard": config.idle_heartbeats_hard,
        "heartbeat": config.heartbeat_period,
    }
    if found["engine"] == "GlobusComputeEngine":
        executor = engine.executor
        provider = executor.provider
        if hasattr(provider, "scheduler_options"):
            found["script"] = script_of(provider)
        found |= {
            "provider": type(provider).__name__,
            "launcher": type(provider.launcher).__name__,
            "workers": executor.max_workers_per_node,
            "threshold": executor.heartbeat_threshold,
            "strategy": engine._job_status_kwargs,
            "blocks": [provider.init_blocks, provider.min_blocks, provider.max_blocks],
            "second replica": blocks_asked(provider, tasks=2, blocks=1),
            "first replica": blocks_asked(provider, tasks=1, blocks=0),
            "no more": blocks_asked(provider, tasks=1, blocks=1),
            "while it waits": blocks_asked(provider, tasks=1, blocks=1, state=JobState.PENDING),
            "walltime": getattr(provider, "walltime", None),
        }
    else:
        found["threads"] = engine.executor._max_workers
    engine.shutdown()
    return found


def answers(folder, wishes, said):
    core = get_config(folder)
    schema = load_user_config_schema(folder / "user_config_schema.json")
    path = folder / "user_config_template.yaml.j2"
    template = load_user_config_template(path)
    me = MappedPosixIdentity(pwd.getpwuid(os.getuid()), [], "00000000-0000-0000-0000-000000000000")
    for wish in wishes:
        said.unlink(missing_ok=True)
        try:
            text = render_config_user_template(core, template, path, me, schema, wish, user_runtime={})
            answer = {"text": text, **facts(text)}
        except Exception as error:  # noqa: BLE001
            answer = {"refused": (str(error) or repr(error)).splitlines()[0]}
        answer |= {"core": type(core).__name__, "allowed": core.allowed_functions}
        yield answer | {"submit": said.read_text().split()[:-1] if said.exists() else None}


def main():
    # Whatever the libraries print must not come between the answers.
    sink = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    with tempfile.TemporaryDirectory() as commands:
        for name in ("sbatch", "qsub"):
            path = pathlib.Path(commands, name)
            path.write_text(
                f'#!/bin/sh\nprintf "%s\\n" "$*" >{commands}/said\necho "Submitted batch job 7"\n'
            )
            path.chmod(0o755)
        os.environ["PATH"] = f"{commands}:{os.environ['PATH']}"
        for line in sys.stdin:
            folder, wishes = json.loads(line)
            found = list(answers(pathlib.Path(folder), wishes, pathlib.Path(commands, "said")))
            sink.write(json.dumps(found) + "\n")
            sink.flush()


if __name__ == "__main__":
    main()
