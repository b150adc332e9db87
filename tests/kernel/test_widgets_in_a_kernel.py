import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from kernels import Subshell, run, value
from wire import LOADING, SMOL, lease

VIEW = "application/vnd.jupyter.widget-view+json"
LLAMA = "meta-llama/Llama-3.3-70B-Instruct"
MAKE = "import first_jupyter as first"


def shown(messages):
    displays = ("display_data", "update_display_data")
    return [m["content"]["data"] for m in messages if m["msg_type"] in displays]


def while_a_cell_streams(kernel, wire, act, condition, eventually):
    """Act in the middle of an answer, wait for what comes of it, and end the answer early."""
    manager, client = kernel
    wire.says(*["word "] * 400, pace=0.05)
    acted = []

    def on_message(message):
        if message["msg_type"] == "update_display_data" and not acted:
            act()
            acted.append(eventually(condition))
            manager.interrupt_kernel()

    messages, reply = run(client, "%%first\nWrite", on_message)
    assert acted
    assert reply["ename"] == "Interrupted"
    assert shown(messages)[-1]["text/plain"].count("word") < 200


def test_a_button_acts_while_a_cell_streams(kernel, wire, eventually):
    _, client = kernel
    wire.changes(leases=[lease()])
    run(client, f"%load_ext first_jupyter\n{MAKE}\nnodes = first.WarmNodes()\nnodes")
    subshell, stop = Subshell(client), value(client, "nodes.children[1]._end.model_id")
    asked = ("POST", "api/models/stop", {"model": SMOL, "cluster": "local", "replica": "r1"})
    while_a_cell_streams(kernel, wire, lambda: subshell.click(stop), lambda: asked in wire.calls, eventually)


def test_a_model_is_picked_while_a_cell_streams(kernel, wire, eventually):
    _, client = kernel
    run(client, f"%load_ext first_jupyter\n{MAKE}\npicker = first.ModelPicker()\npicker")
    subshell, picked = Subshell(client), value(client, "picker._list.model_id")

    def pick():
        subshell.send(picked, {"method": "update", "state": {"index": 0}, "buffer_paths": []})

    while_a_cell_streams(kernel, wire, pick, lambda: wire.catalog["current"] == LLAMA, eventually)


@pytest.mark.parametrize(
    ("made", "said"),
    [
        ("progress()", "smollm2 on local: loading, about 19 s left"),
        ("WarmNodes()", "loading the weights"),
        ("Usage()", "answer tokens"),
        ("ModelPicker()", "ModelPicker: smollm2 on local: loading"),
    ],
)
def test_each_widget_leaves_text_and_html_beside_it(kernel, wire, made, said):
    _, client = kernel
    wire.changes(**LOADING)
    messages, _ = run(client, f"{MAKE}\nfirst.{made}")
    (data,) = shown(messages)
    assert said in data["text/plain"]
    assert "<small>As it was on 20" in data["text/html"]
    assert data[VIEW]["model_id"]


def test_a_closed_widget_leaves_what_it_showed_last(kernel, wire):
    _, client = kernel
    wire.changes(leases=[lease()])
    run(client, f"{MAKE}\nnodes = first.WarmNodes()\nnodes")
    messages, _ = run(client, "stop = nodes.children[1]._end\nnodes.close()")
    (data,) = shown(messages)
    assert value(client, "stop.comm is None") == "True"
    assert "smollm2" in data["text/html"]
    assert VIEW not in data


def test_a_cell_that_runs_again_ends_what_it_showed_before(kernel, wire, eventually):
    _, client = kernel
    for _ in range(3):
        run(client, f"{MAKE}\nnodes = first.WarmNodes()\nnodes", cell="a")
    eventually(lambda: wire.listeners == 1)
    run(client, "nodes", cell="b")
    run(client, f"{MAKE}\nfirst.Usage()", cell="a")
    eventually(lambda: wire.listeners == 2)
    run(client, "1", cell="b")
    assert value(client, "nodes.comm is None") == "False"


@pytest.mark.parametrize("stored", [True, False])
def test_an_exported_notebook_shows_what_was_shown_last(wire, tmp_path, eventually, stored):
    wire.changes(**LOADING)
    until_told = "import time\nfirst.current()\nwhile start._live.is_alive:\n    time.sleep(0.05)"
    cells = [f"{MAKE}\nstart = first.progress()\nstart", "first.WarmNodes()", "first.Usage()", until_told]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    nbformat.write(notebook, tmp_path / "widgets.ipynb")
    command = [
        sys.executable,
        "-m",
        "nbconvert",
        "--execute",
        "--to",
        "html",
        str(tmp_path / "widgets.ipynb"),
    ]
    command += [f"--ExecutePreprocessor.store_widget_state={stored}"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as converting:
        # Only what comes while a cell runs reaches the notebook.
        eventually(lambda: ("GET", "api/current", None) in wire.calls, seconds=60)
        wire.changes(state="hot", leases=[lease()])
        _, said = converting.communicate(timeout=60)
    assert converting.returncode == 0, said
    page = Path(tmp_path / "widgets.html").read_text()
    assert "smollm2 on local: hot after" in page
    assert "of them failed" in page
    assert ("Warm nodes</caption>" in page) is not stored
    assert (VIEW in page) is stored
