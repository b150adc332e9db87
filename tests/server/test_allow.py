"""Allow-lists: what somebody may use, by cluster, kind, model and group; each part can only narrow."""

from __future__ import annotations

import os
import pwd

import pytest
from first_jupyter_server.allow import AllowLists, AllowRule, Person

ADA = Person("ada", frozenset({"climate", "users"}))


def lists(*rules: dict[str, list[str]], **others: list[dict[str, list[str]]]) -> AllowLists:
    """Return ada's allow-lists: one of site.yaml, and those of other files."""
    by_file = {"site.yaml": list(rules), **others}
    made = {file: [AllowRule(**rule) for rule in those] for file, those in by_file.items()}
    return AllowLists(made, ADA)


@pytest.mark.parametrize(
    ("rule", "may"),
    [
        ({"clusters": ["polaris"]}, True),
        ({"clusters": ["pol*"]}, True),
        ({"clusters": ["sophia"]}, False),
        ({"kinds": ["globus-compute"]}, True),
        ({"kinds": ["local"]}, False),
        ({"models": ["meta-llama/*"]}, True),
        ({"models": ["META-LLAMA/*"]}, True),
        ({"models": ["openai/*"]}, False),
        ({"groups": ["climate"]}, True),
        ({"groups": ["fusion"]}, False),
        ({"users": ["ada"]}, True),
        ({"groups": ["fusion"], "users": ["ada"]}, True),
        ({"clusters": ["polaris"], "models": ["openai/*"]}, False),
        ({}, True),
    ],
)
def test_a_rule_allows_what_fits_all_that_it_names(rule, may):
    assert (lists(rule).barred("polaris", "globus-compute", "meta-llama/Llama-3.3-70B") == "") is may


def test_without_a_list_everything_may_be_used():
    assert lists().barred("anything", "openai", "any/model") == ""


def test_one_rule_that_fits_is_enough():
    allowed = lists({"clusters": ["local"]}, {"clusters": ["polaris"], "groups": ["climate"]})
    assert allowed.barred("polaris", "globus-compute", "m") == ""


def test_a_later_list_narrows_and_cannot_widen():
    both = lists({"clusters": ["polaris"]}, own=[{"clusters": ["sophia", "polaris"], "models": ["small"]}])
    assert both.barred("polaris", "globus-compute", "small") == ""
    assert both.barred("sophia", "globus-compute", "small") == "not among what site.yaml allows"
    assert both.barred("polaris", "globus-compute", "large") == "not among what own allows"


def test_the_reason_names_who_may_and_who_asked_and_the_file():
    allowed = lists({"clusters": ["polaris"], "groups": ["fusion", "plasma"]}, {"users": ["eve"]})
    assert allowed.barred("polaris", "globus-compute", "m") == (
        "allowed for the group fusion, the group plasma and the user eve alone, and you are ada (site.yaml)"
    )


def test_this_process_belongs_to_somebody_in_a_group():
    person = Person.here()
    assert person.name
    assert person.groups


def test_nobody_is_somebody_else_by_their_environment(monkeypatch):
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.setenv(name, "ada")
    assert Person.here().name == pwd.getpwuid(os.getuid()).pw_name != "ada"
