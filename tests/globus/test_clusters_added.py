"""An endpoint that this login can use becomes a cluster, with the models that it has, while Jupyter runs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from endpoint import Agent, standin_environment
from first_jupyter_server import config
from jupyter_process import SMOLLM2, Jupyter, wait_until
from routes import Fault

pytestmark = pytest.mark.globus

LLAMA, BGE = "meta-llama/Llama-3.3-70B-Instruct", "BAAI/bge-small-en-v1.5"
SEARCH = 120.0


@pytest.fixture(scope="module")
def environment(compute, client_id, tmp_path_factory):
    """What a process of this service account finds in its environment."""
    found = standin_environment(compute, client_id, tmp_path_factory.mktemp("sdk"))
    found["PYTHONPATH"] += os.pathsep + os.environ.get("PYTHONPATH", "")
    return found


@pytest.fixture(scope="module")
def shelf(tmp_path_factory):
    """A Hugging Face home with the weights of two models; what they hold does not matter here."""
    home = tmp_path_factory.mktemp("huggingface")
    for name, architecture in ((LLAMA, "LlamaForCausalLM"), (BGE, "BertModel")):
        kept = home / "hub" / f"models--{name.replace('/', '--')}"
        folder = kept / "snapshots" / "0123abc"
        folder.mkdir(parents=True)
        (folder / "config.json").write_text(json.dumps({"architectures": [architecture]}))
        (folder / "model.safetensors").write_bytes(b"weights")
        (kept / "refs").mkdir()
        (kept / "refs/main").write_text("0123abc")
    return home


@pytest.fixture(scope="module")
def function(environment):
    """The function that an administrator has registered."""
    done = subprocess.run(
        [Path(sys.executable).with_name("first-remote"), "register"],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.splitlines()[0]


@pytest.fixture(scope="module")
def stocked(compute, client_id, shelf, function, tmp_path_factory):
    """An endpoint that has weights, and allows our function alone."""
    folder = tmp_path_factory.mktemp("stocked")
    settings = {"display_name": "Polaris: first-jupyter on ALCF", "allowed_functions": [function]}
    with Agent(compute, folder, client_id, {"HF_HOME": str(shelf)}, **settings) as running:
        yield running


@pytest.fixture(scope="module")
def bare(compute, client_id, tmp_path_factory):
    """An endpoint that has no weights, and allows whatever its owner may run."""
    with Agent(compute, tmp_path_factory.mktemp("bare"), client_id, display_name="Bare") as running:
        yield running


@pytest.fixture
def start(environment, tmp_path):
    """Start a server whose Jupyter has no federation file unless one is given."""
    servers = []

    def begin(federation=None):
        home = tmp_path / f"lab{len(servers)}"
        home.mkdir()
        servers.append(Jupyter(home, env=environment, federation=federation))
        return servers[-1]

    yield begin
    for server in servers:
        server.close()


@pytest.fixture(scope="module")
def plain(environment, tmp_path_factory):
    """A server without a federation file that some tests share, as they leave it as it is."""
    server = Jupyter(tmp_path_factory.mktemp("plain") / "lab", env=environment)
    told(server)
    yield server
    server.close()


def told(server):
    """Return what can be added, once it has the SDK, which a busy machine takes long to import."""
    return wait_until(lambda: (seen := server.get("clusters/offers"))["problem"] is None and seen, SEARCH)


def clusters(server):
    """Return what it tells of clusters."""
    return server.get("clusters")["clusters"]


def add(server, **body):
    with server.kernels_port() as port:
        return port.post("first/api/clusters", json=body, timeout=SEARCH)


def test_an_endpoint_is_offered_added_and_serves_its_models(start, stocked, function, shelf):
    server = start()
    seen = told(server)
    (offer,) = (each for each in seen["offers"] if each["endpoint"] == stocked.id)
    assert (offer["name"], offer["online"], seen["problem"]) == ("Polaris: first-jupyter on ALCF", True, None)
    assert [(each["cluster"], each["state"]) for each in clusters(server)] == [("local", "online")]

    added = add(server, endpoint="polaris")
    assert added.status_code == 201, added.text
    entry = {"cluster": "polaris", "kind": "globus-compute", "endpoint": stocked.id, "state": "online"}
    known = {"reason": "", "paths": [], "models": added.json()["models"], "seen": added.json()["seen"]}
    assert added.json() == entry | known
    assert set(added.json()["models"]) == {LLAMA, BGE}

    place = server.place(LLAMA)
    assert (place["cluster"], place["state"]) == ("polaris", "cold")
    assert server.place(SMOLLM2)["cluster"] == "local"
    assert stocked.id not in [each["endpoint"] for each in told(server)["offers"]]
    assert [each["cluster"] for each in clusters(server)] == ["local", "polaris"]

    file = server.home / "config" / "first.yaml"
    assert server.get("status")["federation"] == {"file": str(file), "problems": []}
    cluster = config.load(file).clusters["polaris"]
    assert (cluster.endpoint, cluster.function) == (stocked.id, function)
    weights = {model.id: (model.weights.path, model.embeddings) for model in cluster.models}
    assert weights[LLAMA] == (str(shelf / f"hub/models--{LLAMA.replace('/', '--')}/snapshots/0123abc"), False)
    assert weights[BGE][1]

    again = add(server, endpoint=stocked.id)
    assert again.status_code == 409
    assert "in the federation already, as polaris" in again.json()["error"]["message"]


def test_an_endpoint_is_asked_at_most_once_a_minute_whether_it_is_online(start, compute, stocked):
    server, asked = start(), f"GET /v2/endpoints/{stocked.id}/status"
    before = len(compute.web.called(asked))
    for _ in range(2):
        server.get("clusters/offers")
        server.get("clusters")
    assert len(compute.web.called(asked)) == before + 1


def test_an_endpoint_without_weights_is_not_added_and_the_lines_are_shown(plain, bare):
    refused = add(plain, endpoint=bare.id, name="lab")
    message = refused.json()["error"]["message"]
    assert refused.status_code == 409
    assert "first-remote deploy --models-dir" in message
    assert f"  lab:\n    kind: globus-compute\n    endpoint: {bare.id}\n" in message
    assert not (plain.home / "config" / "first.yaml").exists()


def test_a_name_that_nothing_goes_by_is_refused_with_those_that_there_are(plain, bare):
    refused = add(plain, endpoint="sophia")
    assert refused.status_code == 404
    assert "Bare" in refused.json()["error"]["message"]


def test_an_endpoint_that_the_service_does_not_know_is_refused(plain):
    endpoint = "00000000-0000-4000-8000-000000000000"
    refused = add(plain, endpoint=endpoint)
    assert refused.status_code == 502
    assert f"knows no endpoint {endpoint}" in refused.json()["error"]["message"]


def test_a_cluster_that_does_not_tell_in_time_delays_nobody(start, compute, stocked, bare):
    model = {"id": "lab/model", "backend": "vllm", "weights": "/models/model"}
    known = {
        name: {"kind": "globus-compute", "endpoint": agent.id, "models": [model]}
        for name, agent in (("polaris", stocked), ("bare", bare))
    }
    server = start(json.dumps({"clusters": known}))
    compute.web.faults.append(Fault(f"GET /v2/endpoints/{bare.id}/status", delay=90.0))

    def in_time():
        server.get("clusters/offers")
        seen = clusters(server)
        return seen[0]["state"] == "online" and seen

    polaris, late = wait_until(in_time, SEARCH)
    assert (polaris["cluster"], late["cluster"], late["state"]) == ("polaris", "bare", "unknown")
    assert "not told within" in late["reason"]


def test_a_list_that_is_refused_is_told_and_the_clusters_are_shown_all_the_same(start, compute, stocked):
    server = start()
    compute.web.faults.append(Fault("GET /v2/endpoints$", status=403))
    seen = server.get("clusters/offers")
    assert [each["cluster"] for each in clusters(server)] == ["local"]
    assert seen["offers"] == []
    assert seen["problem"].startswith("The endpoints that you can use cannot be listed: ")
