"""`first_jupyter.map` on real servers: in a kernel, through the end of a server, and in its notebook."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from jupyter_process import Jupyter, wait_until

NOTEBOOK = Path(__file__).parents[2] / "notebooks" / "batch.ipynb"
IN_A_KERNEL = """
import first_jupyter, pandas, pydantic
from typing import Literal

class Verdict(pydantic.BaseModel):
    mood: Literal["good", "bad"]

table = pandas.DataFrame({"text": ["I love it.", "It broke.", None]}, index=[5, 7, 9])
ask = "{text} Is this good or bad?"
moods = first_jupyter.map(table, ask, schema=Verdict, model="smollm2", max_tokens=40)
print(moods.index.tolist(), moods["mood"].isin(["good", "bad"]).tolist(), moods.attrs["cost"]["clusters"])
"""
ROWS = 3_000
ASK = f"""
import first_jupyter
answers = first_jupyter.map([f"Say {{number}}." for number in range({ROWS})], model="campus/parrot")
print(answers == [f"Say {{number}}." for number in range({ROWS})])
"""


class Script:
    """A process that no notebook started, which asks all rows."""

    def __init__(self, home):
        env = {name: value for name, value in os.environ.items() if not name.startswith(("FIRST_", "JPY_"))}
        env["JUPYTER_RUNTIME_DIR"] = str(home / "runtime")
        pipes = dict.fromkeys(("stdout", "stderr"), subprocess.PIPE)
        # A shell that runs the tests in the background has them ignore what Ctrl-C sends.
        listen = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"
        self.process = subprocess.Popen(
            [sys.executable, "-c", f"{listen}\n{ASK}"], env=env, text=True, **pipes
        )

    def end(self):
        out, error = self.process.communicate(timeout=120)
        return out.strip(), error


def answered(server):
    """How many rows of the newest batch are answered."""
    with server.openai() as client:
        newest = next(iter(client.batches.list()), None)
        return newest.request_counts.completed if newest else 0


@pytest.mark.model
def test_a_table_becomes_columns_in_a_notebook_s_kernel(lab):
    with lab.warm().kernel() as run:
        assert run(IN_A_KERNEL).strip() == "[5, 7, 9] [True, True, False] {'local': 2}"


def test_a_call_outlives_the_server_that_it_began_with(tmp_path, two_campuses):
    home = tmp_path / "jupyter"
    first = Jupyter(home, federation=two_campuses)
    script = Script(home)
    try:
        wait_until(lambda: answered(first) > 300, 60)
        os.kill(first.process.pid, signal.SIGKILL)
        first.process.wait()
        wait_until(lambda: not first.processes(), 30)
    finally:
        first.close()
    second = Jupyter(home, federation=two_campuses)
    try:
        assert script.end()[0] == "True"
    finally:
        script.process.kill()
        second.close()


def test_a_call_that_is_interrupted_goes_on_when_it_is_made_again(jupyter, two_campuses):
    server = jupyter(federation=two_campuses)
    script = Script(server.home)
    wait_until(lambda: answered(server) > 300, 60)
    script.process.send_signal(signal.SIGINT)
    out, error = script.end()
    assert out == ""
    assert f"of {ROWS:,} rows are answered and kept. The same call goes on with the rest." in error
    again = Script(server.home)
    assert again.end()[0] == "True"
    with server.openai() as client:
        (batch,) = client.batches.list()
        assert (batch.status, batch.request_counts.completed) == ("completed", ROWS)


@pytest.mark.model
def test_the_batch_notebook_runs(lab, tmp_path):
    command = [sys.executable, "-m", "nbconvert", "--to", "notebook", "--execute"]
    command += [f"--output-dir={tmp_path}", str(NOTEBOOK)]
    done = subprocess.run(command, env=lab.env, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stderr
    cells = json.loads((tmp_path / NOTEBOOK.name).read_text())["cells"]
    outputs = [output for cell in cells for output in cell.get("outputs", [])]
    assert not [each for each in outputs if each["output_type"] == "error" or each.get("name") == "stderr"]
    assert any("image/png" in each.get("data", {}) for each in outputs)
    assert any(
        "36 of 36 rows answered" in "".join(each["data"]["text/plain"]) for each in outputs if "data" in each
    )
