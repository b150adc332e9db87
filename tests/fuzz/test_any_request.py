"""Whatever is asked of a real Jupyter server by docs/openapi.yaml, its answer is one that stands there."""

import os
import re
from pathlib import Path

import pytest
import schemathesis
import yaml
from first_jupyter_server.batch.handlers import application
from first_jupyter_server.control.api import ControlApi
from first_jupyter_server.dataplane.surface import ROUTES
from first_jupyter_server.metrics import handler as metrics
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import load_all_checks
from schemathesis.specs.openapi import checks

from .conftest import LONG

load_all_checks()
FILE = Path(__file__).parents[2] / "docs" / "openapi.yaml"
DESCRIPTION = yaml.safe_load(FILE.read_text())
VERBS = ("get", "post", "put", "delete")
OPERATIONS = [(verb, path) for path, verbs in DESCRIPTION["paths"].items() for verb in VERBS if verb in verbs]
ASK_GLOBUS = {"/api/clusters/offers", "/api/logout", "/api/login/code"}
"""What asks Globus itself, or needs it: the tests of the login have a Globus of their own."""
CHECKS = (
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_schema_conformance,
)
TRIED = [
    (verb, path)
    for verb, path in OPERATIONS
    if path not in ASK_GLOBUS
    and (verb, path) not in {("get", "/api/events"), ("post", "/api/clusters"), ("post", "/api/login")}
]


def on_kernels_port():
    return [each for each in TRIED if "servers" not in DESCRIPTION["paths"][each[1]][each[0]]]


def of_tornado(routes):
    for rule in routes.wildcard_router.rules:
        path = rule.matcher.regex.pattern.removesuffix("$")
        for verb in VERBS:
            if verb in vars(rule.target):
                yield verb, path.removeprefix("/first")


def test_every_route_is_described_and_none_too_many():
    control = ControlApi(*[None] * 8)._routes()
    true = {(verb.lower(), f"/api/{path}") for verb, path in control}
    true |= {("post", f"/v1/{route}") for route in ROUTES} | {("get", "/v1/models"), ("get", "/v1/models/{}")}
    true |= {("get", f"/api/{path}") for path in ("events", "why", "connection", "oauth/callback")}
    true |= {("get", path.removeprefix("/first")) for path, _ in metrics.default_handlers}
    true |= {
        (verb, path.replace("([^/]+)", "{}")) for verb, path in of_tornado(application(None)) if path != ".*"
    }
    assert {(verb, re.sub(r"\{\w+\}", "{}", path)) for verb, path in OPERATIONS} == true


def test_each_answer_that_is_described_has_a_status_that_the_code_has():
    """A status that nothing raises would be a promise that nobody keeps."""
    source = "".join(
        file.read_text()
        for file in (FILE.parents[1] / "server_ext").rglob("*.py")
        if "doctor" not in file.parts
    )
    described = {int(status) for status in DESCRIPTION["components"]["responses"]}
    assert {status for status in described if not re.search(rf"\b{status}\b", source)} == set()


def asked(server, port, verb, path, examples):
    """Ask what schemathesis makes of the description, with the key; and hold each answer against it."""
    schema = schemathesis.openapi.from_dict(DESCRIPTION)
    operation = schema[path][verb.upper()]
    strategy = st.one_of(
        operation.as_strategy(generation_mode=mode)
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)
    )
    base = server.found["base_url" if port == "kernels" else "server_url"].removesuffix("/v1").rstrip("/")
    base += "" if base.endswith("/first") else "/first"
    key = server.found["api_key"] if port == "kernels" else server.token
    count = 0

    @settings(
        max_examples=examples,
        derandomize=not LONG,
        database=None,
        deadline=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=strategy)
    def ask(case):
        nonlocal count
        count += 1
        case.headers = {**(case.headers or {}), "Authorization": f"Bearer {key}", "x-first-wait": "0"}
        answer = case.call(base_url=base, timeout=20)
        case.validate_response(answer, checks=CHECKS)

    ask()
    return count


@pytest.mark.parametrize("port", ["kernels", "jupyters"])
def test_whatever_is_asked_the_answer_is_one_that_is_described(server, port):
    examples = LONG // 10 or 1
    counts = {}
    for verb, path in on_kernels_port() if port == "kernels" else TRIED:
        counts[f"{verb} {path}"] = asked(server, port, verb, path, examples)
    if LONG:
        told = f"{port} port: {sum(counts.values())} requests to {len(counts)} operations"
        with Path(os.environ["FIRST_FUZZ_COUNTS"]).open("a") as file:
            file.write(f"{told}\n")


@pytest.mark.parametrize("key", ["", "wrong"])
@pytest.mark.parametrize("port", ["kernels_port", "jupyters_port"])
def test_without_a_key_nothing_is_answered(server, port, key):
    with getattr(server, port)(key) as client:
        answers = {
            f"{verb} {path}": client.request(verb, "first" + re.sub(r"\{\w+\}", "x", path), json={})
            for verb, path in OPERATIONS
        }
    assert {name for name, answer in answers.items() if answer.status_code not in {401, 403}} == set()
