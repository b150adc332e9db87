"""``%first login`` and ``%first logout``: a person logs in to Globus, from a notebook or a terminal."""

from __future__ import annotations

import time
from html import escape
from typing import Any

from first_jupyter import _control as control
from first_jupyter._errors import FirstError
from first_jupyter._table import say

__all__ = ["login", "login_line", "logout"]

PAUSE = 1.0
ASK = "Paste the code that Globus shows: "


def login(argument: str) -> None:
    """Log in.

    Parameters
    ----------
    argument
        Nothing; ``paste`` or ``redirect``; ``again``, although one is logged in; the name of a tool whose
        login is offered; or the code of a login that was begun.
    """
    known = control.login()
    if argument in {offer["tool"] for offer in known["offers"]}:
        say(control.begin_login(tool=argument)["sentence"])
        return
    if argument and argument not in {"paste", "redirect", "again"}:
        say(control.finish_login(argument)["sentence"])
        return
    if known["service_account"]:
        say(known["sentence"])
        return
    if known["state"] == "logged_in" and not known["ends_soon"] and not argument:
        say(f"{known['sentence']} `%first login again` logs in anew.")
        return
    way = argument if argument in {"paste", "redirect"} else None
    begun = control.begin_login(way=way, force=argument == "again" or known["state"] == "logged_in")
    if known["state"] == "unneeded":
        known = control.login()  # what it asks for is known once somebody wants it
    _show(known, begun)
    try:
        done = _wait(begun) if begun["way"] == "redirect" else _ask()
    except KeyboardInterrupt:
        control.cancel_login()
        raise FirstError("The login was given up; nothing was changed.") from None
    if done:
        say(done["sentence"])


def logout() -> None:
    """Log out, and say what came of it."""
    say(control.logout()["sentence"])


def login_line() -> str:
    """Say in a line who is logged in, or what is to be done; nothing where no login is needed."""
    known = control.login()
    if known["state"] == "unneeded":
        return ""
    remedy = "" if known["state"] == "logged_in" else " `%first login` does that."
    return f"login: {known['sentence']}{remedy}"


def _show(known: dict[str, Any], begun: dict[str, Any]) -> None:
    """Show where to go, what for, and which other ways there are."""
    asks = "; ".join(f"{ask['service']} {ask['why']}" for ask in known["asks"])
    lines = [f"It asks for: {asks}."]
    if known["state"] in ("demand", "logged_in"):
        lines.insert(0, known["sentence"])
    lines += [f"{offer['sentence']} `%first login {offer['tool']}` does that." for offer in known["offers"]]
    link = f'<a href="{escape(begun["url"])}" target="_blank" rel="noopener">Log in with Globus</a>'
    head = "Open this page in a browser and log in:"
    say(
        "\n".join([*lines, head, begun["url"]]),
        html="<br>".join([*(f"{escape(line)}" for line in lines), f"<b>{link}</b>"]),
    )


def _ask() -> dict[str, Any] | None:
    """Take the code from the keyboard, as often as it takes."""
    while True:
        try:
            code = input(ASK).strip()
        except (EOFError, RuntimeError):  # nobody sits there: nbconvert, a script
            say("Nobody can type here. Run `%first login CODE` with the code that Globus shows.")
            return None
        if not code:
            raise KeyboardInterrupt
        try:
            return control.finish_login(code)
        except FirstError as error:
            if control.login()["state"] != "pending":
                raise
            print(error)  # noqa: T201  # beside the question, which is asked again


def _wait(begun: dict[str, Any]) -> dict[str, Any]:
    """Wait for the browser to come back to Jupyter."""
    say("Waiting for you in the browser; interrupt the kernel to give up.")
    while time.time() < begun["until"]:
        known = control.login()
        if known["state"] != "pending":
            return known
        time.sleep(PAUSE)
    raise FirstError("Nobody came back from Globus in time; `%first login` begins anew.")
