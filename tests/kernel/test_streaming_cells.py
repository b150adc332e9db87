import os
import signal
import threading
import time
from itertools import pairwise

import pytest
from wire import LOADING

import first_jupyter
from first_jupyter import FirstError
from first_jupyter._ask import due
from first_jupyter._call import pile_up
from first_jupyter._errors import Interrupted


def press_stop(after):
    threading.Timer(after, os.kill, (os.getpid(), signal.SIGINT)).start()


def test_two_thousand_tokens_take_at_most_120_updates(shell, wire):
    wire.says(*(f"word{n % 10} " for n in range(2000)), pace=0.0005)
    seen = shell.cell("%%first --max-tokens 2000\nWrite")
    assert 3 <= len(seen.outputs) <= 120
    assert seen.plain.count("word") == 2000


def test_a_slow_answer_is_shown_while_it_is_written(shell, wire):
    wire.says(*["tick "] * 8, pace=0.15)
    seen = shell.cell("%%first\nTick")
    lengths = [out.data["text/plain"].count("tick") for out in seen.outputs]
    assert len(lengths) >= 5
    assert lengths == sorted(lengths)


@pytest.mark.parametrize("rate", [5, 8, 20])
@pytest.mark.parametrize("speed", [20, 75, 400, 4000])
@pytest.mark.parametrize("width", [1, 4, 7])
def test_two_thousand_tokens_take_at_most_120_updates_at_any_speed(rate, speed, width):
    shown, last, times = 0, -1.0, []
    for token in range(1, 2001):
        now, length = token / speed, width * token
        if due(now - last, length - shown, length, rate):
            shown, last = length, now
            times.append(now)
    assert len(times) <= 120
    assert all(b - a >= 1 / rate - 1e-9 for a, b in pairwise(times))


@pytest.mark.parametrize("speed", [1, 5])
def test_a_very_slow_answer_is_shown_every_few_words(speed):
    shown, last = 0, 0.0
    for token in range(1, 200):
        now, length = token / speed, 4 * token
        if due(now - last, length - shown, length, 6):
            shown, last = length, now
        assert now - last < 2


@pytest.mark.parametrize(("age", "seconds"), [(0, 0.05), (5, 0.05), (10, 0.1), (29, 0.29), (100, 0.3)])
def test_words_pile_up_for_a_hundredth_of_the_time_that_an_answer_took(age, seconds):
    assert pile_up(age) == pytest.approx(seconds)


def test_an_interrupt_keeps_the_text_and_frees_the_model(shell, wire):
    wire.says(*["word "] * 500, pace=0.05)
    press_stop(after=0.6)
    start = time.monotonic()
    seen = shell.cell("%%first\nWrite")
    assert wire.left.wait(1)
    assert time.monotonic() - start < 2
    assert isinstance(seen.error, Interrupted)
    assert seen.markdown.startswith("word ")
    assert seen.markdown.endswith("interrupted</small>")
    assert first_jupyter.last.finish == "interrupted"
    assert "Traceback" not in seen.printed


def test_an_interrupt_before_the_first_byte_frees_the_model_too(shell, wire):
    wire.says(hold=20)
    press_stop(after=0.5)
    seen = shell.cell("%%first\nWrite")
    assert isinstance(seen.error, Interrupted)
    assert wire.left.wait(1)


def test_an_error_in_the_stream_keeps_the_text(shell, wire):
    wire.says("So ", "far", error="The node of replica r1 went away.")
    seen = shell.cell("%%first\nWrite")
    assert seen.printed.strip() == (
        "FirstError: The answer broke off after 2 tokens: The node of replica r1 went away. "
        "The text so far is kept; run the cell again for a whole one."
    )
    assert seen.markdown.startswith("So far")
    assert seen.markdown.endswith("broke off</small>")


def test_what_our_server_says_of_a_broken_answer_is_not_said_twice(shell, wire):
    wire.says("So ", "far", error="The answer is incomplete: n1 went away. Ask again for a whole one.")
    assert shell.cell("%%first\nWrite").printed.strip() == (
        "FirstError: The answer broke off after 2 tokens: n1 went away. "
        "The text so far is kept; run the cell again for a whole one."
    )


def test_a_stream_that_ends_without_done_is_an_error(shell, wire):
    wire.says("So ", "far", cut=True)
    seen = shell.cell("%%first\nWrite")
    assert isinstance(seen.error, FirstError)
    assert "connection to the server was lost" in str(seen.error)
    assert seen.markdown.startswith("So far")


def test_an_answer_at_its_token_limit_says_so(shell, wire):
    wire.says("So", finish="length")
    assert "cut at the token limit" in shell.cell("%%first --max-tokens 1\nWrite").markdown


def test_who_served_is_told_also_where_the_model_was_waited_for(shell, wire):
    chosen = {"cluster": "polaris", "replica": "p1", "path": "tunnel"}
    wire.why = lambda *_: (200, {"chosen": chosen, "sentence": "", "candidates": []})
    wire.says("Good ", "morning.", early=True)
    seen = shell.cell("%%first\nHello")
    assert "polaris, through a tunnel" in seen.markdown
    assert wire.calls[-1][1] == "api/why?request=req-1"


def test_a_model_that_warms_up_shows_its_stages(shell, wire):
    wire.says(hold=1.6)
    wire.changes(state="cold", stage="", reason="no replica yet")
    steps = [
        (0.7, {"state": "starting", "stage": "loading", "progress": 0.4, "eta": 3.0}),
        (1.1, {"state": "starting", "stage": "warming", "progress": 0.9, "eta": 0.2}),
        (1.4, {"state": "hot"}),
    ]
    for after, place in steps:
        threading.Timer(after, wire.changes, kwargs=place).start()
    seen = shell.cell("%%first\nHi")
    lines = [out.data["text/markdown"] for out in seen.outputs]
    assert lines[0] == "*smollm2 on local: cold (no replica yet)*"
    assert "*smollm2 on local: loading 40 %, about 3 s left*" in lines
    assert "*smollm2 on local: warming up 90 %, any moment now*" in lines
    assert lines[-1].startswith("Good morning.")
    assert "warmed up in 1." in lines[-1]
    assert len({out.transient["display_id"] for out in seen.outputs}) == 1


def test_a_waiting_cell_lists_the_stages_with_their_times(shell, wire):
    wire.says(hold=0.8)
    wire.changes(**LOADING)
    shown = shell.cell("%%first\nHi").outputs[0].data
    assert shown["text/markdown"] == (
        "*smollm2 on local: loading, about 19 s left*\n\n"
        "- ✓ waiting for a node: took 12 s\n"
        "- **▸ loading the weights: 20 s so far, usually 35 s**\n"
        "- ○ warming up: usually 4 s"
    )
    assert "\n  ✓ waiting for a node: took 12 s\n" in shown["text/plain"]


def test_who_stops_waiting_learns_that_the_start_goes_on_and_how_to_end_it(shell, wire):
    wire.says(hold=20)
    wire.changes(**LOADING)
    press_stop(after=0.9)
    seen = shell.cell("%%first\nHi")
    assert isinstance(seen.error, Interrupted)
    assert str(seen.error).startswith("stopped waiting; smollm2 goes on starting on local.")
    assert "`%first stop smollm2 --on local` ends that" in str(seen.error)
    assert wire.left.wait(1)


def test_a_hot_model_is_not_asked_how_it_is(shell, wire):
    shell.cell("%%first\nHi")
    assert [route for _, route, _ in wire.calls] == ["v1/chat/completions"]


def test_nobody_listens_after_the_answer(shell, wire, eventually):
    wire.says(hold=0.6)
    shell.cell("%%first\nHi")
    eventually(lambda: wire.listeners == 0)


def test_a_refusal_takes_the_waiting_line_away(shell, wire):
    wire.says(hold=0.8, status=503, error="The cluster is in maintenance until 18:00.")
    wire.changes(state="starting", stage="loading")
    seen = shell.cell("%%first\nHi")
    assert seen.outputs[0].data["text/plain"] == "smollm2 on local: loading"
    assert seen.plain == ""
    assert "until 18:00" in seen.printed


def test_a_model_that_thinks_says_so(shell, wire):
    wire.says("42", thoughts=10, pace=0.05)
    seen = shell.cell("%%first\nWhy?")
    assert any("thinking" in out.data["text/plain"] for out in seen.outputs)
    assert seen.markdown.startswith("42")
