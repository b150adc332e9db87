"""Checks of what serves: the federation's files, the data plane's process, the login, the clock."""

from __future__ import annotations

import asyncio
import logging
import time
from email.utils import parsedate_to_datetime
from http.client import HTTPException
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from first_jupyter_remote.protocol.finding import Finding, fail, ok, warn

from first_jupyter_server.auth.login import Login
from first_jupyter_server.auth.opened import opened
from first_jupyter_server.dataplane.supervisor import Supervisor

from .subject import Subject

__all__ = ["check_clock", "check_dataplane", "check_federation", "check_login"]

PATIENCE = 30.0
"""Seconds that the data plane has to begin to serve."""

GLOBUS = "https://compute.api.globus.org/v2/version"
TIMEOUT = 4.0
DRIFT_NOTED = 20.0
"""Seconds by which the clock may be wrong before it is told."""

_quiet = logging.getLogger(__name__)
_quiet.addHandler(logging.NullHandler())
_quiet.propagate = False


def check_federation(subject: Subject) -> Finding:
    """See whether all parts of the federation can be read."""
    federation = subject.federation
    if federation.problems:
        return fail(" ".join(federation.problems), "Correct it there, and restart Jupyter.")
    files = sorted(set(federation.origins.values()))
    clusters = ", ".join(federation.file.clusters)
    return ok(f"{clusters}, from {', '.join(files) or 'the package: no first.yaml was found'}")


def check_dataplane(_: Subject) -> Finding:
    """Start a data plane, and see whether it serves."""
    try:
        return asyncio.run(_start())
    except OSError as error:
        return fail(
            f"no port on 127.0.0.1 can be opened: {error}", "See what forbids it: a sandbox, a limit."
        )


async def _start() -> Finding:
    ended = asyncio.Event()
    plane = Supervisor(lambda message: ended.set() if message["type"] == "ended" else None, _quiet)
    serving = asyncio.create_task(plane.start(key="looked-over", max_body=2**20))
    dying = asyncio.create_task(ended.wait())
    try:
        await asyncio.wait({serving, dying}, timeout=PATIENCE, return_when=asyncio.FIRST_COMPLETED)
        if serving.done():
            serving.result()
            return ok("starts and serves")
    finally:
        serving.cancel()
        dying.cancel()
        await plane.stop()
    what = "it ended as it started" if ended.is_set() else f"it does not serve after {PATIENCE:.0f} s"
    return fail(what, "See what it printed above; see also the check of packages.")


def check_login(subject: Subject) -> Finding:
    """See whether the login that clusters need is there, and lasts."""
    login = asyncio.run(_login(subject))
    remedy = "Log in: %first login in a notebook, or the account in JupyterLab's panel."
    if login is None:
        return ok("no cluster needs one")
    if login.state == "logged_in":
        return warn(login.sentence, remedy) if login.ends_soon else ok(login.sentence)
    return fail(login.sentence, remedy)


async def _login(subject: Subject) -> Login | None:
    login = opened(
        subject.federation.file,
        subject.data / "globus",
        callback=lambda _: "",
        changed=lambda _: None,
        log=_quiet,
    )
    if not login.needed:
        return None
    await login.start()
    state = login.login.state
    await login.login.close()
    return state


def check_clock(subject: Subject) -> Finding:
    """Compare the clock with that of Globus, where a cluster is behind it."""
    kinds = {cluster.kind for cluster in subject.federation.file.clusters.values()}
    if "globus-compute" not in kinds:
        return ok("not compared: no cluster is behind Globus Compute")
    try:
        with urlopen(Request(GLOBUS, method="HEAD"), timeout=TIMEOUT) as answer:  # a constant
            said = answer.headers["Date"]
    except HTTPError as refusal:
        said = refusal.headers["Date"]
    except (OSError, HTTPException):
        said = None
    if not said:
        return warn("not compared: Globus cannot be reached", "See the check of proxies.")
    drift = time.time() - parsedate_to_datetime(said).timestamp()
    found = f"{abs(drift):.0f} s {'ahead of' if drift > 0 else 'behind'} Globus"
    if abs(drift) > DRIFT_NOTED:
        return warn(found, "Have the clock set by NTP (timedatectl set-ntp true).")
    return ok(found)
