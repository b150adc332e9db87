"""Which changes of a replica somebody far away waits for; the steps of a start are not among them."""

from __future__ import annotations

from .protocol import Stage

__all__ = ["is_news"]

STARTING = {Stage.FETCHING, Stage.LOADING, Stage.WARMING}


def kind(stage: Stage) -> str:
    """Return the stage in coarser words."""
    if stage in STARTING:
        return "starting"
    return "ended" if stage.is_final else stage.value


def is_news(known: str | None, stage: Stage, restarts: int = 0) -> bool:
    """Say whether a replica's stage is worth telling.

    Parameters
    ----------
    known
        The stage that it is known to be in, if any; ``ready/2`` after two restarts.
    stage, restarts
        What it is in now, and how often its server was started again: each time, it is somewhere else.
    """
    if known is None:
        return not stage.is_final
    before, _, times = known.partition("/")
    try:
        moved = stage is Stage.READY and restarts != int(times or 0)
        return moved or kind(Stage(before)) != kind(stage)
    except ValueError:
        return True
