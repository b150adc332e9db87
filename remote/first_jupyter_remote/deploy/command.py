"""``first-remote deploy``: writes a Globus Compute endpoint for a cluster."""

from __future__ import annotations

import os
import re
import shutil
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from .profile import SCHEDULERS, DeployError, Profile, load, names
from .render import files, summary
from .settings import Settings, settle
from .write import write

if TYPE_CHECKING:
    import argparse

__all__ = ["add_parser", "run"]

HOME = Path("~/.globus_compute")
SYSTEM_PATH = ("/usr/local/bin", "/usr/bin", "/bin")
SUBMIT = {"slurm": "sbatch", "pbs": "qsub"}
PASSED_ON = ("SLURM_CONF", "PBS_CONF_FILE")


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command and its options."""
    parser = commands.add_parser(
        "deploy", help="write a Globus Compute endpoint for this cluster", description=__doc__
    )
    parser.set_defaults(run=run)
    parser.add_argument("name", help="the endpoint's name")
    parser.add_argument("--profile", help=f"the site: {', '.join(names())}, or a TOML file of your own")
    parser.add_argument("--scheduler", choices=SCHEDULERS, help="without a profile: what runs the jobs")
    parser.add_argument(
        "--account",
        action="append",
        default=[],
        help="charged for the jobs; give it again for users to choose",
    )
    parser.add_argument("--queue", "--partition", help="the queue, partition or QOS of the jobs")
    parser.add_argument(
        "--walltime", metavar="HH:MM:SS", help="the longest job (06:00:00, or the queue's limit)"
    )
    parser.add_argument("--gpus-per-node", type=int, metavar="N", help="GPUs a node")
    parser.add_argument("--cpus-per-node", type=int, metavar="N", help="CPUs a node")
    parser.add_argument(
        "--job-option",
        action="append",
        default=[],
        metavar="OPTION",
        help="a further option of sbatch or qsub, such as --job-option=--mem=0",
    )
    parser.add_argument("--nodes", type=int, metavar="N", help="the most nodes one replica may take (1)")
    parser.add_argument("--max-replicas", type=int, metavar="N", help="jobs a user may have at once")
    parser.add_argument(
        "--venv", type=Path, metavar="DIR", help="the environment with globus-compute-endpoint"
    )
    parser.add_argument("--worker-init", type=Path, metavar="FILE", help="shell lines to run in each job")
    parser.add_argument(
        "--address", metavar="IFACE|HOST", help="this machine's interface or name, as compute nodes reach it"
    )
    parser.add_argument(
        "--models-dir", type=Path, metavar="DIR", help="where weights lie: a Hugging Face home"
    )
    parser.add_argument(
        "--allow",
        action="append",
        default=[],
        metavar="UUID",
        help="a function that may run; give it for each",
    )
    parser.add_argument(
        "--out", type=Path, metavar="DIR", help="the folder to write (~/.globus_compute/NAME)"
    )
    parser.add_argument(
        "--force", action="store_true", help="write into an existing folder; its identity stays"
    )
    parser.add_argument("--dry-run", action="store_true", help="print the files instead of writing them")


def run(given: argparse.Namespace) -> int:
    """Write the endpoint, and say what was written and what comes next."""
    try:
        folder = (given.out or HOME / given.name).expanduser().absolute()
        settings = settings_of(given, folder)
        texts = files(settings, folder)
        if given.dry_run:
            sys.stdout.write("".join(f"=== {folder / name}\n{text}\n" for name, text in texts.items()))
            replaced = []
        else:
            replaced = write(folder, texts, force=given.force)
    except DeployError as error:
        sys.stderr.write(f"first-remote deploy: {error}\n")
        return 1
    sys.stderr.write("".join(f"note: {text}\n" for text in notes(settings)))
    if not given.dry_run:
        lines = [f"Wrote {folder}, for {settings.profile.title}: {summary(settings)}."]
        lines += [f"  {name}" for name in texts]
        lines += [f"  (the old one is {path.name})" for path in replaced]
        lines.append(f"The next three commands are in {folder / 'README.txt'}.")
        sys.stdout.write("\n".join(lines) + "\n")
    return 0


def settings_of(given: argparse.Namespace, folder: Path) -> Settings:
    """Return the settings that the command line asks for on this machine."""
    if not (given.profile or given.scheduler):
        raise DeployError(f"say where: --profile {'|'.join(names())}, or --scheduler {'|'.join(SCHEDULERS)}.")
    profile = load(given.profile or given.scheduler)
    if given.scheduler and given.scheduler != profile.scheduler:
        raise DeployError(
            f"{profile.title} runs {profile.scheduler}, not {given.scheduler}: leave --scheduler out."
        )
    try:
        worker_init = given.worker_init.expanduser().read_text() if given.worker_init else ""
    except (OSError, UnicodeDecodeError) as error:
        raise DeployError(f"--worker-init {given.worker_init} cannot be read: {error}.") from error
    venv = (given.venv or Path(sys.prefix)).expanduser().absolute()
    if given.venv and not (venv / "bin").is_dir():
        raise DeployError(f"--venv {venv} holds no bin folder. Make it: python3 -m venv {venv}")
    models = given.models_dir.expanduser().absolute() if given.models_dir else None
    least = (
        profile.queues[queue].min_nodes if (queue := given.queue or profile.queue) in profile.queues else 1
    )
    return settle(
        profile,
        given.name,
        venv=venv,
        environment=environment(profile, venv, models, folder),
        interfaces=[name for _, name in socket.if_nameindex()],
        account=given.account,
        queue=given.queue,
        walltime=given.walltime,
        gpus=given.gpus_per_node,
        cpus=given.cpus_per_node,
        nodes=given.nodes or least,
        options=given.job_option,
        max_replicas=given.max_replicas,
        worker_init=worker_init,
        address=given.address,
        models_dir=models,
        allow=given.allow,
    )


def environment(profile: Profile, venv: Path, models: Path | None, folder: Path) -> dict[str, str]:
    """Return the variables of the endpoint's processes and jobs."""
    submit = shutil.which(SUBMIT.get(profile.scheduler, ""))
    path = [str(venv / "bin"), *([str(Path(submit).parent)] if submit else []), *SYSTEM_PATH]
    home, cache = os.environ.get("FIRST_HOME"), os.environ.get("FIRST_CACHE")
    variables = {
        "PATH": ":".join(dict.fromkeys(path)),
        "FIRST_HOME": str(Path(home or "~/.local/state/first-jupyter").expanduser()),
        "FIRST_CACHE": str(Path(cache or "~/.cache/first-jupyter").expanduser()),
        **{name: os.environ[name] for name in PASSED_ON if name in os.environ},
        **profile.environment,
    }
    if folder.parent != HOME.expanduser():
        variables["GLOBUS_COMPUTE_USER_DIR"] = str(folder.parent)
    if models:
        # Weights that are shared are read-only, so what code brings along goes elsewhere.
        modules = f"{variables['FIRST_CACHE']}/huggingface-modules"
        variables |= {"HF_HOME": str(models), "HF_HUB_OFFLINE": "1", "HF_MODULES_CACHE": modules}
    return variables


def notes(settings: Settings) -> list[str]:
    """Return what is not wrong but should be known."""
    profile, found = settings.profile, []
    if settings.limits.note:
        found.append(settings.limits.note)
    odd = [account for account in settings.accounts if not re.search(profile.account_pattern, account)]
    found += [f"{profile.account_note}; {account} does not." for account in odd]
    if profile.queues and settings.queue not in profile.queues:
        found.append(f"{settings.queue} is no queue that this profile knows; its limits were not checked.")
    if not settings.cpus and (
        profile.scheduler == "pbs" or (profile.scheduler == "slurm" and not profile.exclusive)
    ):
        found.append(
            "a job asks for one CPU a node, which is little where nodes are shared: --cpus-per-node N."
        )
    here = [name for _, name in socket.if_nameindex()]
    if settings.interface and settings.interface not in here:
        found.append(
            f"this machine has no interface {settings.interface} (it has {', '.join(here)}). "
            "Start the endpoint where it exists, or give --address."
        )
    if not settings.allow:
        found.append("any function of the endpoint's owner may run here; --allow UUID restricts it.")
    if not (settings.venv / "bin/globus-compute-endpoint").exists():
        found.append(
            f"{settings.venv} has no globus-compute-endpoint. Install it: "
            f"{settings.venv}/bin/pip install 'globus-compute-endpoint>=4.19,<5'"
        )
    return found
