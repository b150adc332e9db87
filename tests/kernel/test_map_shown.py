"""What is seen of `first_jupyter.map`: the cell, the widget, the line of a terminal, and the words."""

import io
import subprocess
import sys

import pandas as pd
import pytest
from batch_process import completion
from kernels import run
from test_map import ROWS, Verdict, kept, loud, verdict
from wire import LOADING

import first_jupyter
from first_jupyter import FirstError
from first_jupyter._map.screen import Line
from first_jupyter._map.words import figures, heading

VIEW = "application/vnd.jupyter.widget-view+json"
TABLE = pd.DataFrame({"text": ["fine", "not fine"]}, index=["x", "y"])


def batch(status="in_progress", completed=412, failed=0, **first):
    counts = {"total": 10_000, "completed": completed, "failed": failed}
    return {"status": status, "request_counts": counts, "first": first}


class Job:
    trouble = ""

    def __init__(self, batch):
        self.batch = batch


def test_a_cell_is_the_template_and_its_result_is_the_table(shell, batches):
    process = batches(say=verdict)
    shell.user_ns |= {"TABLE": TABLE, "Verdict": Verdict, "tone": "honest"}
    seen = shell.cell("%%first --map TABLE --schema Verdict -t 0\nBe {tone}: {text} {else}")
    assert seen.result["mood"].to_dict() == {"x": "good", "y": "bad"}
    assert process.prompts == ["Be honest: fine {else}", "Be honest: not fine {else}"]
    assert process.asked[0]["temperature"] == 0


def test_a_cell_s_answers_are_stored_where_it_says(shell, batches):
    batches(say=loud)
    shell.user_ns["prompts"] = ROWS
    assert shell.cell("%%first --map prompts --into answers\nSay {prompt}").result is None
    assert shell.user_ns["answers"][9] == "SAY ROW 9"


def test_a_cell_s_rows_go_only_where_it_says(shell, batches):
    process = batches()
    shell.user_ns["prompts"] = ROWS
    shell.cell("%%first --map prompts --stay lab\n{prompt}")
    assert process.wishes[0]["stay"] == "lab"


def test_a_cell_without_its_variable_fails_in_one_line(shell, batches):
    seen = shell.cell("%%first --map nothing\nSay {prompt}")
    assert isinstance(seen.error, FirstError)
    assert "--map nothing: it does not exist" in seen.printed


def test_it_is_told_how_far_a_batch_is():
    assert heading(batch()) == "412 of 10,000 rows"
    assert heading(batch(failed=3, status="cancelling")) == "412 of 10,000 rows, 3 failed, stopped"
    assert heading({"status": "validating", "request_counts": {"total": 0}}) == "reading the rows"


@pytest.mark.parametrize(
    ("first", "said"),
    [
        ({}, ""),
        (
            {"rate": 35.2, "eta": 240.0, "clusters": {"polaris": 412}},
            "35 rows/s · about 4 min left · on polaris",
        ),
        ({"rate": 0.5, "clusters": {"a": 1200, "b": 7}}, "0.5 rows/s · on a (1,200), b (7)"),
        ({"rate": 0.0, "eta": None, "reason": "The disk is full."}, "The disk is full."),
    ],
)
def test_it_is_told_how_fast_and_where(first, said):
    assert figures(batch(**first)) == said


def test_a_notebook_sees_a_widget_that_leaves_its_end_behind(kernel, batches):
    _, client = kernel
    batches(say=loud)
    messages, reply = run(client, f"import first_jupyter\nfirst_jupyter.map({ROWS})")
    assert reply["status"] == "ok"
    kinds = ("display_data", "update_display_data")
    shown = [message["content"]["data"] for message in messages if message["msg_type"] in kinds]
    assert shown[0][VIEW]["model_id"]
    assert VIEW not in shown[-1]
    for kind in ("text/plain", "text/html"):
        assert "10 of 10 rows answered with 120 tokens" in shown[-1][kind]


def test_a_cell_that_is_interrupted_says_how_to_go_on(kernel, batches, eventually):
    manager, client = kernel
    process = batches(may=4)

    def stop(message):
        if message["msg_type"] == "display_data":
            eventually(lambda: kept(process, 4))
            manager.interrupt_kernel()

    messages, reply = run(client, f"import first_jupyter\nfirst_jupyter.map({ROWS})", stop)
    assert reply["status"] == "error"
    shown = [m["content"]["data"] for m in messages if m["msg_type"] == "update_display_data"]
    assert shown[-1]["text/plain"] == "4 of 10 rows, stopped"
    (error,) = [message["content"] for message in messages if message["msg_type"] == "error"]
    assert (
        "stopped; 4 of 10 rows are answered and kept. The same call goes on with the rest."
        in error["traceback"][0]
    )


def test_while_a_model_starts_its_stage_is_told(batches, wire, monkeypatch):
    from first_jupyter._map import call

    seen = []

    class Screen:
        def see(self, job, notice):
            seen.append(notice)
            if notice:
                process.may = None

        def finish(self, said):
            pass

    monkeypatch.setattr(call, "shown", Screen)
    wire.changes(**LOADING)
    process = batches(may=0)
    assert first_jupyter.map(ROWS) == ROWS
    assert any("smollm2 on local: loading" in notice for notice in seen)


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_a_terminal_keeps_one_line_and_writes_the_end_over_it(monkeypatch):
    monkeypatch.setattr(sys, "stderr", terminal := Terminal())
    line = Line()
    line.see(Job(batch(rate=20.0)), "")
    line.see(Job(batch(completed=500)), "")
    line.finish("Done.")
    first, second = "412 of 10,000 rows · 20 rows/s", "500 of 10,000 rows"
    wiped = "\r" + " " * len(second) + "\r"
    assert terminal.getvalue() == f"\r{first}\r{second.ljust(len(first))}{wiped}Done.\n"


def test_a_script_gets_the_end_alone(batches, tmp_path):
    batches(say=completion)
    code = "import first_jupyter; print(first_jupyter.map(['Hi']))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "['Hi']\n"
    assert done.stderr.startswith("1 of 1 rows answered with 12 tokens")
    assert len(done.stderr.splitlines()) == 1
