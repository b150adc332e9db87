import threading

import pytest

import first_jupyter
from first_jupyter import ModelPicker, NotConnectedError
from first_jupyter._widgets.picker import choices

SMOL = "HuggingFaceTB/SmolLM2-135M-Instruct"
LLAMA = "meta-llama/Llama-3.3-70B-Instruct"


@pytest.fixture
def picker(wire):
    made = ModelPicker()
    yield made
    made.close()


def test_models_are_offered_cluster_by_cluster(wire):
    assert choices(wire.catalog) == [
        ("anywhere · ○ llama · cold (no node yet)", LLAMA),
        ("local · ● smollm2 · ready", SMOL),
        ("polaris · ○ llama · cold (no node yet)", f"{LLAMA}@polaris"),
        ("sophia · ○ llama · cold", f"{LLAMA}@sophia"),
    ]


def test_it_opens_on_the_current_choice(picker):
    assert picker.value == SMOL
    assert picker._list.value == SMOL
    assert repr(picker) == "ModelPicker: smollm2 on local: ready"
    assert 'aria-live="polite">smollm2 on local: ready' in picker._said.value


def test_picking_makes_the_choice_for_all(picker, wire):
    picker._list.value = LLAMA
    assert wire.catalog["current"] == LLAMA
    assert first_jupyter.current() == LLAMA


def test_the_value_can_be_set_from_code(picker, wire, eventually):
    picker.value = "llama"
    assert wire.catalog["current"] == LLAMA
    eventually(lambda: picker.value == LLAMA)


def test_a_choice_made_elsewhere_shows_up(picker, wire, eventually):
    first_jupyter.use("llama")
    eventually(lambda: picker._list.value == LLAMA)
    assert picker.value == LLAMA
    assert not [body for verb, route, body in wire.calls if verb == "PUT"][1:]


def test_progress_shows_up_and_keeps_the_choice(picker, wire, eventually):
    wire.changes(state="starting", stage="loading", progress=0.4, eta=3.0)
    eventually(lambda: "loading 40 %, about 3 s left" in picker._said.value)
    assert picker._list.value == SMOL
    assert not [route for verb, route, _ in wire.calls if verb == "PUT"]


def test_it_can_be_used_while_a_cell_streams(picker, shell, wire):
    wire.says(*["word "] * 20, pace=0.05)
    timer = threading.Timer(0.3, setattr, (picker._list, "value", LLAMA))
    timer.start()
    seen = shell.cell("%%first\nWrite")
    timer.join()
    assert seen.plain.count("word") == 20
    assert wire.catalog["current"] == LLAMA


def test_buttons_start_and_stop_the_model(picker, wire, eventually):
    picker._start.click()
    eventually(lambda: "loading" in picker._said.value)
    picker._stop.click()
    eventually(lambda: "draining" in picker._said.value)


def test_a_refusal_is_told_in_the_status_line(picker):
    picker.value = "nothing"
    assert "There is no model &#x27;nothing&#x27;" in picker._said.value
    assert picker.value == SMOL


def test_it_finds_the_server_again(picker, wire, eventually):
    eventually(lambda: wire.listeners == 1)
    picker._live._stream.close()
    eventually(lambda: "connection was closed" in picker._said.value or wire.listeners == 1)
    wire.changes(state="offline", reason="in maintenance")
    eventually(lambda: "offline (in maintenance)" in picker._said.value)


def test_closing_it_ends_its_thread(picker, wire, eventually):
    eventually(lambda: wire.listeners == 1)
    picker.close()
    eventually(lambda: wire.listeners == 0)
    eventually(lambda: not picker._live.is_alive)


def test_every_control_has_a_name(picker):
    assert picker._list.description == "Model"
    assert all(
        button.description and button.tooltip for button in (picker._start, picker._stop, picker._refresh)
    )


def test_without_a_server_it_says_so(no_server):
    with pytest.raises(NotConnectedError):
        ModelPicker()
