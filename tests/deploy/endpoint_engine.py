"""Run by the agent's own interpreter: starts an endpoint's real engine, without Globus, on a real Slurm.

``endpoint_engine.py FOLDER WISH UNTIL TASK...`` runs tasks, all at once, and writes JSON lines: the jobs at
each change, and each task's answer. It goes on until all have given their ``answers``, or their jobs are
``gone``, too. A task is ``{"last": SECONDS}``, or ``{"serve": SPEC, "home": FOLDER, "end": [WORD, ...]}``: a
node agent, and the command that ends its job, whose number is added, once the agent is ready.
"""

import json
import os
import pathlib
import pwd
import subprocess
import sys
import time
import uuid

from first_jupyter_remote.functions import serve
from globus_compute_endpoint.endpoint.config.utils import (
    get_config,
    load_config_yaml,
    load_user_config_schema,
    load_user_config_template,
    render_config_user_template,
)
from globus_compute_endpoint.endpoint.identity_mapper import MappedPosixIdentity

LIMIT = 150


def last(seconds):
    """Be a task that takes so long."""
    import os
    import time

    time.sleep(seconds)
    return {
        "job": os.environ["SLURM_JOB_ID"],
        "nodes": int(os.environ["SLURM_JOB_NUM_NODES"]),
        "left": int(os.environ["FIRST_JOB_ENDS"]) - time.time(),
    }


def jobs():
    said = subprocess.run(
        ["squeue", "-h", "-o", "%i %t %k"], capture_output=True, text=True, check=True
    ).stdout
    return {job: [state, comment] for job, state, comment in map(str.split, said.splitlines())}


def job_of_ready_agent(home):
    """Return the job of the one node agent that keeps its records here, once it is ready."""
    for path in pathlib.Path(home).rglob("replicas/*.json"):
        record = json.loads(path.read_text())
        if record["stage"] == "ready":
            variables = pathlib.Path(f"/proc/{record['pid']}/environ").read_text().split("\0")
            return next(each for each in variables if each.startswith("SLURM_JOB_ID=")).partition("=")[2]
    return None


def engine_of(folder, wish):
    path = folder / "user_config_template.yaml.j2"
    text = render_config_user_template(
        get_config(folder),
        load_user_config_template(path),
        path,
        MappedPosixIdentity(pwd.getpwuid(os.getuid()), [], "00000000-0000-0000-0000-000000000000"),
        load_user_config_schema(folder / "user_config_schema.json"),
        wish,
    )
    return load_config_yaml(text).engine


def submit(executor, task):
    if "serve" in task:
        return executor.submit(serve, {}, task["serve"], "replica", task["home"])
    return executor.submit(last, {}, task["last"])


def main():
    folder, wish, until = pathlib.Path(sys.argv[1]), json.loads(sys.argv[2]), sys.argv[3]
    tasks = [json.loads(each) for each in sys.argv[4:]]
    engine = engine_of(folder, wish)
    engine.start(endpoint_id=uuid.uuid4(), run_dir=str(pathlib.Path.cwd()))
    begun, seen = time.monotonic(), None

    def tell(**what):
        sys.stdout.write(json.dumps({"at": time.monotonic() - begun, **what}) + "\n")
        sys.stdout.flush()

    waiting = {n: submit(engine.executor, task) for n, task in enumerate(tasks)}
    agents = {n for n, task in enumerate(tasks) if "serve" in task}
    try:
        while (waiting or (seen and until == "gone")) and time.monotonic() - begun < LIMIT:
            for number in [n for n, future in waiting.items() if future.done()]:
                tell(task=number, answer=waiting.pop(number).result())
            for number in sorted(agents):
                if job := job_of_ready_agent(tasks[number]["home"]):
                    agents.remove(number)
                    subprocess.run([*tasks[number]["end"], job], check=True)
            if (now := jobs()) != seen:
                tell(jobs=now)
                seen = now
            time.sleep(0.2)
    finally:
        engine.shutdown()


if __name__ == "__main__":
    main()
