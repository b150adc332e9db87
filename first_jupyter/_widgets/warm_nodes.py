"""A widget for the replicas that run: until when, and what can be done with each."""

from __future__ import annotations

import html
import time
from collections import Counter
from typing import Any

import ipywidgets

from first_jupyter import _control as control
from first_jupyter._leases import Lease, leases
from first_jupyter._table import table
from first_jupyter._widgets.card import Card, button, html_table, shut

__all__ = ["WarmNodes"]

NONE = "No node is warm. `%first start MODEL --for 2h` warms one up."
HEAD = ["model", "cluster", "node", "state", "kept"]
AN_HOUR = 3600.0


class WarmNodes(Card):
    """See the replicas that run or start, keep them for longer, stop them, and read their logs.

    Examples
    --------
    >>> WarmNodes()
    """

    def __init__(self) -> None:
        catalog = control.models()
        super().__init__()
        self._rows: dict[tuple[str, str, str], Row] = {}
        self._leases: list[Lease] = []
        self._see(catalog)
        self._follow()

    def text(self) -> str:
        """List the replicas."""
        return table(HEAD, self._cells())[0] if self._leases else NONE

    def page(self) -> str:
        """List the same in HTML."""
        return html_table(HEAD, self._cells(), "Warm nodes") if self._leases else html.escape(NONE)

    def _cells(self) -> list[list[str]]:
        return [[each.name, each.cluster, each.node, each.state, each.kept] for each in self._leases]

    def _see(self, catalog: dict[str, Any]) -> None:
        with self._drawing:
            self._leases = leases(catalog)
            rows = {(each.model, each.cluster, each.replica): each for each in self._leases}
            # A row that stays is the same widget: who is about to press its button finds it there.
            self._rows = {key: self._rows.get(key) or Row(self) for key in rows}
            for key, row in self._rows.items():
                row.show(rows[key])
            self._say(_count(self._leases))
            shown = [self._said, *self._rows.values()]
            if list(self.children) != shown:
                gone = [row for row in self.children if row not in shown]
                self.children = shown
                for row in gone:
                    shut(row)


class Row(ipywidgets.VBox):  # type: ignore[misc]
    """One replica: a line, its buttons, and its log while that is open."""

    def __init__(self, card: WarmNodes) -> None:
        self._card = card
        self._lease: Lease | None = None
        self._line = ipywidgets.HTML(layout={"flex": "1 1 auto"})
        self._extend = button("Keep 1 h more", "plus", "", self._extended)
        self._end = button("Stop", "stop", "", self._stopped)
        self._log = button("Log", "list", "", self._logged)
        self._pane = ipywidgets.HTML(layout={"display": "none"})
        buttons = ipywidgets.HBox([self._extend, self._end, self._log])
        top = ipywidgets.HBox([self._line, buttons], layout={"flex_flow": "row wrap"})
        super().__init__([top, self._pane])

    def show(self, lease: Lease) -> None:
        """Show how the replica is now."""
        self._lease = lease
        line = f"<strong>{html.escape(lease.title)}</strong> {html.escape(lease.text)}"
        if line != self._line.value:
            self._line.value = line
        self._extend.tooltip = f"Keep {lease.title} warm for one hour more, used or not"
        self._log.tooltip = f"Show the last lines of the log of {lease.title}"
        self._end.tooltip = lease.unstoppable or f"End {lease.title} and give its node back"
        self._end.disabled = bool(lease.unstoppable)

    def _extended(self, pressed: ipywidgets.Button) -> None:
        if (lease := self._lease) is not None:
            hold = lease.hold + AN_HOUR
            self._card.act(pressed, lambda: control.start(lease.model, cluster=lease.cluster, hold=hold))

    def _stopped(self, pressed: ipywidgets.Button) -> None:
        if (lease := self._lease) is not None:
            named = {"cluster": lease.cluster, "replica": lease.replica}
            self._card.act(pressed, lambda: control.stop(lease.model, **named))

    def _logged(self, pressed: ipywidgets.Button) -> None:
        if self._pane.layout.display != "none":
            self._log.description, self._pane.layout.display = "Log", "none"
        elif (lease := self._lease) is not None:
            self._card.act(pressed, lambda: self._open(lease))

    def _open(self, lease: Lease) -> None:
        self._pane.value = _log(control.log(lease.model, cluster=lease.cluster, replica=lease.replica))
        self._log.description, self._pane.layout.display = "Hide log", ""


def _count(known: list[Lease]) -> str:
    groups = Counter(each.group for each in known)
    return ", ".join(f"{count} {group}" for group, count in groups.items()) or NONE


def _log(told: dict[str, Any]) -> str:
    at = time.strftime("%H:%M:%S", time.localtime(told["at"]))
    head = (
        f"The last lines at {at}; all of it is {told['file']}" if told["file"] else f"The last lines at {at}"
    )
    lines = "\n".join(told["lines"]) or "It has said nothing yet."
    named = f'tabindex="0" role="region" aria-label="Log of {html.escape(told["replica"])}"'
    # Such a column begins scrolled to its end.
    look = "max-height: 16em; overflow: auto; display: flex; flex-direction: column-reverse"
    pre = f'<pre style="margin: 0; overflow: visible; line-height: 1.4">{html.escape(lines)}</pre>'
    return f'<div style="line-height: 1.5">{html.escape(head)}</div><div {named} style="{look}">{pre}</div>'
