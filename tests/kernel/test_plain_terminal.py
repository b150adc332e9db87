import io
import subprocess
import sys

from wire import lease

from first_jupyter._screen import TerminalScreen
from first_jupyter._steps import Notice, Step


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_plain_ipython_prints_the_answer_and_its_footer(wire):
    wire.says("Good ", "morning.", pace=0.05)
    code = "%load_ext first_jupyter\nget_ipython().run_cell_magic('first', '', 'Hi')"
    run = [sys.executable, "-m", "IPython", "--quick", "--colors=nocolor", "-c", code]
    shown = subprocess.run(run, capture_output=True, text=True, check=True).stdout
    assert shown.startswith("Good morning.\n\nSmolLM2-135M-Instruct · local · 2 tokens")


def test_plain_ipython_prints_what_a_widget_would_show(wire):
    wire.changes(leases=[lease()])
    code = "import first_jupyter as first; display(first.WarmNodes())"
    run = [sys.executable, "-m", "IPython", "--quick", "--colors=nocolor", "-c", code]
    shown = subprocess.run(run, capture_output=True, text=True, check=True).stdout
    assert shown.splitlines() == ["model    cluster  node  state  kept", "smollm2  local    n1    ready"]


def test_a_terminal_keeps_one_waiting_line_and_wipes_it(monkeypatch):
    monkeypatch.setattr(sys, "stdout", terminal := Terminal())
    screen = TerminalScreen()
    screen.waiting(Notice("loading 10 %"))
    screen.waiting(Notice("loading 20 %"))
    screen.show("Good")
    screen.finish("Good day", "by m", {})
    wiped = "\r" + " " * 12 + "\r"
    assert terminal.getvalue() == f"\rloading 10 %\rloading 20 %{wiped}Good day\n\nby m\n"


def test_a_waiting_line_never_wraps(monkeypatch):
    monkeypatch.setattr(sys, "stdout", terminal := Terminal())
    monkeypatch.setenv("COLUMNS", "30")
    TerminalScreen().waiting(Notice("llama on polaris: loading", (Step("queued", "done", "took 12 s"),)))
    assert terminal.getvalue() == "\rllama on polaris: loading · ✓"


def test_a_pipe_gets_no_waiting_lines(monkeypatch):
    monkeypatch.setattr(sys, "stdout", pipe := io.StringIO())
    screen = TerminalScreen()
    screen.waiting(Notice("loading"))
    screen.finish("Good day", "", {})
    assert pipe.getvalue() == "Good day\n"


def test_what_was_made_of_an_answer_follows_it(monkeypatch):
    monkeypatch.setattr(sys, "stdout", pipe := io.StringIO())
    screen = TerminalScreen()
    screen.show('{"a":1}')
    screen.finish('{\n  "a": 1\n}', "", {})
    assert pipe.getvalue() == '{"a":1}\n\n{\n  "a": 1\n}\n'
