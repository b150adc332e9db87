"""In a line notebooks take turns, and each one's requests keep their order."""

import pytest
from first_jupyter_server.federation.fair import FairLine


def line_of(*requests):
    line = FairLine()
    for request in requests:
        line.add(request[0], request)
    return line


def served(line):
    order = []
    while line:
        request = next(iter(line))
        line.remove(request[0], request, served=True)
        order.append(request)
    return order


@pytest.mark.parametrize(
    ("came", "order"),
    [
        (["a1", "a2", "a3"], ["a1", "a2", "a3"]),
        (["a1", "a2", "a3", "b1"], ["a1", "b1", "a2", "a3"]),
        (["a1", "a2", "b1", "c1", "b2"], ["a1", "b1", "c1", "a2", "b2"]),
    ],
)
def test_notebooks_take_turns(came, order):
    assert served(line_of(*came)) == order
    assert list(line_of(*came)) == order


def test_who_was_served_comes_after_those_who_were_not():
    line = line_of("a1", "a2", "b1")
    line.remove("a", "a1", served=True)
    line.add("c", "c1")
    assert list(line) == ["b1", "a2", "c1"]


def test_who_gives_up_costs_the_notebook_no_turn():
    line = line_of("a1", "a2", "b1")
    assert line.remove("a", "a1")
    assert list(line) == ["a2", "b1"]


def test_nobody_is_in_line_twice_or_taken_out_twice():
    line = line_of("a1")
    assert (line.add("a", "a1"), len(line)) == (False, 1)
    assert (line.remove("a", "a1"), line.remove("a", "a1"), line.remove("b", "b1")) == (True, False, False)


@pytest.mark.parametrize(("label", "ahead"), [("a", 4), ("b", 3), ("c", 2)])
def test_how_many_would_be_served_before_a_new_one(label, ahead):
    assert line_of("a1", "a2", "a3", "b1").ahead(label) == ahead


def test_who_leaves_while_the_line_is_gone_through_does_not_disturb_it():
    line = line_of("a1", "a2", "b1")
    for request in line:
        line.remove(request[0], request)
    assert not line
