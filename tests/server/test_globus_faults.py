"""Errors of Globus Compute become sentences that say what to do."""

from __future__ import annotations

import pytest
from first_jupyter_server.clusters.globus_faults import ComputeFault, explain
from first_jupyter_server.errors import ApiError

ENDPOINT, FUNCTION = "e-1", "f-1"
TRACE = """Traceback (most recent call last):
  File "x.py", line 1, in f
ValueError: no such weights
"""


class GlobusAPIError(Exception):
    """As globus-sdk's: told apart by its name, so that the SDK need not be there."""

    def __init__(self, http_status, code="", message="m"):
        super().__init__(message)
        self.http_status, self.code, self.message = http_status, code, message


class TaskExecutionFailed(Exception):  # noqa: N818
    """As globus-compute-sdk's."""

    def __init__(self, remote_data):
        super().__init__(remote_data)
        self.remote_data = remote_data


class NetworkError(Exception):
    """As globus-sdk's."""


@pytest.mark.parametrize(
    ("error", "words", "passing"),
    [
        (GlobusAPIError(401), "log in again", False),
        (GlobusAPIError(403), "does not let you use the endpoint e-1", False),
        (GlobusAPIError(403, "FUNCTION_NOT_PERMITTED"), "does not allow first-jupyter's function f-1", False),
        (GlobusAPIError(404, "FUNCTION_NOT_FOUND"), "knows no function f-1", False),
        (GlobusAPIError(404, "ENDPOINT_NOT_FOUND"), "knows no endpoint e-1", False),
        (GlobusAPIError(404, "TASK_NOT_FOUND"), "how it ended is forgotten", False),
        (GlobusAPIError(413), "10 MB", False),
        (GlobusAPIError(422, message="gpus: 9"), "refused what it was asked for: gpus: 9", False),
        (GlobusAPIError(429), "more often than it allows: try again", True),
        (GlobusAPIError(503), "out of order at the moment (503)", True),
        (GlobusAPIError(418), "refused: m", False),
        (NetworkError("no route"), "cannot be reached from here (no route)", True),
        (TimeoutError(), "the endpoint e-1 does not answer", True),
        (ImportError("globus_compute_sdk"), "pip install 'first-jupyter[compute]'", False),
        (ApiError(401, "Log in, then try again."), "Log in, then try again.", False),
        (TaskExecutionFailed(TRACE), "failed on the cluster: ValueError: no such weights", False),
        (TaskExecutionFailed("parsl...ManagerLost: Task failure"), "its job ended under it", False),
        (TaskExecutionFailed("Function f-1 not permitted on endpoint u-1"), "allowed_functions", False),
        (KeyError("x"), "KeyError", False),
    ],
)
def test_an_error_is_explained(error, words, passing):
    fault = explain(error, endpoint=ENDPOINT, function=FUNCTION)
    assert words in fault.reason
    assert fault.passing is passing


def test_what_was_explained_already_stays_as_it_is():
    fault = ComputeFault("as it is")
    assert explain(fault, endpoint=ENDPOINT) is fault


@pytest.mark.parametrize(("trace", "ended"), [(TRACE, True), ("WorkerLost", True)])
def test_a_task_that_failed_has_ended(trace, ended):
    assert explain(TaskExecutionFailed(trace), endpoint=ENDPOINT).ended is ended


def test_a_way_that_broke_says_nothing_about_the_task():
    assert not explain(NetworkError(), endpoint=ENDPOINT).ended
