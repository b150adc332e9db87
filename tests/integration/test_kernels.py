"""What a notebook's kernel finds, and what a process finds that no notebook started."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from jupyter_process import SMOLLM2

pytestmark = pytest.mark.model

STREAM = """
import openai
asked = [{"role": "user", "content": "Say hello."}]
stream = openai.OpenAI().chat.completions.create(model="smollm2", messages=asked, max_tokens=8, stream=True)
print(len([chunk for chunk in stream if chunk.choices and chunk.choices[0].delta.content]))
"""
CURL = """%%bash
curl --silent --show-error --no-buffer "$FIRST_BASE_URL/chat/completions" \\
  --header "Authorization: Bearer $FIRST_API_KEY" \\
  --data '{"model": "smollm2", "stream": true, "max_tokens": 8,
           "messages": [{"role": "user", "content": "Say hello."}]}'
"""
ENVIRONMENT = "import json, os; print(json.dumps(dict(os.environ)))"


@pytest.fixture(scope="module")
def kernel(lab):
    with lab.kernel() as run:
        yield run


@pytest.fixture(scope="module")
def environment(kernel):
    return json.loads(kernel(ENVIRONMENT))


def test_openai_without_arguments_streams(kernel):
    assert int(kernel(STREAM)) > 1


def test_curl_streams_with_the_address_and_the_key_alone(kernel):
    events = [line.removeprefix("data: ") for line in kernel(CURL).splitlines() if line.startswith("data: ")]
    assert events[-1] == "[DONE]"
    deltas = [choice["delta"] for event in events[:-1] for choice in json.loads(event)["choices"]]
    assert len([delta for delta in deltas if delta.get("content")]) > 1


def test_a_kernel_finds_the_address_and_the_key(lab, environment):
    assert environment["FIRST_BASE_URL"] == lab.found["base_url"]
    key, _, label = environment["FIRST_API_KEY"].partition(".")
    assert key == lab.found["api_key"]
    assert label


def test_a_kernel_finds_them_under_openais_names_too(lab, environment):
    assert environment["OPENAI_BASE_URL"] == lab.found["base_url"]
    assert environment["OPENAI_API_KEY"] == environment["FIRST_API_KEY"]


def test_a_kernel_passes_by_a_proxy_on_its_way_to_us(environment):
    assert {"127.0.0.1", "localhost"} <= set(environment["NO_PROXY"].split(","))
    assert {"127.0.0.1", "localhost"} <= set(environment["no_proxy"].split(","))


def test_a_kernel_still_finds_its_notebooks_name(environment):
    assert environment["JPY_SESSION_NAME"].endswith("n.ipynb")


def test_the_kernelspec_that_anyone_may_read_holds_no_key(lab):
    with lab.jupyters_port() as jupyter:
        assert lab.found["api_key"] not in jupyter.get("api/kernelspecs").text


def test_a_users_own_openai_key_is_left_alone(jupyter):
    server = jupyter(env={"OPENAI_API_KEY": "sk-mine", "NO_PROXY": "lab.example"})
    with server.kernel() as run:
        environment = json.loads(run(ENVIRONMENT))
    assert environment["OPENAI_API_KEY"] == "sk-mine"
    assert "OPENAI_BASE_URL" not in environment
    assert environment["FIRST_API_KEY"].startswith(server.found["api_key"])
    assert environment["NO_PROXY"] == "lab.example,127.0.0.1,localhost"


def test_openais_names_can_be_left_out(jupyter):
    with jupyter("--FirstApp.openai_env=never").kernel() as run:
        environment = json.loads(run(ENVIRONMENT))
    assert "FIRST_API_KEY" in environment
    assert not [name for name in environment if name.startswith("OPENAI_")]


def test_below_a_base_url_kernels_and_browsers_are_served(jupyter, federation):
    server = jupyter("--ServerApp.base_url=/user/al/", federation=federation)
    assert server.found["server_url"].endswith("/user/al/")
    serves_everyone(server)


def test_on_all_addresses_kernels_and_browsers_are_served(jupyter, federation):
    server = jupyter("--ServerApp.ip=0.0.0.0", federation=federation)
    assert server.found["base_url"].startswith("http://127.0.0.1:")
    serves_everyone(server)


def test_behind_https_kernels_and_browsers_are_served(jupyter, federation, tmp_path):
    key, certificate = str(tmp_path / "key.pem"), str(tmp_path / "cert.pem")
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost"]
    subprocess.run([*command, "-keyout", key, "-out", certificate], check=True, capture_output=True)
    options = [f"--ServerApp.certfile={certificate}", f"--ServerApp.keyfile={key}"]
    server = jupyter(*options, federation=federation)
    assert server.found["server_url"].startswith("https://")
    serves_everyone(server)


def test_a_process_that_no_session_started_finds_the_server(lab):
    code = "from first_jupyter import OpenAI; print(*[model.id for model in OpenAI().models.list()])"
    assert SMOLLM2 in run_outside(lab, code)


def serves_everyone(server):
    """Check both ways to a model, as a kernel and a browser go them."""
    with server.warm().kernel() as run:
        assert int(run(STREAM)) > 1
    asked = {"model": "smollm2", "messages": [{"role": "user", "content": "Hi."}], "max_tokens": 4}
    with server.jupyters_port() as browser:
        assert SMOLLM2 in browser.get("first/v1/models").text
        answer = browser.post("first/v1/chat/completions", json=asked)
    assert answer.raise_for_status().json()["choices"][0]["message"]["content"]


def run_outside(server, code):
    """Run code in a process that knows nothing but Jupyter's runtime folder."""
    env = {"JUPYTER_RUNTIME_DIR": server.env["JUPYTER_RUNTIME_DIR"], "PATH": server.env["PATH"]}
    command = [sys.executable, "-c", code]
    return subprocess.run(command, env=env, check=True, capture_output=True, text=True, timeout=120).stdout
