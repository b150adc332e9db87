import pytest
from wire import SPAN

from first_jupyter import Usage
from first_jupyter._spans import by_name, totals
from first_jupyter._widgets import usage as home
from first_jupyter._widgets.usage import chart

SUM = {"requests": 3, "prompt_tokens": 1000, "completion_tokens": 234, "first_token_s": 0.416}
DAY = {"requests": 2, "failed": 0, "prompt_tokens": 10, "completion_tokens": 30, "node_hours": None}
DAYS = [DAY | {"day": "2026-11-26"}, DAY | {"day": "2026-11-27", "prompt_tokens": 50}]


@pytest.fixture
def usage(wire):
    wire.usage["days"] = DAYS
    wire.usage["last_30_days"] = SPAN | {"by_model": {"org/m": SUM}, "by_notebook": {"a<b.ipynb": SUM}}
    made = Usage()
    yield made
    made.close()


def test_today_stands_beside_thirty_days():
    month = SPAN | {"requests": 1234, "first_token_s": 12.3, "node_hours": 2.25}
    assert totals({"today": SPAN, "last_30_days": month}) == [
        ["requests", "7", "1,234"],
        ["of them failed", "1", "1"],
        ["prompt tokens", "1,200", "1,200"],
        ["answer tokens", "340", "340"],
        ["first token, median", "", "12 s"],
        ["node-hours", "", "2.2"],
    ]


def test_what_nobody_measured_has_no_row():
    assert "node-hours" not in [name for name, *_ in totals({"today": SPAN, "last_30_days": SPAN})]


def test_models_come_by_their_tokens_and_the_long_tail_as_one():
    sums = {f"m{n}": SUM | {"completion_tokens": n} for n in range(10)}
    head, rows = by_name(sums)
    assert head == ["", "requests", "tokens", "first token"]
    assert [row[0] for row in rows] == [*(f"m{n}" for n in range(9, 1, -1)), "and 2 more"]
    assert rows[0] == ["m9", "3", "1,009", "0.42 s"]
    assert rows[-1][1:3] == ["6", "2,001"]


def test_each_day_is_a_bar_that_tells_its_figures():
    drawn = chart(DAYS)
    assert drawn.count("<rect ") == 2
    assert "<title>2026-11-27: 80 tokens, 2 requests</title>" in drawn
    assert 'aria-label="Tokens a day from 2026-11-26 to 2026-11-27, 80 at most"' in drawn


def test_days_without_a_token_are_no_chart():
    assert chart([DAY | {"day": "2026-11-27", "prompt_tokens": 0, "completion_tokens": 0}]) == ""
    assert chart([]) == ""


def test_models_and_notebooks_are_told_apart(usage):
    assert "By model, 30 days" in usage._body.value
    assert "a&lt;b.ipynb" in usage._body.value
    assert "a<b.ipynb" in usage.text()


def test_refresh_asks_again(usage, wire, eventually):
    wire.usage["today"] = SPAN | {"requests": 8}
    usage._refresh.click()
    eventually(lambda: ">8<" in usage._body.value)


def test_it_moves_on_as_models_are_asked(wire, monkeypatch, eventually):
    monkeypatch.setattr(home, "PAUSE", 0.05)
    usage = Usage()
    wire.usage["today"] = SPAN | {"requests": 8}
    wire.changes(running=1)
    eventually(lambda: ">8<" in usage._body.value)
    usage.close()


def test_it_asks_no_more_than_once_in_some_seconds(usage, wire, eventually):
    eventually(lambda: wire.listeners == 1)
    for running in range(5):
        wire.changes(running=running)
    assert [route for _, route, _ in wire.calls].count("api/usage") == 1


def test_closing_it_ends_its_thread(usage, wire, eventually):
    eventually(lambda: wire.listeners == 1)
    usage.close()
    eventually(lambda: wire.listeners == 0)
    eventually(lambda: not usage._live.is_alive)
