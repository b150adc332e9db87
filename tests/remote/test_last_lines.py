"""What of a log may travel: its end, in bounds, without secrets."""

from __future__ import annotations

import pytest
from first_jupyter_remote.last_lines import BYTES, blotted, last_lines, secrets_of

KEY = "5Vb3n-replica-key"


def test_the_last_twenty_lines_are_kept_in_their_order():
    assert last_lines(map(str, range(100))) == tuple(map(str, range(80, 100)))


def test_a_log_that_is_shorter_is_kept_whole():
    assert last_lines([]) == ()
    assert last_lines(["one", "two"]) == ("one", "two")


def test_requests_are_no_news():
    access = "INFO: 127.0.0.1:4711 - GET /v1/models HTTP/1.1 503"
    assert last_lines(["RuntimeError: no", *[access] * 30]) == ("RuntimeError: no",)


def test_long_lines_are_cut_and_the_first_ones_left_out_where_there_is_no_room():
    kept = last_lines([f"{number} {'ä' * 900}" for number in range(20)])
    assert kept[-1].startswith("19 ä")
    assert 1 <= len(kept) < 20
    assert len("\n".join(kept).encode()) <= BYTES


@pytest.mark.parametrize(
    ("line", "left"),
    [
        (f"api_key={KEY}", "api_key=***"),
        (f"'{KEY}', '{KEY}-and-more'", "'***', '***'"),
        ("Authorization: Bearer abc.def-123=", "Authorization: Bearer ***"),
        ("ProxyError: http://ada:pass@proxy:3128", "ProxyError: http://***@proxy:3128"),
        ("see http://127.0.0.1:8000/v1 or a@b", "see http://127.0.0.1:8000/v1 or a@b"),
        (f"{'x' * 495}{KEY}", f"{'x' * 495}***"),
    ],
)
def test_secrets_are_blotted_out(line, left):
    assert blotted(line, [KEY, f"{KEY}-and-more", ""]) == left


def test_an_environment_s_secrets_are_known_by_their_names():
    env = {
        "HF_TOKEN": "hf_abcdefgh",
        "MY_API_KEY": "12345678",
        "TOKENIZERS_PARALLELISM": "false",
        "HOME": "/home/ada",
    }
    assert secrets_of(env) == {"hf_abcdefgh", "12345678"}
