"""A replica lives as long as it is wanted, and no longer; its service outlives its job."""

from __future__ import annotations

import threading
import time

import pytest
from jupyter_process import wait_until

pytestmark = [pytest.mark.globus, pytest.mark.model]


class Asking(threading.Thread):
    """Asks a model again and again, and notes the job that answered first."""

    def __init__(self, lab):
        super().__init__()
        self.lab, self.job, self.failed = lab, None, []
        self._over = threading.Event()

    def run(self):
        while not self._over.is_set():
            try:
                self.lab.ask()
                self.job = self.job or self.lab.place()["leases"][0]["job"]
            except Exception as error:  # noqa: BLE001
                self.failed.append(error)
            self._over.wait(0.5)

    def end(self):
        self._over.set()
        self.join()


@pytest.fixture(scope="module", autouse=True)
def asking(lab, serve, agent):
    """Hold a replica for longer than its job lasts, and ask it all the while; its first minute is long."""
    lab.have_cold()
    held = serve(agent, user_endpoint_config={"walltime": 1})
    held.post("models/start", model="smollm2", hold=1800)
    asking = Asking(held)
    asking.start()
    yield asking
    asking.end()


def has_ended(slurm, job):
    wait_until(lambda: job not in slurm.jobs(), 90, slurm.jobs)


def test_a_replica_that_nobody_uses_gives_its_node_back(serve, agent, slurm):
    lab = serve(agent, model={"idle_ttl": 3})
    (lease,) = lab.have_hot()["leases"]
    wait_until(lambda: lab.place()["state"] == "cold", 90, lab.place)
    has_ended(slurm, lease["job"])
    assert "nobody has used it" in lab.place()["reason"]


def test_a_hold_keeps_a_replica_that_nobody_uses(serve, agent, slurm):
    lab = serve(agent, model={"idle_ttl": 1})
    lab.post("models/start", model="smollm2", hold=300)
    (lease,) = lab.until("hot", seconds=180)["leases"]
    assert 200 < lease["held_until"] - time.time() < 330
    assert lease["job"] in slurm.jobs()
    time.sleep(5)  # five times its idle_ttl
    assert lab.ask()
    lab.have_cold()
    has_ended(slurm, lease["job"])


def test_a_hold_outlives_the_server_that_asked_for_it(serve, agent, slurm, tmp_path):
    first = serve(agent, model={"idle_ttl": 1}, data=tmp_path / "data")
    first.post("models/start", model="smollm2", hold=300)
    (before,) = first.until("hot", seconds=180)["leases"]
    first.close()
    time.sleep(5)  # five times its idle_ttl
    second = serve(agent, model={"idle_ttl": 1}, data=tmp_path / "data")
    (after,) = second.until("hot", seconds=60)["leases"]
    assert (after["replica"], after["job"]) == (before["replica"], before["job"])
    assert after["held_until"] == pytest.approx(before["held_until"], abs=2)
    assert second.ask()
    second.have_cold()
    has_ended(slurm, before["job"])


def test_a_successor_takes_over_before_the_job_ends_and_no_request_fails(asking, slurm):
    lab = asking.lab
    wait_until(lambda: asking.job and asking.job not in slurm.jobs(), 240, slurm.jobs)
    wait_until(lambda: lab.until("hot", seconds=60)["replicas"] == 1, 60, lab.place)
    asking.end()
    assert asking.failed == []
    (lease,) = (each for each in lab.place()["leases"] if each["stage"] == "ready")
    assert lease["job"] in slurm.jobs()
    assert 1200 < lease["held_until"] - time.time() < 1800
    lab.have_cold()
