"""A widget to choose a model with: the choice is shared with ``%first use`` and the browser."""

from __future__ import annotations

import html
import threading
from typing import TYPE_CHECKING, Any

import ipywidgets
import traitlets

from first_jupyter import _control as control
from first_jupyter._errors import FirstError
from first_jupyter._stage import find_model, nearest_cluster, short_name, stage_line, state_text
from first_jupyter._widgets.card import Card, button, html_table, prompt

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["ModelPicker", "choices"]

SIGNS = {"hot": "●", "starting": "◐", "queued": "◔", "draining": "◑", "cold": "○", "offline": "✕"}
WIDE = {"width": "34em"}
HEAD = ["", "model", "where", "state"]


class ModelPicker(Card):
    """Choose the current model, see its state, start it and stop it.

    Examples
    --------
    >>> picker = ModelPicker()
    >>> picker.value
    'HuggingFaceTB/SmolLM2-135M-Instruct'
    """

    value = traitlets.Unicode("", help="The current choice; set it to choose.")

    def __init__(self) -> None:
        catalog = control.models()
        super().__init__()
        self._list = prompt(
            ipywidgets.Select(
                description="Model",
                options=[],
                rows=1,
                layout=WIDE,
                tooltip="The model that answers by default",
            )
        )
        self._start = button("Start", "play", "Warm the chosen model up", self._does(control.start))
        self._stop = button(
            "Stop",
            "stop",
            "End the chosen model's replicas and give their nodes back",
            self._does(control.stop),
        )
        self._refresh = button(
            "Refresh", "refresh", "Ask the server again", self._does(lambda _: self._see(control.models()))
        )
        self._buttons = ipywidgets.HBox([self._start, self._stop, self._refresh])
        self.children = [self._list, self._said, self._buttons]
        self._catalog: dict[str, Any] = {}
        self._applying = 0
        self._see(catalog)
        self._list.observe(self._picked, "value")
        self.observe(self._picked, "value")
        self._follow()

    def text(self) -> str:
        """Say which model is chosen, and how it is."""
        return f"ModelPicker: {self._state()}"

    def page(self) -> str:
        """List the choices."""
        rows = [
            ["✓ chosen" if value == self._list.value else "", name, where, said]
            for where, _, name, said, value in _choices(self._catalog)
        ]
        return html_table(HEAD, rows, "Models") if rows else html.escape(self._state())

    def _see(self, catalog: dict[str, Any]) -> None:
        options = choices(catalog)
        # Widget messages come on other threads, in the middle of a streaming cell too: what this thread
        # sets is not a choice of the reader's, what any other thread sets is.
        with self._drawing:
            self._applying, self._catalog = threading.get_ident(), catalog
            try:
                if options != list(self._list.options):
                    self._list.rows = min(max(len(options), 2), 8)
                    self._list.options = options
                model, cluster = find_model(catalog)
                names = [f"{model['id']}@{cluster}", model["id"]] if model else []
                values = [value for _, value in options]
                self._list.value = next((name for name in names if name in values), None)
                self.value = catalog.get("current") or ""
            finally:
                self._applying = 0
        self._say(self._state())

    def _picked(self, change: Any) -> None:
        if (
            threading.get_ident() == self._applying
            or not change.new
            or change.new == self._catalog.get("current")
        ):
            return
        self._refuse("")
        try:
            control.use(change.new)
        except FirstError as error:
            self._see(self._catalog)
            self._refuse(str(error))

    def _does(self, action: Callable[[str], Any]) -> Callable[[ipywidgets.Button], None]:
        return lambda pressed: self.act(pressed, lambda: action(self.value))

    def _state(self) -> str:
        model, cluster = find_model(self._catalog)
        place = nearest_cluster(model, cluster) if model else None
        return stage_line(model, place) if model and place else "no model is chosen"


def choices(catalog: dict[str, Any]) -> list[tuple[str, str]]:
    """List what can be chosen, as (label, value), cluster by cluster.

    A model that several clusters serve comes first, to be served wherever that is soonest, and then once
    more under each cluster, pinned to it.
    """
    return [
        (f"{where} · {SIGNS.get(state, '?')} {name} · {said}", value)
        for where, state, name, said, value in _choices(catalog)
    ]


def _choices(catalog: dict[str, Any]) -> list[tuple[str, ...]]:
    """List where, state, name, how it is said, and the value of each choice."""
    anywhere, pinned = [], []
    for model in catalog["models"]:
        places = model["clusters"]
        if len(places) > 1 and (place := nearest_cluster(model)):
            anywhere.append(_choice("anywhere", model, place, model["id"]))
        for place in places:
            name = f"{model['id']}@{place['cluster']}" if len(places) > 1 else model["id"]
            pinned.append(_choice(place["cluster"], model, place, name))
    return anywhere + sorted(pinned)


def _choice(where: str, model: dict[str, Any], place: dict[str, Any], value: str) -> tuple[str, ...]:
    return where, place["state"], short_name(model), state_text(place), value
