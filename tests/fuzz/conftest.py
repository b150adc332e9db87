"""How long hypothesis looks: as long as a suite has time, or as FIRST_FUZZ says."""

import os

from hypothesis import HealthCheck, settings

LONG = int(os.environ.get("FIRST_FUZZ", "0"))
"""Examples of each property; none for the suite, where few are tried, and the same ones every time."""

settings.register_profile(
    "suite",
    max_examples=LONG or 50,
    derandomize=not LONG,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
settings.load_profile("suite")
