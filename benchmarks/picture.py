"""The picture of the benchmarks: each figure of each proxy as a point on a scale of its own, as SVG."""

from __future__ import annotations

import math
from dataclasses import dataclass
from html import escape

import figures
import peers
from figures import Figure, Results
from targets import FAST, THROUGH_JUPYTER

_NAMES = (FAST, THROUGH_JUPYTER, "nginx", *peers.ALL)
_WIDTH, _LABELS, _PAD, _ROW, _HEAD = 470, 150, 20, 21, 68
_SCALE = _WIDTH - _LABELS - 80

_STYLE = """\
text { font: 12px system-ui, sans-serif; fill: #24292f }
text { stroke: #ffffff; stroke-width: 4px; paint-order: stroke }
.title { font-size: 14px; font-weight: 600 }
.note, .none { fill: #59636e }
.ours { font-weight: 600 }
.card { fill: #ffffff }
.line { stroke: #d1d9e0 }
.goal { stroke: #1a7f37; stroke-dasharray: 4 3 }
.wanted { fill: #1a7f37 }
.point { fill: #818b98 }
.point.ours { fill: #0969da }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3; stroke: #0d1117 }
  .note, .none { fill: #9198a1 }
  .card { fill: #0d1117 }
  .line { stroke: #3d444d }
  .goal { stroke: #3fb950 }
  .wanted { fill: #3fb950 }
  .point { fill: #9198a1 }
  .point.ours { fill: #58a6ff }
}"""


@dataclass(frozen=True)
class Panel:
    """One figure of all proxies.

    Parameters
    ----------
    title
        What it is.
    figure, part
        Where it comes from, and which of its values it is.
    digits
        After the point.
    better
        Which end of the scale is the good one.
    goal
        What ours is to reach: a value, or a part of another proxy's.
    """

    title: str
    figure: Figure
    digits: int
    better: str
    goal: float = 0.0
    of: str = ""
    part: int = 0


_PANELS = (
    Panel("Added latency, 1 client: p50 ms", figures.added("ns1", "latency_ms"), 3, "left", 0.10),
    Panel("Added time to first token, 1 client: p50 ms", figures.added("ttft1", "ttft_ms"), 3, "left", 0.25),
    Panel(
        "Tokens per CPU second, 256 streams", figures.per_cpu("st256", "tokens"), 0, "right", 0.85, "nginx"
    ),
    Panel("Requests/s per CPU, 64 clients", figures.per_cpu("ns64", "requests"), 0, "right", 0.5, "nginx"),
    Panel("KB a stream, 1,000 streams (PSS)", figures.kb_per_stream, 1, "left", 8.0, part=1),
    Panel(
        "Token transit beside a busy Jupyter: p99 ms",
        figures.value("tokens busy", "transit_ms"),
        1,
        "left",
        10.0,
        part=1,
    ),
)


def draw(results: Results) -> str:
    """Return the picture."""
    height = _HEAD + _ROW * len(_NAMES) + _PAD
    down = math.ceil(len(_PANELS) / 2)
    parts = [
        f'<g transform="translate({_PAD + number % 2 * (_WIDTH + _PAD)} {_PAD + number // 2 * height})">'
        f"{_panel(panel, results)}</g>"
        for number, panel in enumerate(_PANELS)
    ]
    wide, tall = 2 * _WIDTH + 3 * _PAD, down * height + _PAD
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {wide} {tall}" width="{wide}" height="{tall}" '
        f'role="img" aria-label="Figures of ours and of other proxies; the tables below have them all">\n'
        f'<style>\n{_STYLE}\n</style>\n<rect class="card" width="{wide}" height="{tall}" rx="8"/>\n'
        + "\n".join(parts)
        + "\n</svg>\n"
    )


def _panel(panel: Panel, results: Results) -> str:
    """Return one panel: a row for each proxy, on a logarithmic scale."""
    found = {name: results.median(panel.figure, name) for name in _NAMES}
    values = {name: each[panel.part] for name, each in found.items() if each and each[panel.part] > 0}
    if not values:
        return ""
    goal = panel.goal * (values.get(panel.of, 0.0) if panel.of else 1.0)
    marked = [*values.values(), *([goal] if goal else [])]
    low, high = math.log10(min(marked)) - 0.1, math.log10(max(marked)) + 0.1

    def place(value: float) -> float:
        return round(_LABELS + _SCALE * (math.log10(value) - low) / (high - low), 1)

    better = "left is better" if panel.better == "left" else "right is better"
    end = _HEAD + _ROW * len(_NAMES) - _ROW // 2
    lines = [
        f'<text class="title" y="14">{escape(panel.title)}</text>',
        f'<text class="note" y="32">logarithmic, {better}</text>',
    ]
    if goal:
        where = place(goal)
        lines += [
            f'<line class="goal" x1="{where}" x2="{where}" y1="{_HEAD - 14}" y2="{end}"/>',
            f'<text class="wanted" x="{where}" y="{_HEAD - 18}" text-anchor="middle">goal</text>',
        ]
    for number, name in enumerate(_NAMES):
        y = _HEAD + _ROW * number
        ours = " ours" if name.startswith("ours") else ""
        lines.append(
            f'<text class="{ours.strip()}" x="{_LABELS - 12}" y="{y + 4}" text-anchor="end">{name}</text>'
        )
        if name not in values:
            lines.append(f'<text class="none" x="{_LABELS}" y="{y + 4}">not measured</text>')
            continue
        x = place(values[name])
        lines += [
            f'<line class="line" x1="{_LABELS}" x2="{x}" y1="{y}" y2="{y}"/>',
            f'<circle class="point{ours}" cx="{x}" cy="{y}" r="5"/>',
            f'<text class="{ours.strip()}" x="{x + 10}" y="{y + 4}">{values[name]:,.{panel.digits}f}</text>',
        ]
    return "\n".join(lines)
