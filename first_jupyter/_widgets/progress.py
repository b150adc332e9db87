"""A widget that follows one start: its stages, what is left, and how it ends."""

from __future__ import annotations

import html
import threading
import time
from typing import Any

import ipywidgets

from first_jupyter import _control as control
from first_jupyter._errors import FirstError
from first_jupyter._stage import find_model
from first_jupyter._start import Start
from first_jupyter._steps import steps_html
from first_jupyter._widgets.card import Card, button

__all__ = ["Progress", "progress"]

TICK = 1.0


def progress(model: str = "", cluster: str = "") -> Progress:
    """Follow the start of a model; returns at once.

    Parameters
    ----------
    model
        An id or alias; ``model@cluster`` pins a cluster; nothing means the current choice.
    cluster
        The same pin.

    Returns
    -------
    Progress
        A widget with the stages, their times and what is left; *Cancel* stops the start at any stage.

    Raises
    ------
    FirstError
        If there is no such model, or no server.
    """
    return Progress(model, cluster)


class Progress(Card):
    """Stages of one start; see `progress`."""

    def __init__(self, model: str = "", cluster: str = "") -> None:
        catalog = control.models()
        found, pinned = find_model(catalog, model)
        if found is None:
            raise FirstError(f"There is no model {model or 'chosen'}; `%first models` lists them.")
        super().__init__()
        self._start = Start(found["id"], cluster or pinned)
        self._body = ipywidgets.HTML()
        self._cancel = button("Cancel", "stop", "Stop this start and give its node back", self._stop)
        self._begin = button("Start", "play", "Warm the model up", self._warm_up)
        self.children = [self._said, self._body]
        self._ticking: threading.Thread | None = None
        self._see(catalog)
        if not self._start.is_hot:
            self._follow()

    def text(self) -> str:
        """Say how far the start is."""
        now = time.time()
        head = ", ".join(filter(None, [self._start.stage, self._start.left(now)]))
        return "\n".join([head, *(f"  {step.text}" for step in self._start.steps(now))])

    def page(self) -> str:
        """Say the same in HTML."""
        return f"<div>{html.escape(self._start.stage)}</div>{self._details(time.time())}"

    def _see(self, catalog: dict[str, Any]) -> None:
        with self._drawing:
            before = self._start.end
            self._start.see(catalog, time.time())
            self._say(self._start.stage)
            self._draw()
            self._offer()
            ticks = self._start.is_under_way and self._ticking is None
            if ticks:
                self._ticking = threading.Thread(target=self._tick, name="first-tick", daemon=True)
                self._ticking.start()
        if self._start.is_hot:
            self._unfollow()
        if self._start.end != before:
            self._leave(alive=not self._start.is_hot)

    def _draw(self) -> None:
        self._body.value = self._details(time.time())

    def _details(self, now: float) -> str:
        refusal = self._start.place.get("unstoppable") if self._start.is_under_way else ""
        return "".join(
            [
                _bar(self._start, now),
                steps_html(self._start.steps(now)),
                f"<div>It cannot be cancelled from here: {html.escape(refusal)}</div>" if refusal else "",
            ]
        )

    def _offer(self) -> None:
        """Offer what makes sense now: to cancel, to start, or nothing."""
        place, shown = self._start.place, [self._said, self._body]
        if self._start.is_under_way:
            shown += [] if place.get("unstoppable") else [self._cancel]
        elif place.get("startable", True) and not self._start.is_hot:
            shown.append(self._begin)
        if list(self.children) != shown:
            self.children = shown

    def _tick(self) -> None:
        while self.comm is not None:
            time.sleep(TICK)
            with self._drawing:
                if not self._start.is_under_way:
                    self._ticking = None
                    return
                self._draw()

    def _stop(self, pressed: ipywidgets.Button) -> None:
        self.act(pressed, lambda: control.stop(self._start.model, cluster=self._start.place["cluster"]))

    def _warm_up(self, pressed: ipywidgets.Button) -> None:
        self.act(pressed, lambda: control.start(self._start.model, cluster=self._start.place["cluster"]))


def _bar(start: Start, now: float) -> str:
    if not start.is_under_way:
        return ""
    share = start.share(now)
    value = "" if share is None else f' value="{share:.3f}"'
    words = ", ".join(filter(None, ["" if share is None else f"{100 * share:.0f} %", start.left(now)]))
    named = f'aria-label="{html.escape(start.title)}" style="width: 16em"'
    return f'<div><progress max="1"{value} {named}></progress> {words}</div>'
