"""Results are kept all or none, each once, and written out in the order of the input."""

import json
import sqlite3

import pytest
from first_jupyter_server.batch.output import EXPIRED, write
from first_jupyter_server.batch.rows import Done, Result, Rows, Tally


@pytest.fixture
def rows(tmp_path):
    rows = Rows(tmp_path / "rows.sqlite3")
    yield rows
    rows.close()


def result(number, ok=True, cluster="lab", said="first"):
    line = json.dumps({"custom_id": f"r{number}", "said": said}).encode()
    return Result(number, ok, 10, 2, cluster, line)


def written(path):
    return [json.loads(text) for text in path.read_text().splitlines()]


@pytest.fixture
def write_out(tmp_path, rows):
    source = tmp_path / "input.jsonl"
    source.write_text("".join(json.dumps({"custom_id": f"r{n}", "body": {}}) + "\n" for n in range(1, 6)))

    def out(ending=None):
        output, errors = tmp_path / "output", tmp_path / "errors"
        return write(rows, "batch_1", source, output=output, errors=errors, ending=ending)

    return out


def test_rows_come_out_in_the_order_of_the_input(rows, write_out):
    rows.add([result(4), result(2, ok=False)])
    rows.add([result(1), result(5), result(3)])
    output, errors, left_out = write_out()
    assert [entry["custom_id"] for entry in written(output.path)] == ["r1", "r3", "r4", "r5"]
    assert [entry["custom_id"] for entry in written(errors.path)] == ["r2"]
    assert (left_out, output.size) == (0, output.path.stat().st_size)


def test_of_two_results_of_one_row_the_first_stays(rows, write_out):
    rows.add([result(1), result(1, said="second")])
    rows.add([result(1, said="third")])
    assert [entry["said"] for entry in written(write_out()[0].path)] == ["first"]


def test_a_file_that_would_be_empty_is_not_written(rows, write_out, tmp_path):
    rows.add([result(1)])
    assert write_out()[1] is None
    assert not (tmp_path / "errors").exists()


def test_rows_without_a_result_get_the_reason(rows, write_out):
    rows.add([result(2), result(4, ok=False)])
    output, errors, left_out = write_out(EXPIRED)
    assert [entry["custom_id"] for entry in written(output.path)] == ["r2"]
    assert [entry["custom_id"] for entry in written(errors.path)] == ["r1", "r3", "r4", "r5"]
    assert written(errors.path)[0]["error"]["code"] == "batch_expired"
    assert left_out == 3


def test_what_is_done_is_known_again(rows, tmp_path):
    rows.add([result(3), result(70_000, ok=False, cluster="")])
    rows.close()
    done, tally = Rows(tmp_path / "rows.sqlite3").done()
    assert [number in done for number in (1, 3, 4, 70_000, 70_001, 10**6)] == [
        False,
        True,
        False,
        True,
        False,
        False,
    ]
    assert tally == Tally(completed=1, failed=1, prompt=20, completion=4, clusters={"lab": 1})


def test_a_million_rows_are_known_in_little_memory():
    done = Done()
    for number in range(1, 1_000_001, 1_000):
        done.add(number)
    assert done.size < 150_000


def test_results_are_kept_all_or_none(rows):
    with pytest.raises(sqlite3.Error):
        rows.add([result(1), result(2)._replace(line=object())])
    done, tally = rows.done()
    assert 1 not in done
    assert tally.completed == 0
