"""``%first why`` and ``%first route``: where requests went, and where they may go."""

from __future__ import annotations

from typing import Any

from first_jupyter import _control as control
from first_jupyter._errors import FirstError
from first_jupyter._table import say, table

__all__ = ["route", "why"]

FORM = "%first route [avoid=A,B] [prefer=C] [stay=D,E] | clear"
WORDS = {"avoid": "avoid {}", "prefer": "prefer {}", "stay": "stay at {}"}


def why(request: str) -> None:
    """Show why a request went where it went.

    Parameters
    ----------
    request
        Its id; by default the last one of this notebook.
    """
    told = control.why(request)
    chosen = told["chosen"] or {}
    rows = [
        [
            "✓" if row["cluster"] == chosen.get("cluster") else "",
            row["cluster"],
            row["replica"] or "",
            row["state"],
            "" if row["seconds"] is None else f"{row['seconds']:.1f} s",
            row["out"],
        ]
        for row in told["candidates"]
    ]
    plain, markdown = table(["", "cluster", "replica", "state", "first token", "not because"], rows)
    request = told["request"]
    say(
        f"{told['sentence']}\n\n{plain}\n\nIts id in logs: {request}",
        f"{told['sentence']}\n\n{markdown}\n\nIts id in logs: `{request}`",
    )


def route(argument: str) -> None:
    """Show where this notebook's requests may go, or say so.

    Parameters
    ----------
    argument
        Nothing, ``clear``, or rules such as ``avoid=a,b stay=c``, which take the place of earlier ones.
    """
    if argument:
        rules = {} if argument == "clear" else _rules(argument)
        say(_sentence(control.set_rules(rules)))
    else:
        say(_sentence(control.rules()))


def _rules(argument: str) -> dict[str, list[str]]:
    rules = {}
    for word in argument.split():
        key, given, names = word.partition("=")
        if not given or key not in WORDS or key in rules:
            raise FirstError(f"`{FORM}`: it cannot take {word}.")
        rules[key] = [name for name in names.split(",") if name]
    return rules


def _sentence(rules: dict[str, Any]) -> str:
    whose = "This notebook's requests" if rules.get("notebook") else "Requests that come from no notebook"
    said = [
        text.format(", ".join(names) or "no cluster")
        for key, text in WORDS.items()
        if (names := rules.get(key)) or (names == [] and key == "stay")
    ]
    return f"{whose} {'; '.join(said)}." if said else f"{whose} go wherever they are answered soonest."
