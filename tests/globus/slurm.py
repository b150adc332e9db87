"""A Slurm of one's own: a controller and two nodes of two pretended GPUs each, on this machine, as root."""

from __future__ import annotations

import os
import secrets
import socket
import string
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from services import Daemon, free_ports, wait_for

__all__ = ["KILLED_AFTER", "TRACKING", "Slurm"]

START_LIMIT = 60.0
KILLED_AFTER = 90
"""Seconds after its SIGTERM at which Slurm kills what is left of a job; a busy machine needs some of them."""
TRACKING = ("cgroup", "linuxproc") if Path("/sys/fs/cgroup/freezer").is_dir() else ("linuxproc",)
"""How a Slurm can find a job's processes here: by cgroup as most sites do, where the kernel still can."""

CONFIG = """\
ClusterName=first
SlurmctldHost={host}(127.0.0.1)
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={state}/munge.socket
CredType=cred/munge
MpiDefault=none
ProctrackType=proctrack/{tracking}
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerType=sched/backfill
SchedulerParameters=sched_interval=1,bf_interval=5,batch_sched_delay=0
ReturnToService=2
SlurmctldPort={controller}
StateSaveLocation={state}/state
SlurmdSpoolDir={state}/spool/%n
SlurmctldPidFile={state}/slurmctld.pid
SlurmdPidFile={state}/slurmd.%n.pid
SlurmctldLogFile={state}/slurmctld.log
SlurmdLogFile={state}/slurmd.%n.log
SlurmctldDebug=info
SlurmdDebug=info
SlurmdParameters=config_overrides
MinJobAge=300
KillWait={killed_after}
InactiveLimit=0
GresTypes=gpu
NodeName={name}1 NodeHostname={host} NodeAddr=127.0.0.1 Port={n1} {node}
NodeName={name}2 NodeHostname={host} NodeAddr=127.0.0.1 Port={n2} {node}
PartitionName=debug Nodes={name}[1-2] Default=YES MaxTime=01:00:00 State=UP OverSubscribe=NO
"""
NODE = "CPUs=4 Boards=1 SocketsPerBoard=1 CoresPerSocket=4 ThreadsPerCore=1 RealMemory=10000 Gres=gpu:2"
GPUS = "NodeName={name}[1-2] Name=gpu File={state}/nvidia[0-1]\n"
CGROUPS = "CgroupPlugin=cgroup/v1\nCgroupAutomount=yes\nCgroupMountpoint=/sys/fs/cgroup\n"


class Slurm:
    """The batch system.

    Parameters
    ----------
    folder
        An empty folder for its state and logs.
    tracking
        How it finds a job's processes, one of ``TRACKING``.
    """

    def __init__(self, folder: Path, tracking: str = TRACKING[0]) -> None:
        self.folder = folder
        self.config = folder / "slurm.conf"
        self.log = folder / "slurmctld.log"
        self.env = {**os.environ, "SLURM_CONF": str(self.config)}
        self._daemons: list[Daemon] = []
        controller, n1, n2 = free_ports(3)
        # A job's cgroup is called after its node and its number; no other Slurm here may share both.
        name = "n" + "".join(secrets.choice(string.ascii_lowercase) for _ in range(8))
        self.nodes = (f"{name}1", f"{name}2")
        for place in ("state", *(f"spool/{node}" for node in self.nodes)):
            (folder / place).mkdir(parents=True)
        filled = {"name": name, "host": socket.gethostname().partition(".")[0], "state": folder, "node": NODE}
        filled |= {"controller": controller, "n1": n1, "n2": n2}
        filled |= {"tracking": tracking, "killed_after": KILLED_AFTER}
        self.config.write_text(CONFIG.format(**filled))
        (folder / "gres.conf").write_text(GPUS.format(**filled))
        (folder / "cgroup.conf").write_text(CGROUPS)
        for number in range(2):
            # Slurm numbers the devices for CUDA_VISIBLE_DEVICES by what they are, so plain files will not do.
            os.mknod(folder / f"nvidia{number}", 0o20600, os.makedev(195, number))
        key = folder / "munge.key"
        key.write_bytes(secrets.token_bytes(128))
        key.chmod(0o400)

    def start(self) -> Slurm:
        """Start it, and return when both nodes are idle."""
        folder, log = self.folder, self.folder / "daemons.log"
        munge = ["munged", "--foreground", "--force", f"--socket={folder}/munge.socket"]
        munge += [f"--{name}-file={folder}/munge.{name}" for name in ("key", "pid", "seed", "log")]
        self._daemons = [Daemon(munge, log)]
        wait_for((folder / "munge.socket").exists, START_LIMIT, log, *self._daemons)
        self._daemons.append(Daemon(["slurmctld", "-D", "-c"], log, self.env))
        self._daemons += [Daemon(["slurmd", "-D", "-N", node], log, self.env) for node in self.nodes]
        wait_for(lambda: self.run("sinfo", "-h", "-o", "%D%T") == "2idle", START_LIMIT, log, *self._daemons)
        return self

    def stop(self) -> None:
        """Cancel all jobs and end it."""
        self.cancel_all()
        while self._daemons:
            self._daemons.pop().stop()

    __enter__ = start

    def __exit__(self, *_: object) -> None:
        self.stop()

    def run(self, *command: str) -> str:
        """Run one of Slurm's commands and return what it printed, nothing where it failed."""
        done = subprocess.run(command, env=self.env, capture_output=True, text=True, timeout=30, check=False)
        return done.stdout.strip() if done.returncode == 0 else ""

    def jobs(self) -> dict[str, str]:
        """Return the states of the jobs that wait or run, by their numbers."""
        return dict(line.split() for line in self.run("squeue", "-h", "-o", "%i %T").splitlines())

    def processes(self, job: str, node: str) -> list[int]:
        """Return the processes of a job on one of the nodes."""
        _, *lines = self.run("scontrol", "listpids", job, node).splitlines() or [""]
        return [int(line.split()[0]) for line in lines]

    def cancel(self, job: str, *options: str) -> None:
        """Cancel a job."""
        self.run("scancel", *options, job)

    @contextmanager
    def full(self) -> Iterator[str]:
        """Have somebody's job take all nodes; yields its number."""
        command = ("sbatch", "--parsable", "--exclusive", "--nodes=2", "--output=/dev/null")
        job = self.run(*command, "--wrap", "exec sleep 3600")
        assert job, "Slurm took no job"
        wait_for(lambda: self.jobs().get(job) == "RUNNING", START_LIMIT, self.log)
        try:
            yield job
        finally:
            self.cancel(job)

    def cancel_all(self, seconds: float = 40.0) -> None:
        """Cancel all jobs and wait until they are gone."""
        until = time.monotonic() + seconds
        while (jobs := self.jobs()) and time.monotonic() < until:
            self.run("scancel", *jobs)
            time.sleep(0.5)
