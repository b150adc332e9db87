"""Where requests go, as a notebook says and as it is told."""

from __future__ import annotations

import pytest
from jupyter_process import SMOLLM2, wait_until

pytestmark = pytest.mark.model

ASK = """
import openai
asked = [{"role": "user", "content": "Say hello."}]
openai.OpenAI().chat.completions.create(model="smollm2", messages=asked, max_tokens=4)
print("asked")
"""
REFUSED = """
import openai
try:
    openai.OpenAI().chat.completions.create(model="smollm2", messages=[{"role": "user", "content": "Hi."}])
except openai.BadRequestError as error:
    print(error.body["code"])
"""
CELL = """
from first_jupyter import FirstError
try:
    get_ipython().run_cell_magic("first", "smollm2 --max-tokens 4 --quiet --into said {wish}", "Hi.")
    print("asked")
except FirstError as error:
    print(error)
"""


@pytest.fixture
def kernel(lab):
    with lab.warm().kernel() as run:
        yield run


def test_the_last_request_of_a_notebook_is_explained_to_it(lab, kernel):
    kernel(ASK)
    lab.ask()
    mine = kernel("from first_jupyter._control import why; print(why()['request'], why()['sentence'])")
    with lab.kernels_port() as plane, lab.jupyters_port() as jupyter:
        last = [port.get("first/api/why").json()["request"] for port in (plane, jupyter)]
        request = mine.split()[0]
        again = [port.get(f"first/api/why?request={request}").json() for port in (plane, jupyter)]
    assert f"{SMOLLM2} on local" in mine
    assert last[0] == last[1] != request
    assert [told["request"] for told in again] == [request, request]


def test_a_notebooks_rules_hold_for_its_requests_and_for_no_others(lab, kernel):
    rule = kernel("from first_jupyter._control import set_rules; print(set_rules({'stay': []})['path'])")
    assert rule.strip().endswith("n.ipynb")
    assert kernel(REFUSED).strip() == "no_cluster_fits"
    assert lab.ask()
    kernel("set_rules({})")
    assert kernel(ASK).strip() == "asked"


def test_a_cell_narrows_where_it_may_be_answered_and_never_widens_it(kernel):
    kernel("%load_ext first_jupyter")
    ask = [CELL.replace("{wish}", wish) for wish in ("--stay local", "--stay=", "--stay moon")]
    assert kernel(ask[0]).strip() == "asked"
    assert "the data stays at no cluster" in kernel(ask[1])
    assert "there is no cluster named 'moon'" in kernel(ask[2])
    kernel("%first route stay=")
    assert "the data stays at no cluster" in kernel(ask[0])
    kernel("%first route clear")


def test_the_ledger_names_the_notebook(lab, kernel):
    kernel(ASK)

    def notebooks():
        return [entry["notebook"] for entry in lab.get("usage")["recent"] if entry["notebook"]]

    assert wait_until(notebooks, 10)[0].endswith("n.ipynb")
