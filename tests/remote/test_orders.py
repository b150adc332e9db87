"""Orders beside a record: written whole, read once, and no shorter than what was asked before."""

from __future__ import annotations

import json
import stat
import time

import pytest
from first_jupyter_remote import functions, orders, records
from first_jupyter_remote.protocol import ReplicaRecord, Stage


@pytest.fixture
def reader(tmp_path, monkeypatch):
    """Return the orders for r1 as its node agent reads them, at any time."""
    monkeypatch.setattr(orders, "LOOK_EVERY", 0.0)
    return orders.Orders(tmp_path / "replicas", "r1")


def hold(home, seconds):
    return functions.hold(str(home), "r1", seconds)


def keep(home, stage):
    record = ReplicaRecord("r1", "m", stage, node="elsewhere", updated=time.time())
    records.write(home / "replicas" / "r1.json", record)


def test_without_a_folder_there_are_no_orders(reader):
    assert (reader.look(), reader.stop) == (None, False)


def test_an_order_is_read_once(reader, tmp_path):
    hold(tmp_path, 60)
    assert [reader.look(), reader.look()] == [60, None]
    hold(tmp_path, 60)
    assert [reader.look(), reader.look()] == [60, None]


def test_an_order_is_for_its_owner_s_eyes(tmp_path):
    hold(tmp_path, 60)
    assert stat.S_IMODE((tmp_path / "replicas" / "r1.hold").stat().st_mode) == 0o600


def test_a_file_that_only_looks_new_is_no_order(reader, tmp_path):
    hold(tmp_path, 60)
    reader.look()
    file = tmp_path / "replicas" / "r1.hold"
    file.write_text(file.read_text())
    assert reader.look() is None


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"seconds": "x", "given": 1}'])
def test_what_is_no_order_is_passed_over_until_it_is_one(reader, tmp_path, text):
    (tmp_path / "replicas").mkdir()
    (tmp_path / "replicas" / "r1.hold").write_text(text)
    assert reader.look() is None
    hold(tmp_path, 60)
    assert reader.look() == 60


@pytest.mark.parametrize(("first", "second", "read"), [(7200, 3600, 7200), (3600, 7200, 7200)])
def test_of_two_orders_that_nobody_read_the_longer_one_counts(reader, tmp_path, first, second, read):
    hold(tmp_path, first)
    hold(tmp_path, second)
    assert reader.look() == read


def test_what_is_left_of_an_earlier_hold_is_less_than_it_was(reader, tmp_path):
    keep(tmp_path, Stage.READY)
    records.put(
        tmp_path / "replicas" / "r1.hold", {"seconds": 7200.0, "given": time.time_ns() - 7000 * 10**9}
    )
    hold(tmp_path, 3600)
    assert reader.look() == 3600


def test_a_replica_that_has_ended_takes_no_orders(tmp_path):
    keep(tmp_path, Stage.STOPPED)
    assert hold(tmp_path, 60)["stage"] == "stopped"
    assert [path.name for path in (tmp_path / "replicas").iterdir()] == ["r1.json"]


@pytest.mark.parametrize("seconds", [0, -1, float("inf"), float("nan")])
def test_what_is_no_length_of_time_is_refused(tmp_path, seconds):
    with pytest.raises(ValueError, match="cannot be held for"):
        hold(tmp_path, seconds)


def test_orders_are_removed_with_an_old_record_and_with_nobody_else_s(tmp_path):
    keep(tmp_path, Stage.STOPPED)
    place = tmp_path / "replicas"
    data = json.loads((place / "r1.json").read_text())
    (place / "r1.json").write_text(json.dumps({**data, "updated": 1.0}))
    for name in ("r1.hold", "r1.stop", "r1.log.1", "r1.5.hold"):
        (place / name).touch()
    assert functions.find(str(tmp_path)) == []
    assert [path.name for path in place.iterdir()] == ["r1.5.hold"]


def test_an_order_to_wake_up_is_followed_once(reader, tmp_path):
    keep(tmp_path, Stage.ASLEEP)
    functions.wake(str(tmp_path), "r1")
    assert [(reader.look(), reader.woken()) for _ in range(2)] == [(None, True), (None, False)]
    functions.wake(str(tmp_path), "r1")
    reader.look()
    assert reader.woken()


def test_an_order_to_wake_up_may_come_before_the_replica(reader, tmp_path):
    assert functions.wake(str(tmp_path), "r1")["stage"] == "queued"
    reader.look()
    assert reader.woken()
