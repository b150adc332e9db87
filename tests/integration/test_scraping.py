"""What Prometheus reads of a Jupyter server whose model is asked."""

from __future__ import annotations

import pytest
from jupyter_process import SMOLLM2, wait_until
from prometheus_client.parser import text_string_to_metric_families

pytestmark = pytest.mark.model

HERE = {"model_name": SMOLLM2, "cluster": "local"}


def scrape(lab, key=None, accept="text/plain"):
    with lab.jupyters_port(key) as port:
        return port.get("first/metrics", headers={"Accept": accept}).raise_for_status()


def value(lab, name, **labels):
    families = text_string_to_metric_families(scrape(lab).text)
    samples = [sample for family in families for sample in family.samples if sample.name == f"first:{name}"]
    return sum(sample.value for sample in samples if labels.items() <= sample.labels.items())


def test_a_request_is_counted_with_its_tokens_and_its_times(lab):
    lab.warm()
    names = ["request_success_total", "generation_tokens_total", "time_to_first_token_seconds_count"]
    before = [value(lab, name, **HERE) for name in names]
    asked = [{"role": "user", "content": "A secret of mine."}]
    with lab.openai() as client:
        list(
            client.chat.completions.create(
                model=SMOLLM2, messages=asked, temperature=0, max_tokens=4, stream=True
            )
        )
    wait_until(
        lambda: all(value(lab, name, **HERE) > then for name, then in zip(names, before, strict=True)), 60
    )
    assert "secret" not in scrape(lab).text


def test_how_things_stand_is_what_the_control_api_says(lab):
    lab.warm()
    assert value(lab, "model_state", **HERE, state=lab.place()["state"]) == 1
    assert value(lab, "replicas", **HERE, stage="ready") == lab.place()["replicas"] == 1
    assert value(lab, "dataplane_up") == 1
    wait_until(lambda: value(lab, "event_loop_delay_seconds_count") > 0, 60)


def test_jupyters_token_and_the_key_may_read(lab):
    assert scrape(lab).headers["content-type"].startswith("text/plain; version=")
    assert scrape(lab, lab.found["api_key"]).text.startswith("# HELP")


def test_what_prometheus_asks_for_first_is_answered_in_text_that_it_reads(lab):
    asked = "application/openmetrics-text;version=1.0.0;escaping=underscores;q=0.5,text/plain;q=0.2"
    answer = scrape(lab, accept=asked)
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert "first:model_state" in {family.name for family in text_string_to_metric_families(answer.text)}


def test_no_key_and_no_token_can_be_read_from_it(lab):
    text = scrape(lab).text
    assert lab.found["api_key"] not in text
    assert lab.token not in text
    assert str(lab.home) not in text
