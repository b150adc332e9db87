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


def test_the_ledger_names_the_notebook(lab, kernel):
    kernel(ASK)

    def notebooks():
        return [entry["notebook"] for entry in lab.get("usage")["recent"] if entry["notebook"]]

    assert wait_until(notebooks, 10)[0].endswith("n.ipynb")
