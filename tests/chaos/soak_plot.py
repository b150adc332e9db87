"""Draws what the processes took: a row for each measure, a line for each process, a tick for each fault."""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl
from samples import MEASURES, Sample

mpl.use("svg")
from matplotlib import pyplot as plt

__all__ = ["draw"]


def draw(samples: list[Sample], faults: list[float], file: Path) -> None:
    """Write the picture.

    Parameters
    ----------
    faults
        When one happened, in seconds like the samples.
    """
    mpl.rcParams |= {"svg.hashsalt": "soak", "font.size": 9}
    figure, rows = plt.subplots(len(MEASURES), sharex=True, figsize=(9, 10), layout="constrained")
    for row, (measure, name) in zip(rows, MEASURES.items(), strict=True):
        for process in dict.fromkeys(each.process for each in samples):
            its = [each for each in samples if each.process == process]
            row.plot(
                [each.at / 60 for each in its], [getattr(each, measure) for each in its], label=process, lw=1
            )
        for at in faults:
            row.axvline(at / 60, color="0.85", lw=0.8, zorder=0)
        row.set_ylabel(name)
        row.set_ylim(bottom=0)
    figure.legend(*rows[0].get_legend_handles_labels(), ncols=4, loc="outside upper center", frameon=False)
    rows[-1].set_xlabel("minutes; a grey line is a fault")
    figure.savefig(file, metadata={"Date": None})
