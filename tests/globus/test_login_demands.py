"""Demands of Globus as sentences and parameters, and the federation file's part on them: by table."""

import pytest
from auth import demand as globus_demands
from first_jupyter_server.auth.demands import demand, merged, query

POLICY = "83732ff2-9c42-4548-b5ce-17e498c84f6a"


@pytest.mark.parametrize(
    ("asked", "words", "parameters"),
    [
        (
            {"session_required_policies": [POLICY]},
            "The rules of Globus Compute ask you to prove again who you are: log in again.",
            {"session_required_policies": POLICY},
        ),
        (
            {"session_required_mfa": True},
            "Globus Compute asks for a second factor: log in again and confirm with it.",
            {"session_required_mfa": "True"},
        ),
        (
            {"session_required_single_domain": ["anl.gov", "alcf.anl.gov"]},
            "Globus Compute takes identities of anl.gov or alcf.anl.gov alone, and you are ada@lab.example",
            {"session_required_single_domain": "anl.gov,alcf.anl.gov"},
        ),
        (
            {"session_required_identities": ["ada@anl.gov"]},
            "Globus Compute needs you as ada@anl.gov, and you are ada@lab.example: log in as ada@anl.gov.",
            {"session_required_identities": "ada@anl.gov"},
        ),
        (
            {"required_scopes": ["https://auth.globus.org/scopes/x/all"]},
            "Globus Compute needs one more consent of yours: log in again and agree to it.",
            {},
        ),
        ({"prompt": "login"}, "Globus Compute asks you to log in again.", {"prompt": "login"}),
        ({"prompt": "none"}, "Globus Compute asks you to log in again.", {}),
        ({}, "Globus Compute asks you to log in again.", {}),
        (
            {"session_required_policies": f"{POLICY},b"},
            "The rules of",
            {"session_required_policies": f"{POLICY},b"},
        ),
    ],
)
def test_each_demand_is_one_sentence_and_the_right_parameters(asked, words, parameters):
    read = demand({"authorization_parameters": asked}, username="ada@lab.example", service="Globus Compute")
    assert read.sentence.startswith(words)
    assert dict(read.parameters) == parameters
    assert list(read.scopes) == asked.get("required_scopes", [])


def test_what_the_service_says_is_quoted_and_passed_on():
    refused = globus_demands("Session too old.", session_required_policies=[POLICY])
    read = demand(refused.body, username="ada", service="Globus Compute")
    assert "(it says: Session too old)" in read.sentence
    assert read.parameters["session_message"] == "Session too old."


def test_the_strictest_demand_is_said_first():
    asked = {"session_required_identities": ["ada@anl.gov"], "session_required_mfa": True}
    read = demand({"authorization_parameters": asked}, username="", service="Globus Compute")
    assert read.sentence.startswith("Globus Compute needs you as ada@anl.gov, and you are somebody else")
    assert read.parameters["session_required_mfa"] == "True"


def test_the_site_s_rules_and_a_demand_add_up():
    site = query({"session_required_policies": ["a"], "session_required_mfa": True})
    more = {"session_required_policies": "b,a", "prompt": "login"}
    assert merged(site, more) == {
        "session_required_policies": "a,b",
        "session_required_mfa": "True",
        "prompt": "login",
    }


@pytest.mark.parametrize("broken", [None, "x", 3, [], {"session_required_policies": 3}])
def test_a_demand_that_makes_no_sense_still_asks_for_a_login(broken):
    document = {"authorization_parameters": broken if isinstance(broken, dict) else {}}
    assert demand(document, username="", service="Globus").sentence == "Globus asks you to log in again."
