"""What the true programs cannot be told otherwise; put this folder on PYTHONPATH.

globus-compute-sdk gets the stand-in's address (``FIRST_TEST_COMPUTE_URL``): its own list of addresses has no
room for a free port. Parsl asks Slurm every two seconds what became of its jobs, instead of once a minute.
Nothing else of them is changed.

A Jupyter server of ours looks at a cluster's records for ``FIRST_TEST_LOOK`` seconds at a time where that is
set. It asks as much sooner for another job as these endpoints notice sooner that one is lost. Gateways, which
keep their list of jobs for a minute, are asked again after ``FIRST_TEST_GATEWAY`` seconds.

Each process writes down how many asyncio tasks it has, into a file of its own in the folder
``FIRST_TEST_TASKS``, where that is set.
"""

import importlib.abc
import importlib.machinery
import os
import pathlib
import sys
import threading
import time


def give_address(module):
    if os.environ.get("FIRST_TEST_COMPUTE_URL"):
        module.get_web_service_url = lambda envname=None: os.environ["FIRST_TEST_COMPUTE_URL"]


def ask_often(module):
    module.SlurmProvider.status_polling_interval = 2


def look_briefly(module):
    module.PATIENT = float(os.environ.get("FIRST_TEST_LOOK") or module.PATIENT)


def ask_again_sooner(module):
    module.AGAIN = (3.0, 10.0, 25.0, 25.0)


def ask_gateways_again(module):
    for name in ("CACHED", "AGAIN_IN"):
        if hasattr(module, name):
            setattr(module, name, float(os.environ.get("FIRST_TEST_GATEWAY") or getattr(module, name)))


CHANGES = {
    "globus_compute_sdk.sdk._environments": give_address,
    "parsl.providers.slurm.slurm": ask_often,
    "first_jupyter_server.clusters.globus_watch": look_briefly,
    "first_jupyter_server.clusters.globus_replicas": ask_again_sooner,
    "first_jupyter_server.clusters.gateway_states": ask_gateways_again,
    "first_jupyter_server.dialects.first_gateway": ask_gateways_again,
}


class Changed(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Loads these modules, and then changes them."""

    def __init__(self):
        self.found = {}

    def find_spec(self, name, path, target=None):
        if name not in CHANGES:
            return None
        self.found[name] = importlib.machinery.PathFinder.find_spec(name, path)
        return importlib.machinery.ModuleSpec(name, self, origin=self.found[name].origin)

    def create_module(self, spec):
        return None

    def exec_module(self, module):
        found = self.found[module.__name__]
        module.__file__ = found.origin
        found.loader.exec_module(module)
        CHANGES[module.__name__](module)


sys.meta_path.insert(0, Changed())


def count_tasks(file):
    while True:
        tasks = getattr(sys.modules.get("asyncio.tasks"), "_all_tasks", ())
        try:
            file.write_text(str(sum(not task.done() for task in list(tasks))))
        except RuntimeError:  # one came or went while they were counted
            continue
        time.sleep(2)


if os.environ.get("FIRST_TEST_TASKS"):
    own = pathlib.Path(os.environ["FIRST_TEST_TASKS"], str(os.getpid()))
    threading.Thread(target=count_tasks, args=(own,), daemon=True).start()
