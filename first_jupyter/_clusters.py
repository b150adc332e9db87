"""``%first clusters``: the clusters of the federation, and the endpoints that could be added to it."""

from __future__ import annotations

from typing import Any

from first_jupyter import _control as control
from first_jupyter._errors import FirstError
from first_jupyter._table import say, table

__all__ = ["clusters"]

FORM = "%first clusters [add ENDPOINT [NAME]]"


def clusters(argument: str) -> None:
    """Show the clusters, or add one.

    Parameters
    ----------
    argument
        Nothing, or ``add`` with an endpoint's id or name, and perhaps the name that it shall have here.
    """
    if not argument:
        found = control.offers()  # it also asks how the clusters are
        _show(control.clusters()["clusters"], found)
        return
    command, _, rest = argument.partition(" ")
    endpoint, name = _named(rest.strip())
    if command != "add" or not endpoint:
        raise FirstError(f"`{FORM}`: it cannot take {argument}.")
    added = control.add_cluster(endpoint, name)
    name, models = added["cluster"], ", ".join(added["models"])
    say(f"Added {name}, which has {models}. `%first start MODEL --on {name}` warms one up.")


def _named(text: str) -> tuple[str, str]:
    """Tell the endpoint from the name; an endpoint's own name may hold blanks, then it is quoted."""
    for quote in "\"'":
        if text.startswith(quote) and text.count(quote) == 2:
            endpoint, _, name = text[1:].partition(quote)
            return endpoint, name.strip()
    words = text.split()
    return (words[0], "".join(words[1:])) if 0 < len(words) < 3 else ("", "")


def _show(known: list[dict[str, Any]], found: dict[str, Any]) -> None:
    rows = [[place["cluster"], place["kind"], _state(place), ", ".join(place["models"])] for place in known]
    parts = [table(["cluster", "kind", "state", "models"], rows)]
    if offers := found["offers"]:
        parts.append(("These can be added:", "These can be added:"))
        rows = [
            [offer["name"], _online(offer), f"%first clusters add {offer['endpoint']}"] for offer in offers
        ]
        parts.append(table(["endpoint", "state", "with"], rows))
    if problem := found["problem"]:
        parts.append((problem, problem))
    plain, markdown = zip(*parts, strict=True)
    say("\n\n".join(plain), "\n\n".join(markdown))


def _state(place: dict[str, Any]) -> str:
    return f"{place['state']} ({place['reason']})" if place.get("reason") else str(place["state"])


def _online(offer: dict[str, Any]) -> str:
    return {True: "online", False: "offline"}.get(offer["online"], "unknown")
