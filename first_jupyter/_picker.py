"""A widget to choose a model with: the choice is shared with ``%first use`` and the browser."""

from __future__ import annotations

import html
import threading
from typing import Any

import ipywidgets
import traitlets

from first_jupyter import _control as control
from first_jupyter._errors import FirstError
from first_jupyter._live import Live
from first_jupyter._stage import find_model, nearest_cluster, short_name, stage_line, state_text

__all__ = ["ModelPicker", "choices"]

SIGNS = {"hot": "●", "starting": "◐", "queued": "◔", "draining": "◑", "cold": "○", "offline": "✕"}
WIDE = {"width": "34em"}


class ModelPicker(ipywidgets.VBox):  # type: ignore[misc]
    """Choose the current model, see its state, start it and stop it.

    Examples
    --------
    >>> picker = ModelPicker()
    >>> picker.value
    'HuggingFaceTB/SmolLM2-135M-Instruct'
    """

    value = traitlets.Unicode("", help="The current choice; set it to choose.")

    def __init__(self) -> None:
        self._list = ipywidgets.Select(
            description="Model", options=[], rows=1, layout=WIDE, tooltip="The model that answers by default"
        )
        self._line = ipywidgets.HTML()
        self._start = ipywidgets.Button(description="Start", icon="play", tooltip="Warm the chosen model up")
        self._stop = ipywidgets.Button(
            description="Stop",
            icon="stop",
            tooltip="End the chosen model's replicas and give their nodes back",
        )
        self._refresh = ipywidgets.Button(
            description="Refresh", icon="refresh", tooltip="Ask the server again"
        )
        buttons = ipywidgets.HBox([self._start, self._stop, self._refresh])
        super().__init__([self._list, self._line, buttons])
        self._catalog: dict[str, Any] = {}
        self._applying = 0
        self._one_at_a_time = threading.Lock()
        self._show(control.models())
        self._list.observe(self._picked, "value")
        self.observe(self._picked, "value")
        self._start.on_click(lambda _: self._do(control.start))
        self._stop.on_click(lambda _: self._do(control.stop))
        self._refresh.on_click(lambda _: self._do(lambda _: self._show(control.models())))
        self._live = Live(self._show, self._say)

    def close(self) -> None:
        """Close the widget, and stop following the server."""
        self._live.close()
        super().close()

    def __repr__(self) -> str:
        """Stand in where widgets cannot be shown."""
        return f"ModelPicker: {self._state()}"

    def _show(self, catalog: dict[str, Any]) -> None:
        options = choices(catalog)
        # Widget messages come on other threads, in the middle of a streaming cell too: what this thread
        # sets is not a choice of the reader's, what any other thread sets is.
        with self._one_at_a_time:
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
        self._do(lambda _: control.use(change.new), change.new)

    def _do(self, action: Any, model: str = "") -> None:
        try:
            action(model or self.value)
        except FirstError as error:
            self._show(self._catalog)
            self._say(str(error))

    def _state(self) -> str:
        model, cluster = find_model(self._catalog)
        place = nearest_cluster(model, cluster) if model else None
        return stage_line(model, place) if model and place else "no model is chosen"

    def _say(self, line: str) -> None:
        self._line.value = f'<span role="status" aria-live="polite">{html.escape(line)}</span>'


def choices(catalog: dict[str, Any]) -> list[tuple[str, str]]:
    """List what can be chosen, as (label, value), cluster by cluster.

    A model that several clusters serve comes first, to be served wherever that is soonest, and then once
    more under each cluster, pinned to it.
    """
    anywhere, pinned = [], []
    for model in catalog["models"]:
        places = model["clusters"]
        if len(places) > 1 and (place := nearest_cluster(model)):
            anywhere.append((_label("anywhere", model, place), model["id"]))
        for place in places:
            name = f"{model['id']}@{place['cluster']}" if len(places) > 1 else model["id"]
            pinned.append((place["cluster"], _label(place["cluster"], model, place), name))
    return anywhere + [(label, name) for _, label, name in sorted(pinned)]


def _label(where: str, model: dict[str, Any], place: dict[str, Any]) -> str:
    return f"{where} · {SIGNS.get(place['state'], '?')} {short_name(model)} · {state_text(place)}"
