"""A watch returns with the news, and tells of its own owner's replicas alone."""

from __future__ import annotations

import os
import socket
import threading
import time

import pytest
from first_jupyter_remote import functions
from first_jupyter_remote.addresses import EVERYWHERE, LOOPBACK, addresses, ordered
from first_jupyter_remote.news import is_news
from first_jupyter_remote.protocol import ReplicaRecord, Stage
from first_jupyter_remote.records import folder, write


def keep(home, stage, replica="r-1", owner="me", **more):
    record = ReplicaRecord(
        replica, "lab/model", stage, owner=owner, pid=os.getpid(), node=socket.gethostname(), **more
    )
    write(
        folder(home, replica) / f"{replica}.json",
        ReplicaRecord.from_json({**record.to_json(), "updated": time.time()}),
    )


@pytest.mark.parametrize(
    ("stage", "known", "news"),
    [
        (Stage.LOADING, {}, True),
        (Stage.FETCHING, {"r-1": "queued"}, True),
        (Stage.LOADING, {"r-1": "loading"}, False),
        (Stage.READY, {"r-1": "loading"}, True),
        (Stage.STOPPED, {}, False),
        (Stage.STOPPED, {"r-1": "ready"}, True),
    ],
)
def test_a_watch_returns_at_once_with_news(tmp_path, stage, known, news):
    keep(tmp_path, stage)
    begun, patience = time.monotonic(), 60.0 if news else 0.2
    (record,) = functions.watch(str(tmp_path), "me", known, patience)["records"]
    assert record["stage"] == stage
    assert (time.monotonic() - begun < patience) is news


@pytest.mark.parametrize(("known", "log"), [("loading/0", ("no memory",)), ("failed/0", ())])
def test_the_log_of_a_failure_travels_once(tmp_path, known, log):
    keep(tmp_path, Stage.FAILED, log=("no memory",))
    (record,) = functions.watch(str(tmp_path), "me", {"r-1": known}, 0.1)["records"]
    assert record["log"] == log


@pytest.mark.parametrize(
    ("known", "stage", "news"),
    [
        (None, Stage.FETCHING, True),
        (None, Stage.FAILED, False),
        ("queued", Stage.QUEUED, False),
        ("queued", Stage.FETCHING, True),
        ("queued", Stage.FAILED, True),
        ("fetching", Stage.LOADING, False),
        ("loading", Stage.WARMING, False),
        ("warming", Stage.READY, True),
        ("fetching", Stage.STOPPED, True),
        ("ready", Stage.READY, False),
        ("ready", Stage.LOADING, True),
        ("ready", Stage.DRAINING, True),
        ("ready", Stage.ASLEEP, True),
        ("asleep", Stage.ASLEEP, False),
        ("asleep", Stage.WARMING, True),
        ("asleep", Stage.READY, True),
        ("draining", Stage.STOPPED, True),
        ("stopped", Stage.STOPPED, False),
        ("ready/1", Stage.READY, False),
        ("ready/0", Stage.READY, True),
        ("a stage of the future", Stage.READY, True),
    ],
)
def test_only_what_somebody_waits_for_is_news(known, stage, news):
    restarts = 1 if known and known.startswith("ready/") else 0
    assert is_news(known, stage, restarts) is news


def test_a_watch_returns_when_something_happens(tmp_path):
    keep(tmp_path, Stage.LOADING)
    threading.Timer(0.5, keep, (tmp_path, Stage.READY)).start()
    (record,) = functions.watch(str(tmp_path), "me", {"r-1": "loading"}, 30.0)["records"]
    assert record["stage"] == "ready"


def test_a_watch_does_not_tell_of_others_replicas(tmp_path):
    keep(tmp_path, Stage.READY, owner="somebody else")
    assert functions.watch(str(tmp_path), "me", {}, 0.0) == {"records": [], "queue": []}


def test_a_server_for_this_machine_is_tried_there_alone():
    assert addresses(LOOPBACK) == (LOOPBACK,)


def test_a_server_for_others_is_tried_by_name_first():
    found = addresses(EVERYWHERE)
    assert socket.gethostname() in found
    assert LOOPBACK not in found
    assert len(set(found)) == len(found)


def test_high_speed_networks_are_tried_before_others():
    places = {"eth0": "192.0.2.1", "hsn0": "192.0.2.2", "lo": LOOPBACK, "docker0": "192.0.2.3"}
    assert ordered(["n1.site", "n1", "n1"], places) == ("n1.site", "n1", "192.0.2.2", "192.0.2.1")


def test_the_cluster_chooses_the_folder_where_none_is_named(tmp_path, monkeypatch):
    monkeypatch.setenv("FIRST_HOME", str(tmp_path))
    keep(tmp_path, Stage.READY)
    assert [record["replica"] for record in functions.find("")] == ["r-1"]
