"""Logging in with Globus as a person sees it, in a real JupyterLab against a stand-in of Globus."""

import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from lab import running_lab

sys.path.append(str(Path(__file__).parents[1] / "globus"))
from auth import NATIVE_CLIENT, AuthStandIn

pytestmark = pytest.mark.browser

MODEL = {"id": "lab/model", "backend": "llama.cpp", "weights": "/nowhere/model.gguf"}


@pytest.fixture(params=["paste", "redirect"])
def way(request):
    return request.param


@pytest.fixture
def lab(way, tmp_path, monkeypatch):
    standin = AuthStandIn()
    file = tmp_path / "first.yaml"
    clusters = {"local": {"kind": "local", "models": [MODEL]}}
    file.write_text(json.dumps({"globus": {"redirect": way == "redirect"}, "clusters": clusters}))
    with standin.serving() as url:
        monkeypatch.setenv("GLOBUS_SDK_SERVICE_URL_AUTH", url)
        with running_lab(tmp_path, f"--FirstApp.federation_file={file}") as running:
            # Jupyter calls itself localhost, and its cookie is for that name alone.
            lab = replace(running, url=running.url.replace("127.0.0.1", "localhost"))
            standin.native[NATIVE_CLIENT]["redirects"].add(f"{lab.url}first/api/oauth/callback")
            yield lab


def test_a_person_logs_in_and_out(lab, way, drive):
    seen = drive("login.mjs", lab.address("lab"), way)
    assert seen["focused"]
    assert "Globus Auth: to show who is logged in" in seen["says"]
    assert seen["label"] == "Logged in as ada@lab.example for Globus Auth."
    if way == "paste":
        assert "Paste the newest one" in seen["problem"]
    else:
        assert "You can close this tab" in seen["last"]
    assert [error for error in seen["errors"] if "first/api/login/code" not in error] == []
