"""Turns settings into the text of the endpoint's files. Nothing is read or written but the templates."""

from __future__ import annotations

import json
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, Any

from .settings import SHORTEST, clock

if TYPE_CHECKING:
    from .settings import Settings

__all__ = ["files", "schema", "summary"]

TEMPLATES = Path(__file__).with_name("templates")
HEARTBEAT = 30
TWO_WEEKS = 14 * 24 * 60
SIGILS = {"slurm": "#SBATCH", "pbs": "#PBS"}
# A job that the scheduler runs again would find nobody who knows it. The mark tells our jobs from others.
ALWAYS = {
    "slurm": ("--no-requeue", "--comment=first-jupyter"),
    "pbs": ("-r n", "-v FIRST_JUPYTER=1"),
}
# The shell function of worker_init.sh, in front of the manager's command.
WRAPPED = "      type: WrappedLauncher\n      prepend: first_job"


class Fill(Template):
    """Takes ``@{name}``, and leaves the shell's dollars and Jinja's braces alone."""

    delimiter = "@"


def files(settings: Settings, folder: Path) -> dict[str, str]:
    """Return the endpoint's files by name, for a folder that they will lie in."""
    return {
        "config.yaml": _fill(
            "config.yaml",
            display_name=_quote(f"{settings.name}: first-jupyter on {settings.profile.title}"),
            allowed=_allowed(settings),
        ),
        "user_config_template.yaml.j2": _user_config(settings),
        "user_config_schema.json": json.dumps(schema(settings), indent=2) + "\n",
        "user_environment.yaml": _fill(
            "user_environment.yaml",
            repeated="nothing is inherited when the agent runs as root.",
            variables="\n".join(f"{name}: {_quote(value)}" for name, value in settings.environment.items()),
        ),
        "first-remote.json": json.dumps(settings.record(), indent=2) + "\n",
        "README.txt": _readme(settings, folder),
    }


def schema(settings: Settings) -> dict[str, Any]:
    """Return the JSON schema of what a user may put into ``user_endpoint_config``."""
    properties: dict[str, Any] = {
        "role": {
            "enum": ["serve", "control", "relay"],
            "description": "serve: one replica on compute nodes. control: a quick task on the login node. "
            "relay: a part of an answer, waited for on the login node.",
        }
    }
    if settings.profile.scheduler != "local":
        properties["walltime"] = {
            "type": "integer",
            "minimum": SHORTEST,
            "maximum": settings.walltime,
            "description": "the job's longest life in minutes",
        }
        properties["nodes"] = {
            "type": "integer",
            "minimum": settings.limits.min_nodes,
            "maximum": settings.nodes,
            "description": "the nodes of one replica",
        }
        if settings.gpus:
            properties["gpus"] = _gpus(settings)
        if settings.accounts:
            properties["account"] = {
                "enum": list(settings.accounts),
                "description": "what the job is charged to",
            }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"user_endpoint_config of {settings.name}",
        "type": "object",
        "properties": properties,
        "required": ["role"],
        "additionalProperties": False,
        # Each distinct configuration is a process of its own on the login node; one for each of these.
        "if": {"properties": {"role": {"enum": ["control", "relay"]}}},
        "then": {"maxProperties": 1},
    }


def _gpus(settings: Settings) -> dict[str, Any]:
    if settings.limits.chunk == "gpu":
        return {"enum": list(settings.limits.gpu_choices), "description": "the GPUs of one replica"}
    least = settings.gpus if settings.profile.exclusive else 1
    return {"type": "integer", "minimum": least, "maximum": settings.gpus, "description": "GPUs a node"}


def _user_config(settings: Settings) -> str:
    profile = settings.profile
    by_gpu = settings.limits.chunk == "gpu"
    # In Slurm and PBS a job takes this many chunks; Globus Compute calls them nodes.
    chunks = "count" if by_gpu else "nodes_of_it"
    chosen = [
        f"{{%- set count = gpus | default({settings.gpus}) %}}",
        f"{{%- set nodes_of_it = nodes | default({settings.limits.min_nodes}) %}}",
        f"{{%- set chunks = {chunks} %}}",
    ]
    return _fill(
        "user_config_template.yaml.j2",
        title=profile.title,
        walltime=str(settings.walltime),
        chosen="\n".join(chosen),
        hard_limit=str((settings.walltime + TWO_WEEKS) * 60 // HEARTBEAT),
        heartbeat_period=str(profile.heartbeat_period),
        heartbeat_threshold=str(profile.heartbeat_threshold),
        address=_address(settings),
        provider=_provider(settings),
        max_replicas=str(settings.max_replicas),
        launcher="      type: SimpleLauncher" if profile.scheduler == "local" else WRAPPED,
        worker_init=_indent(_worker_init(settings), 6),
    )


def _address(settings: Settings) -> str:
    if settings.interface:
        return f"  address:\n    type: address_by_interface\n    ifname: {_quote(settings.interface)}"
    if settings.host:
        return f"  address: {_quote(settings.host)}"
    return "  # No address was given: nodes try all of this machine's. --address makes their start quicker."


def _provider(settings: Settings) -> str:
    profile = settings.profile
    if profile.scheduler == "local":
        return _fill("local.yaml").rstrip("\n")
    sigil = SIGILS[profile.scheduler]
    options = [f"{sigil} {option}" for option in (*settings.options, *ALWAYS[profile.scheduler])]
    request = _slurm_request(settings) if profile.scheduler == "slurm" else _pbs_request(settings)
    if settings.accounts:
        request.append(f"account: {{{{ account | default('{_quote(settings.accounts[0])}') }}}}")
    return _fill(
        f"{profile.scheduler}.yaml",
        request=_indent("\n".join(request), 4),
        exclusive=str(profile.exclusive).lower(),
        command_timeout=str(profile.command_timeout),
        options=_indent("\n".join(options), 6),
    ).rstrip("\n")


def _slurm_request(settings: Settings) -> list[str]:
    profile = settings.profile
    lines = [f"{profile.queue_is}: {_quote(settings.queue)}"] if settings.queue else []
    if profile.constraint:
        lines.append(f"constraint: {_quote(profile.constraint)}")
    if settings.gpus and profile.gpu_request == "gpus-per-node":
        lines.append("gpus_per_node: {{ count }}")
    elif settings.gpus:
        lines.append('gres: "gpu:{{ count }}"')
    if settings.cpus and not profile.exclusive:
        share = (
            f"[1, {settings.cpus} * count // {settings.gpus}] | max" if settings.gpus else str(settings.cpus)
        )
        lines.append(f"cores_per_node: {{{{ {share} }}}}")
    return lines


def _pbs_request(settings: Settings) -> list[str]:
    profile = settings.profile
    by_gpu = settings.limits.chunk == "gpu"
    lines = [f"queue: {_quote(settings.queue)}"] if settings.queue else []
    cpus = settings.cpus or 1
    cpus = max(1, cpus // settings.gpus) if by_gpu else cpus
    options = "mpiprocs=1"
    if profile.select_options and settings.gpus:
        options = profile.select_options.replace("{gpus}", "1" if by_gpu else "{{ count }}")
    others = f"{{% if chunks > 1 %}}+{{{{ chunks - 1 }}}}:ncpus={cpus}:{options}{{% endif %}}"
    lines += [f"cpus_per_node: {cpus}", f'select_options: "{options}{others}"']
    return lines


def _worker_init(settings: Settings) -> str:
    lines = [
        f"export {name}={_shell(value)}" for name, value in settings.environment.items() if name != "PATH"
    ]
    lines.append(f"export PATH={_shell(str(settings.venv / 'bin'))}:$PATH")
    # Raw, because ${#words[@]} opens a comment in Jinja.
    own = "{%- raw %}\n" + "\n".join([*lines, *settings.worker_init.splitlines()]) + "\n{%- endraw %}"
    begin = "" if settings.profile.scheduler == "local" else _fill("worker_init.sh")
    return f"{begin}{own}" if begin else f"# The environment of a job.\n{own}"


def _allowed(settings: Settings) -> str:
    if not settings.allow:
        return "# Any function of yours may run here. --allow UUID restricts it to first-jupyter's own."
    return "allowed_functions:\n" + "\n".join(f"  - {_quote(function)}" for function in settings.allow)


def _readme(settings: Settings, folder: Path) -> str:
    choices = []
    for name, rule in schema(settings)["properties"].items():
        span = (
            f"{rule['minimum']} to {rule['maximum']}"
            if "minimum" in rule
            else ", ".join(map(str, rule["enum"]))
        )
        choices.append(f"  {name:9} {span}; {rule['description']}")
    usual = folder.parent.name == ".globus_compute"
    return _fill(
        "README.txt",
        name=settings.name,
        title=settings.profile.title,
        folder=str(folder),
        agent="globus-compute-endpoint" + ("" if usual else f" -c {folder.parent}"),
        endpoint=folder.name,
        choices="\n".join(choices),
        functions=", ".join(settings.allow) or "any (deploy with --allow UUID to restrict it)",
    )


def summary(settings: Settings) -> str:
    """Return one line about the jobs."""
    where = f"in {settings.queue} " if settings.queue else ""
    nodes = "1 node" if settings.nodes == 1 else f"up to {settings.nodes} nodes"
    span = "" if settings.profile.scheduler == "local" else f"for at most {clock(settings.walltime)} "
    return (
        f"{nodes} with {settings.gpus} GPUs {where}{span}a replica, at most {settings.max_replicas} at once"
    )


def _fill(template: str, **values: str) -> str:
    return Fill((TEMPLATES / template).read_text()).substitute(values)


def _indent(text: str, by: int) -> str:
    return "\n".join(" " * by + line if line.strip() else "" for line in text.splitlines())


def _quote(value: str) -> str:
    """Return a string that YAML and JSON both read."""
    return json.dumps(value, ensure_ascii=False)


def _shell(value: str) -> str:
    """Return a word in single quotes."""
    return "'" + value.replace("'", "'\\''") + "'"
