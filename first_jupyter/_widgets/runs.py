"""Ends the widgets that a cell showed in an earlier run, which nobody sees any more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from first_jupyter._widgets.card import Card

__all__ = ["note"]

_cells: dict[str, dict[Card, str]] = {}
"""What each cell shows, with the request that ran it."""


def note(card: Card, parent: dict[str, Any]) -> None:
    """Take note that a cell's run, `parent`, shows a card; what only its earlier runs showed is closed.

    JupyterLab says which cell it is; another frontend's widgets live until they are closed.
    """
    cell, run = parent.get("metadata", {}).get("cellId"), parent.get("header", {}).get("msg_id", "")
    if not cell:
        return
    here = _cells.setdefault(cell, {})
    for old in [other for other, when in here.items() if when != run and other is not card]:
        del here[old]
        if not any(old in cards for cards in _cells.values()):
            old.close()
    here[card] = run
