"""What is wrong with a batch's input is told with the line's number, before any of it is run."""

import json
import tracemalloc

import pytest
from first_jupyter_server.batch import validation
from first_jupyter_server.batch.validation import validate
from first_jupyter_server.federation.catalog import Catalog, Model

CHAT = "/v1/chat/completions"
CATALOG = Catalog(models=(Model("org/model", aliases=("alias",)), Model("org/other")), current="org/model")


def resolve(name):
    return CATALOG.resolve(name)[0].id


def entry(custom_id="a", method="POST", url=CHAT, **body):
    asked = {"model": "org/model", "messages": [{"role": "user", "content": "Hello"}], **body}
    return {"custom_id": custom_id, "method": method, "url": url, "body": asked}


def line(**changes):
    return json.dumps(entry(**changes))


@pytest.fixture
def report(tmp_path):
    def of(*lines, end="\n"):
        path = tmp_path / "input.jsonl"
        path.write_text("\n".join(lines) + end, encoding="utf-8")
        return validate(path, CHAT, resolve)

    return of


def test_a_good_input_has_no_errors(report):
    found = report(line(), line(custom_id="b", model="alias"), line(custom_id="c"))
    assert (found.total, found.model, found.errors) == (3, "org/model", [])


def test_blank_lines_and_a_mark_in_front_do_not_count(report):
    found = report("\ufeff" + line(), "", "   ", line(custom_id="b"))
    assert (found.total, found.errors) == (2, [])


def test_a_last_line_needs_no_end(report):
    assert report(line(), line(custom_id="b"), end="").total == 2


def test_a_missing_model_means_the_current_choice(report):
    assert report(line(model=None)).model == "org/model"


WITHOUT_BODY = json.dumps({key: value for key, value in entry().items() if key != "body"})


@pytest.mark.parametrize(
    ("wrong", "code", "param", "says"),
    [
        ("no JSON", "invalid_json_line", None, "not valid JSON"),
        (line()[:-20], "invalid_json_line", None, "seems to be cut off"),
        ("[1]", "invalid_json_line", None, "must be a JSON object, not list"),
        (line(custom_id=""), "missing_required_parameter", "custom_id", "'custom_id' is missing"),
        (line(custom_id=7), "invalid_type", "custom_id", "must be a string, not int"),
        (line(custom_id="x" * 513), "invalid_custom_id", "custom_id", "more than 512"),
        (line(custom_id="a"), "duplicate_custom_id", "custom_id", "that of line 1"),
        (line(custom_id="b", method="GET"), "invalid_method", "method", "must be POST, not 'GET'"),
        (line(custom_id="b", url="/v1/embeddings"), "invalid_url", "url", CHAT),
        (WITHOUT_BODY.replace('"a"', '"b"'), "invalid_body", "body", "must be a JSON object"),
        (line(custom_id="b", stream=True), "invalid_body", "body.stream", "leave 'stream' out"),
        (line(custom_id="b", model=3), "invalid_body", "body.model", "must be a string"),
        (line(custom_id="b", model="org/mode"), "model_not_found", "body.model", "Did you mean org/model"),
        (line(custom_id="b", model="org/other"), "mismatched_model", "body.model", "one model"),
    ],
)
def test_each_mistake_is_told_with_its_line(report, wrong, code, param, says):
    found = report(line(), wrong)
    (error,) = found.errors
    assert (error["code"], error["line"], error["param"]) == (code, 2, param)
    assert says in error["message"]


def test_a_line_that_is_too_long_is_not_read_whole(report, monkeypatch):
    monkeypatch.setattr(validation, "MAX_LINE", 300)
    monkeypatch.setattr("first_jupyter_server.batch.lines.MAX_LINE", 300)
    found = report(line(), line(custom_id="b", user="x" * 3_000), line(custom_id="c"))
    assert [(error["code"], error["line"]) for error in found.errors] == [("line_too_large", 2)]
    assert found.total == 3


def test_an_empty_input_is_told(report):
    assert [error["code"] for error in report("").errors] == ["empty_file"]


def test_too_many_lines_are_told(report, monkeypatch):
    monkeypatch.setattr(validation, "MAX_LINES", 2)
    found = report(*(line(custom_id=str(number)) for number in range(4)))
    assert [(error["code"], error["line"]) for error in found.errors] == [("too_many_lines", 3)]


def test_a_hundred_errors_are_enough(report):
    assert len(report(*["no JSON"] * 500).errors) == validation.MOST_ERRORS


def test_an_unknown_model_is_told_once(report):
    found = report(*(line(custom_id=str(number), model="nobody") for number in range(3)))
    assert [(error["code"], error["line"]) for error in found.errors] == [("model_not_found", 1)]


def test_the_memory_does_not_grow_with_the_input(tmp_path):
    def peak(lines):
        path = tmp_path / f"{lines}.jsonl"
        with path.open("w") as file:
            file.writelines(line(custom_id=f"request-{number}") + "\n" for number in range(lines))
        tracemalloc.start()
        assert validate(path, CHAT, resolve).errors == []
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    assert peak(40_000) < peak(4_000) + 2**20
