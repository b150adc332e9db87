"""What Globus demands of the person is said where the model is."""

from __future__ import annotations

import pytest
from auth import COMPUTE, demand

pytestmark = pytest.mark.globus


@pytest.fixture
def demanded(compute):
    """Have Globus Compute demand that people prove again who they are."""
    compute.auth.demands[COMPUTE] = demand("Session too old.", session_required_policies=["p-1"])
    yield
    del compute.auth.demands[COMPUTE]


def test_a_start_that_globus_refuses_says_what_to_do(serve, agent, demanded):
    reason = serve(agent).start_and_fail()
    assert "ask you to prove again who you are (it says: Session too old): log in again" in reason
    assert "`%first login`" in reason
