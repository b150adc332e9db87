"""Budgets: what may still be asked for, and what counts for a day."""

from __future__ import annotations

from datetime import datetime

import pytest
from first_jupyter_server.federation.budget import Budget, Spent, midnight_after, spend

HOUR = 3600.0
DAY = "2026-11-23"


def at(text):
    return datetime.fromisoformat(text).timestamp()


@pytest.mark.parametrize(
    ("budget", "hours_spent", "in_use", "more", "refusal"),
    [
        (Budget(), 1e6, 1e6, 1, ""),
        (Budget(nodes=4), 0, 3, 1, ""),
        (Budget(nodes=4), 0, 4, 1, "4 of 4 nodes are in use, and it takes 1 more"),
        (Budget(nodes=4), 0, 2, 4, "2 of 4 nodes are in use, and it takes 4 more"),
        (Budget(nodes=4), 0, 3.5, 0.5, ""),
        (Budget(node_hours=24), 23.9, 3, 1, ""),
        (Budget(node_hours=24), 24, 3, 1, "the 24 node-hours of today are spent"),
        (Budget(nodes=4, node_hours=24), 24, 4, 1, "the 24 node-hours of today are spent"),
    ],
)
def test_a_budget_says_why_no_more_may_be_asked_for(budget, hours_spent, in_use, more, refusal):
    said = budget.refusal(Spent(DAY, hours_spent * HOUR), in_use, more)
    assert said.startswith(refusal)
    assert bool(said) is bool(refusal)


@pytest.mark.parametrize(
    ("spent", "nodes", "since", "now", "expected"),
    [
        (Spent(), 2, "2026-11-23 10:00", "2026-11-23 11:00", Spent(DAY, 2 * HOUR)),
        (Spent(DAY, HOUR), 2, "2026-11-23 10:00", "2026-11-23 11:00", Spent(DAY, 3 * HOUR)),
        (Spent(DAY, HOUR), 0, "2026-11-23 10:00", "2026-11-23 11:00", Spent(DAY, HOUR)),
        (Spent("2026-11-22", HOUR), 2, "2026-11-22 23:00", "2026-11-23 01:00", Spent(DAY, 2 * HOUR)),
        (Spent("2026-11-22", HOUR), 0, "2026-11-22 23:00", "2026-11-23 01:00", Spent(DAY, 0.0)),
        (Spent(DAY, HOUR), 2, "2026-11-23 11:00", "2026-11-23 10:00", Spent(DAY, HOUR)),
    ],
)
def test_a_day_counts_what_is_used_on_it(spent, nodes, since, now, expected):
    assert spend(spent, nodes, at(since), at(now)) == expected


def test_the_next_day_begins_at_midnight():
    assert midnight_after(at("2026-11-23 15:00")) == at("2026-11-24 00:00")
