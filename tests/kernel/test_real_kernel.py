import queue

import pytest
from kernels import run


def test_a_kernel_streams_is_interrupted_and_proposes_a_cell(kernel, wire):
    manager, client = kernel
    run(client, "%load_ext first_jupyter")

    wire.says(*["word "] * 40, pace=0.02)
    messages, reply = run(client, "%%first\nWrite")
    shown = [m for m in messages if m["msg_type"] in ("display_data", "update_display_data")]
    assert reply["status"] == "ok"
    assert [m["msg_type"] for m in shown] == ["display_data"] + ["update_display_data"] * (len(shown) - 1)
    assert shown[-1]["content"]["metadata"]["first"]["request_id"] == "req-1"
    assert shown[-1]["content"]["data"]["text/markdown"].count("word") == 40

    wire.says(*["word "] * 400, pace=0.05)
    pressed = []

    def press_stop(message):
        if message["msg_type"] == "update_display_data" and not pressed:
            pressed.append(manager.interrupt_kernel())

    messages, reply = run(client, "%%first\nWrite", press_stop)
    assert reply["status"] == "error"
    assert reply["ename"] == "Interrupted"
    assert wire.left.wait(1)
    assert messages[-2]["content"]["traceback"] == [
        "Interrupted: stopped by the reader; the text so far is kept."
    ]

    wire.says("```python\nprint(1)\n```")
    _, reply = run(client, "%%first -f code\nPrint")
    assert reply["payload"] == [{"source": "set_next_input", "text": "print(1)", "replace": False}]

    wire.says(status=404, error="There is no model 'nope'.")
    messages, reply = run(client, "%%first nope\nHi")
    assert reply["status"] == "error"
    assert [m["content"]["traceback"] for m in messages if m["msg_type"] == "error"] == [
        ["StatusError: There is no model 'nope'."]
    ]
    with pytest.raises(queue.Empty):
        client.get_iopub_msg(timeout=0.2)
