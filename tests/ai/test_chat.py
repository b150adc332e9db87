"""What Jupyter AI's users get from the federation, over Jupyter AI's own API."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from jupyter_process import SMOLLM2, wait_until

pytestmark = [pytest.mark.ai, pytest.mark.model]


@pytest.fixture
def recorded(server):
    """Return a function that waits for this test's newest request in the ledger; one model has had all."""
    begun = time.time()

    def request(model):
        def word():
            recent = [each for each in server.get("usage")["recent"] if each["at"] >= begun]
            assert {each["model"] for each in recent} <= {model}
            return recent and recent[0]

        return wait_until(word, 60)

    return request


@contextlib.contextmanager
def choice_of(server, model):
    """Have a model be the current choice for a while, in place of the small one."""
    with server.kernels_port() as plane:
        plane.put("first/api/current", json={"model": model}).raise_for_status()
        try:
            yield
        finally:
            plane.put("first/api/current", json={"model": SMOLLM2}).raise_for_status()


def chosen_first(page):
    """Return whom a new chat speaks to, as the page tells Jupyter AI's browser side."""
    config = re.search(r'id="jupyter-config-data" type="application/json">(.*?)</script>', page, re.DOTALL)
    return json.loads(config[1])["jupyter_ai_default_persona"]


def environments(server):
    """Return the environments of a server's kernels, as bytes."""
    kernels = [pid for pid, command in server.processes().items() if "ipykernel_launcher" in command]
    return [Path(f"/proc/{pid}/environ").read_bytes() for pid in kernels]


def lose_the_data_plane(server, ask):
    """Ask for a story, kill the data plane while it is told, and return what came into the chat."""
    decoded = server.metrics()["llamacpp:n_decode_total"]
    with ThreadPoolExecutor() as threads:
        story = threads.submit(ask, "Tell a very long story of a lighthouse and its keeper.")
        wait_until(lambda: server.metrics()["llamacpp:n_decode_total"] > decoded + 5, 60)
        os.kill(server.get("status")["dataplane"]["pid"], signal.SIGKILL)
        return story.result(120)


def test_a_question_is_answered_by_the_current_model_and_nobody_types_a_key(ask, recorded):
    answer = ask("Say hello.")
    assert answer
    request = recorded(SMOLLM2)
    assert (request["outcome"], request["cluster"], request["notebook"]) == ("ok", "local", None)


def test_another_model_is_asked_where_the_chat_chooses_it(ask, recorded):
    assert ask("Say hello.", model="lab/other")
    assert recorded("lab/other")["outcome"] == "ok"


def test_the_chat_follows_the_current_choice(server, ask, recorded):
    with choice_of(server, "lab/other"):
        assert ask("Say hello.")
    assert recorded("lab/other")["outcome"] == "ok"


def test_a_cold_model_is_started_and_waited_for(server, ask):
    server.cold()
    assert ask("Say hello.")
    assert server.place()["state"] == "hot"


def test_a_model_that_is_not_there_is_told_with_those_that_are(ask):
    answer = ask("Say hello.", model="lab/othre")
    assert answer.startswith("There is no model named 'lab/othre'. Did you mean lab/other")


def test_a_model_that_cannot_start_is_told_in_the_words_of_the_server(ask):
    answer = ask("Say hello.", model="lab/missing")
    assert "/no/such/file.gguf" in answer
    assert "Traceback" not in answer


def test_an_answer_that_is_lost_in_the_middle_says_so_behind_what_came(server, ask):
    server.warm()
    # A small model may come to an end before its answer is lost; then it is asked again.
    told = next(told for _ in range(10) if (told := lose_the_data_plane(server, ask)).endswith("again."))
    assert "The data plane stopped, and the answer ends here." in told
    assert not told.startswith("The data plane stopped")


def test_jupyternaut_asks_the_federation_unless_it_is_told_otherwise(ask, recorded):
    said = ask("Say hello.", persona="Jupyternaut")
    # Its instructions alone are longer than what the small model reads: the model itself says so.
    assert "exceeds the available context size (2048 tokens)" in said
    recorded(SMOLLM2)


def test_jupyternaut_may_be_told_which_model_of_the_federation_to_ask(ask, recorded):
    assert "(2048 tokens)" in ask("Say hello.", model="hosted_vllm/lab/other", persona="Jupyternaut")
    recorded("lab/other")


def test_the_key_is_in_no_page_no_log_and_no_file_that_others_can_read(server, ask):
    key = server.found["api_key"]
    assert key not in ask("Say hello.")
    with server.jupyters_port() as jupyter:
        assert key not in jupyter.get("lab").text
    holders = []
    for file in server.home.rglob("*"):
        with contextlib.suppress(OSError):
            if file.is_file() and key.encode() in file.read_bytes():
                holders.append(file)
    assert holders == [server.runtime_file]
    assert server.runtime_file.stat().st_mode & 0o077 == 0


def test_a_new_chat_speaks_to_us(server):
    with server.jupyters_port() as jupyter:
        page = jupyter.get("lab").text
    assert chosen_first(page) == "jupyter-ai-personas::first_jupyter_server::FirstPersona"


def test_kernels_find_the_pair_though_another_extension_brings_its_own_session_manager(server):
    assert "jupyter_server_documents | extension was successfully loaded" in server.log
    asked = {"path": "n.ipynb", "name": "n.ipynb", "type": "notebook", "kernel": {"name": "python3"}}
    with server.jupyters_port() as jupyter:
        empty = {
            "type": "notebook",
            "content": {"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5},
        }
        jupyter.put("api/contents/n.ipynb", json=empty).raise_for_status()
        session = jupyter.post("api/sessions", json=asked).raise_for_status().json()
        (environment,) = wait_until(lambda: environments(server), 30)
        jupyter.delete(f"api/sessions/{session['id']}")
    found = dict(entry.split(b"=", 1) for entry in environment.split(b"\0") if b"=" in entry)
    assert found[b"OPENAI_BASE_URL"].decode() == found[b"FIRST_BASE_URL"].decode() == server.found["base_url"]
    assert found[b"OPENAI_API_KEY"].decode().startswith(server.found["api_key"] + ".")
