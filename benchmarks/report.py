"""The tables and the document: differences and ratios within a round, medians over the rounds."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from typing import Any

import procs

Result = dict[str, Any]
Round = dict[str, dict[str, Result]]
"""What the load generator reported, by scenario and target."""

Figure = Callable[[Round, str], list[float]]
"""One cell of one round: a target's value, or its 50th and 99th percentile."""

_FAST = "ours, kernels' path"

_METHOD = """\
Everything measured (upstream, clients, proxy, Jupyter) shares one CPU{nice}, so that a proxy's CPU time
shows in its latency, and no figure depends on how soon a hypervisor wakes a second CPU. Only where
Jupyter and our streams are made to disturb each other do upstream and clients run on another one. Each
round starts every process afresh and takes scenarios and targets in random order; differences and ratios
are taken within a round, and the tables show medians over {rounds} round{s}.

The upstream speaks vLLM's wire format, about 260 bytes a token; each token is an HTTP chunk and a write
of its own and carries the time it was sent. All streams get their tokens in the same tick, as the
sequences of an engine step do. Every stream was checked to its `[DONE]`: all tokens, in order. CPU time
is the kernel's, to the nanosecond, of all processes that the bytes go through; what Jupyter spends beside
them, on the ledger, has its own column. nginx has one worker, `proxy_buffering off` and keep-alive to the
upstream. Other work took {foreign:.0f} % of the CPU (median over all turns)."""

_DOCUMENT = """\
# Benchmarks

Made by `python benchmarks/proxy.py --rounds {rounds} --write` on {date}.
The machine: {machine}.

{tables}

## Method

{method}
"""


def _value(scenario: str, key: str) -> Figure:
    return lambda one, name: one[scenario][name][key]


def _added(scenario: str, key: str) -> Figure:
    """Return what a target adds to a direct connection; for the direct one, what that takes."""

    def figure(one: Round, name: str) -> list[float]:
        base = one[scenario]["direct"][key] if name != "direct" else (0.0, 0.0)
        return [mine - other for mine, other in zip(one[scenario][name][key], base, strict=True)]

    return figure


def _per_cpu(scenario: str, what: str) -> Figure:
    return lambda one, name: [one[scenario][name][what] / one[scenario][name]["cpu"]["proxy"]]


def _cpu_per(scenario: str, what: str, many: float, *roles: str) -> Figure:
    def figure(one: Round, name: str) -> list[float]:
        result = one[scenario][name]
        return [many * sum(result["cpu"][role] for role in roles) / result[what]]

    return figure


def _to_nginx(figure: Figure) -> Figure:
    return lambda one, name: [figure(one, name)[0] / figure(one, "nginx")[0]]


def _per_second(scenario: str) -> Figure:
    return lambda one, name: [one[scenario][name]["tokens"] / one[scenario][name]["seconds"]]


def _kb_per_stream(one: Round, name: str) -> list[float]:
    result = one["memory"][name]
    idle, loaded = result["idle_kb"]["proxy"], result["loaded_kb"]["proxy"]
    return [(loaded[kind] - idle[kind]) / result["requests"] for kind in ("rss", "pss")]


Column = tuple[str, int, Figure]
"""A title, digits after the point, and the cells."""

_LATENCY: list[Column] = [
    ("1 client", 3, _added("ns1", "latency_ms")),
    ("8 clients", 2, _added("ns8", "latency_ms")),
    ("64 clients", 2, _added("ns64", "latency_ms")),
    ("first token, 1 client", 3, _added("ttft1", "ttft_ms")),
]
_REQUESTS: list[Column] = [
    ("requests/s per CPU, 64 clients", 0, _per_cpu("ns64", "requests")),
    ("to nginx", 2, _to_nginx(_per_cpu("ns64", "requests"))),
    ("Jupyter's books, CPU s per 1000 requests", 3, _cpu_per("ns64", "requests", 1e3, "beside", "after")),
    ("KB per stream, 1000 streams (RSS / PSS)", 1, _kb_per_stream),
]
_TOKENS: list[Column] = [
    ("CPU s per million tokens, 64 streams", 1, _cpu_per("st64", "tokens", 1e6, "proxy")),
    ("256 streams", 1, _cpu_per("st256", "tokens", 1e6, "proxy")),
    ("tokens per CPU second, 256 streams", 0, _per_cpu("st256", "tokens")),
    ("to nginx, 64", 2, _to_nginx(_per_cpu("st64", "tokens"))),
    ("to nginx, 256", 2, _to_nginx(_per_cpu("st256", "tokens"))),
]
_DELIVERY: list[Column] = [
    ("tokens/s, 64 streams", 0, _per_second("st64")),
    ("tokens/s, 256 streams", 0, _per_second("st256")),
    ("transit ms, 64 streams", 1, _value("st64", "transit_ms")),
    ("transit ms, 256 streams", 1, _value("st256", "transit_ms")),
]
_ISOLATION: list[Column] = [
    ("`/api/kernels`, idle", 2, _value("api idle", "latency_ms")),
    ("with 256 streams", 2, _value("api busy", "latency_ms")),
    ("token transit, 64 streams", 2, _value("tokens quiet", "transit_ms")),
    ("while Jupyter serves a 2 MB notebook", 2, _value("tokens busy", "transit_ms")),
]


def _median(rounds: list[Round], figure: Figure, name: str) -> list[float] | None:
    """Return the median over those rounds that have the figure; None where a target lacks it."""
    found = []
    for one in rounds:
        try:
            found.append(figure(one, name))
        except (KeyError, TypeError):
            continue
    return [statistics.median(part) for part in zip(*found, strict=True)] if found else None


def _table(rounds: list[Round], names: list[str], columns: list[Column]) -> str:
    lines = [["", *(title for title, _, _ in columns)], ["---"] * (len(columns) + 1)]
    for name in names:
        row = [name]
        for _, digits, figure in columns:
            values = _median(rounds, figure, name)
            row.append(" / ".join(f"{value:.{digits}f}" for value in values) if values else "–")  # noqa: RUF001
        lines.append(row)
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _goals(rounds: list[Round]) -> str:
    """Return what we want of the kernels' path, and whether we have it."""

    def busier(one: Round, name: str) -> list[float]:
        return [one["api busy"][name]["latency_ms"][0] / one["api idle"][name]["latency_ms"][0]]

    goals: list[tuple[str, Figure, int, float, int]] = [
        ("added p50 at one client, ms", _added("ns1", "latency_ms"), 0, 0.3, -1),
        ("tokens per CPU second at 256 streams, to nginx", _to_nginx(_per_cpu("st256", "tokens")), 0, 0.6, 1),
        ("KB per stream (PSS)", _kb_per_stream, 1, 8.0, -1),
        (
            "token transit p99 while Jupyter serves a notebook, ms",
            _value("tokens busy", "transit_ms"),
            1,
            10.0,
            -1,
        ),
        ("`/api/kernels` p50 with 256 streams, to idle", busier, 0, 1.5, -1),
    ]
    lines = ["| on the kernels' path | goal | measured | |", "| --- | --- | --- | --- |"]
    for title, figure, part, goal, sign in goals:
        values = _median(rounds, figure, _FAST)
        if values:
            met = "met" if sign * (values[part] - goal) >= 0 else "missed"
            lines.append(
                f"| {title} | {'at least' if sign > 0 else 'at most'} {goal:g} | {values[part]:.2f} | {met} |"
            )
    return "\n".join(lines)


def tables(rounds: list[Round]) -> str:
    """Return all tables in Markdown."""
    known = ("direct", "nginx", _FAST, "ours, Jupyter's port")
    names = [name for name in known if name in rounds[0]["ns1"]]
    parts = [
        (
            "Added latency, milliseconds (p50 / p99); of the direct connection, the latency itself",
            names,
            _LATENCY,
        ),
        ("Requests and memory", names[1:], _REQUESTS),
        ("Streamed tokens", names[1:], _TOKENS),
        ("Delivery of 50 tokens/s a stream (p50 / p99)", names, _DELIVERY),
        ("Jupyter and our streams disturbing each other, milliseconds (p50 / p99)", names[-2:], _ISOLATION),
    ]
    drawn = [f"## {title}\n\n{_table(rounds, rows, columns)}" for title, rows, columns in parts]
    return "\n\n".join([*drawn, f"## Goals\n\n{_goals(rounds)}"])


def document(tables: str, rounds: int, foreign: list[float], *, preferred: bool) -> str:
    """Return the whole page."""
    method = _METHOD.format(
        nice=" at raised priority" if preferred else "",
        rounds=rounds,
        s="s" * (rounds != 1),
        foreign=100 * statistics.median(foreign),
    )
    return _DOCUMENT.format(
        rounds=rounds, date=procs.today(), machine=procs.machine(), tables=tables, method=method
    )
