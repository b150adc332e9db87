"""What Jupyter AI's model picker and typing line say of the federation: functions of the catalog."""

from __future__ import annotations

from typing import NamedTuple

from first_jupyter_server.errors import ApiError
from first_jupyter_server.federation.catalog import Catalog, Model, State
from first_jupyter_server.federation.router import waits_for

__all__ = ["CURRENT", "Choice", "choices", "context", "refused", "waiting"]

CURRENT = "default"
"""What a request calls the current choice."""


class Choice(NamedTuple):
    """One row of the model picker."""

    id: str
    name: str
    description: str


def choices(catalog: Catalog) -> list[Choice]:
    """Return the models that can chat, the current choice first, whichever it is."""
    current = catalog.find(catalog.current) if catalog.current else None
    follow = Choice(
        CURRENT,
        f"{_short(current)} (current choice)" if current else "current choice",
        "whichever model is chosen on the status bar or with %first use",
    )
    able = [model for model in catalog.models if "chat" in model.abilities]
    return [follow, *(Choice(model.id, _short(model), _description(model)) for model in able)]


def context(catalog: Catalog, name: str) -> int | None:
    """Return the context of a model in tokens, where it is known."""
    try:
        return catalog.resolve(name)[0].context
    except ApiError:
        return None


def waiting(catalog: Catalog, name: str) -> str:
    """Say how far a model is that is hot nowhere, as what somebody does who waits for it; else nothing."""
    try:
        model, cluster = catalog.resolve(name)
    except ApiError:
        return ""
    places = [place for place in model.places if cluster in (None, place.cluster)]
    if not places or any(place.state is State.HOT for place in places):
        return ""
    place = waits_for(model, cluster)
    how_far = place.reason.rstrip(".") or place.state.value
    return f"waits for {_short(model)} on {place.cluster}: {how_far}{_left(place.eta)}"


def refused(message: str) -> str:
    """Say why there is no answer, in the words of whoever refused, and what helps where those do not tell."""
    if "context" not in message:
        return message
    return f"{message.rstrip('.')}. Attach less, or choose a model with a longer context."


def _left(seconds: float | None) -> str:
    if not seconds or seconds < 1:
        return ""
    return f", about {seconds:.0f} s left" if seconds < 90 else f", about {seconds / 60:.0f} min left"


def _short(model: Model) -> str:
    return model.id.rpartition("/")[2]


def _description(model: Model) -> str:
    states = ", ".join(f"{place.state.value} on {place.cluster}" for place in model.places)
    return f"{model.id}: {states}"
