"""How long a process has been silent, as far as one can tell who was not always awake either."""

import pytest
from first_jupyter_server.processes import heartbeat
from first_jupyter_server.processes.heartbeat import Heartbeat, silence


@pytest.mark.parametrize(
    ("before", "took", "heard", "after"),
    [
        (0.0, 3.0, True, 0.0),
        (0.0, 3.0, False, 3.0),
        (9.0, 3.2, False, 12.2),
        (9.0, 3.2, True, 0.0),
        (9.0, 3600.0, False, 0.0),
        (9.0, 4.5, False, 0.0),
    ],
)
def test_silence_counts_while_we_are_awake(before, took, heard, after):
    assert silence(before, took=took, every=3.0, heard=heard) == pytest.approx(after)


async def test_who_answers_is_lost_only_when_it_falls_silent(monkeypatch):
    monkeypatch.setattr(heartbeat, "EVERY", 0.01)
    monkeypatch.setattr(heartbeat, "LIMIT", 0.05)
    answers = [True] * 20

    def ask():
        if answers:
            answers.pop()
            heart.heard()

    heart = Heartbeat(ask)
    assert await heart.lost() >= 0.05
    assert not answers
