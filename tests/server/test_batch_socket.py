"""The way to the process of batches asks for no key: it is open to this user alone."""

import asyncio
import logging
import os
import stat
import subprocess
from pathlib import Path

import pytest
from first_jupyter_server.batch.supervisor import BatchSupervisor

NOBODY = 65_534


@pytest.fixture
async def socket_path(tmp_path):
    """Open the socket, in a folder of its own below the machine's folder for such."""
    supervisor = BatchSupervisor(tmp_path, lambda _: None, logging.getLogger("test"))
    supervisor.open(port=1, key="", relay="")
    asyncio.get_running_loop().remove_reader(supervisor._listener)  # nothing is to be started
    yield Path(supervisor.path)
    await supervisor.stop()


async def test_its_folder_is_this_users_alone(socket_path):
    assert stat.S_IMODE(socket_path.parent.stat().st_mode) == 0o700
    assert socket_path.parent.stat().st_uid == os.getuid()


async def test_another_user_of_the_machine_cannot_even_see_it(socket_path):
    if os.geteuid() != 0:
        pytest.skip("only root can be somebody else")

    find = ["/bin/sh", "-c", 'test -e "$0"', str(socket_path)]
    another = {"user": NOBODY, "group": NOBODY, "extra_groups": []}
    assert (await asyncio.to_thread(subprocess.run, find, check=False)).returncode == 0
    assert (await asyncio.to_thread(subprocess.run, find, check=False, **another)).returncode == 1
