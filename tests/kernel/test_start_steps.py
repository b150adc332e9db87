import pytest

from first_jupyter._steps import Notice, steps

QUEUED = {"stage": "queued", "state": "done", "seconds": 95.0, "usual": None}


@pytest.mark.parametrize(
    ("stage", "said"),
    [
        (QUEUED, "✓ waiting for a node: took 2 min"),
        (QUEUED | {"seconds": None}, "✓ waiting for a node: done"),
        (
            {"stage": "loading", "state": "now", "seconds": 5.0, "usual": 8.0},
            "▸ loading the weights: 7 s so far, usually 8 s",
        ),
        (
            {"stage": "loading", "state": "now", "seconds": 5.0, "usual": None},
            "▸ loading the weights: 7 s so far",
        ),
        ({"stage": "compiling", "state": "now", "seconds": None, "usual": None}, "▸ compiling: now"),
        ({"stage": "warming", "state": "ahead", "seconds": None, "usual": 4.0}, "○ warming up: usually 4 s"),
        ({"stage": "warming", "state": "ahead", "seconds": None, "usual": None}, "○ warming up: to come"),
    ],
)
def test_each_stage_reads_without_its_sign_too(stage, said):
    assert [step.text for step in steps([stage], elapsed=2.0)] == [said]


def test_what_took_no_time_and_the_end_are_no_stages():
    ready = {"stage": "ready", "state": "ahead", "seconds": None, "usual": None}
    assert steps([QUEUED | {"seconds": 0.1}, ready]) == []


def test_a_notice_without_stages_is_its_line():
    assert Notice("thinking").markdown == "*thinking*"
    assert Notice("thinking").plain == Notice("thinking").one_line == "thinking"
