"""The tables and the document: medians over the rounds."""

from __future__ import annotations

import statistics

import figures
import peers
import picture
import procs
import proxy_goals
from figures import Figure, Results
from targets import FAST, HERE, THROUGH_JUPYTER

_DOCS = HERE.parent / "docs"
_NOTES = HERE / "proxy_notes.md"
_NONE = "–"  # noqa: RUF001

_METHOD = """\
Everything measured (upstream, clients, proxy, Jupyter) shares one CPU{nice}, so that a proxy's CPU time
shows in its latency, and no figure depends on how soon a hypervisor wakes a second CPU. Only where
Jupyter and streams are made to disturb each other, and over the very many requests, do upstream and clients
run on another one. Each round starts every process afresh and takes scenarios and targets in random order;
differences and ratios are taken within a round, and the tables show medians over {rounds} round{s}.

The upstream speaks vLLM's wire format, about 260 bytes a token; each token is an HTTP chunk and a write
of its own and carries the time it was sent. All streams get their tokens in the same tick, as the
sequences of an engine step do. Every stream was checked to its `[DONE]`: all tokens, in order. CPU time
is the kernel's, to the nanosecond, of all processes that the bytes go through; what Jupyter spends beside
them, on the ledger, has its own column. The 100 new streams a second come at random moments (Poisson), 60
tokens each at 50 tokens/s, and count from the moment they were due.

nginx has one worker, `proxy_buffering off` and keep-alive to the upstream. The bare relay is
`benchmarks/relay.py`: a hundred lines of Python on uvloop that read HTTP on both sides, and do nothing
else; hardly a proxy in Python is cheaper. {peers}Ours does all it does for a user: it checks keys, routes,
limits, scans for the usage, keeps its books and logs. Other work took {foreign:.0f} % of the CPU (median over
all turns).
"""

_PEERS = """\
The others are {versions},
each from its own package and started as its documentation does: vllm-router with `--policy round_robin` and a
limit of requests high enough for the streams; LiteLLM's proxy with one worker, a key and no database;
jupyter-server-proxy in a Jupyter server of its own, asked for `text/event-stream` and nothing else, without
which it keeps an answer until its end, as it does for the openai package. LiteLLM gets a tenth of the
streams, which are still more than it can do, and no part in the disturbances.
"""

_DOCUMENT = """\
# Benchmarks

Made by `python benchmarks/proxy.py --peers{flat} --write` on {date}, {rounds} round{s}.
The machine: {machine}.

![What the proxies cost](images/proxies.svg)

{tables}

{notes}

## Method

{method}
"""

Column = tuple[str, int, str, Figure]
"""A title, digits after the point, the scenario, and the cells."""

_LATENCY: list[Column] = [
    ("1 client", 3, "ns1", figures.added("ns1", "latency_ms")),
    ("64 clients", 2, "ns64", figures.added("ns64", "latency_ms")),
    ("first token, 1 client", 3, "ttft1", figures.added("ttft1", "ttft_ms")),
    ("first token, 100 new streams/s", 2, "mix100", figures.added("mix100", "ttft_ms")),
]
_STOCK: list[Column] = [
    ("first token", 2, "stock", figures.added("stock", "ttft_ms")),
    ("whole answer", 2, "stock", figures.added("stock", "latency_ms")),
    ("to direct", 3, "stock", figures.relative(figures.value("stock", "latency_ms"), "direct")),
]
_REQUESTS: list[Column] = [
    ("requests/s per CPU, 64 clients", 0, "ns64", figures.per_cpu("ns64", "requests")),
    ("to nginx", 3, "ns64", figures.relative(figures.per_cpu("ns64", "requests"), "nginx")),
    ("to vllm-router", 3, "ns64", figures.relative(figures.per_cpu("ns64", "requests"), peers.ROUTER)),
    (
        "Jupyter's books, CPU s per 1000 requests",
        3,
        "ns64",
        figures.cpu_per("ns64", "requests", 1e3, "beside", "after"),
    ),
]
_TOKENS: list[Column] = [
    ("CPU s per million tokens, 64 streams", 1, "st64", figures.cpu_per("st64", "tokens", 1e6, "proxy")),
    ("256 streams", 1, "st256", figures.cpu_per("st256", "tokens", 1e6, "proxy")),
    ("tokens per CPU second, 256 streams", 0, "st256", figures.per_cpu("st256", "tokens")),
    ("to nginx", 2, "st256", figures.relative(figures.per_cpu("st256", "tokens"), "nginx")),
    ("to vllm-router", 2, "st256", figures.relative(figures.per_cpu("st256", "tokens"), peers.ROUTER)),
]
_DELIVERY: list[Column] = [
    ("tokens/s, 64 streams", 0, "st64", figures.per_second("st64")),
    ("tokens/s, 256 streams", 0, "st256", figures.per_second("st256")),
    ("transit ms, 64 streams", 1, "st64", figures.value("st64", "transit_ms")),
    ("transit ms, 256 streams", 1, "st256", figures.value("st256", "transit_ms")),
]
_MEMORY: list[Column] = [
    ("KB a stream, 1,000 streams (RSS / PSS)", 1, "memory", figures.kb_per_stream),
    ("growth a million requests, MB", 2, "flat", figures.growth("proxy")),
    ("requests made for that", 0, "flat", lambda one, name: [one["flat"][name]["requests"]]),
    ("Jupyter's own growth, MB", 2, "flat", figures.growth("beside")),
    ("% of the streams written when their clients leave", 0, "leaving", figures.written(0)),
    ("after 1 s", 0, "leaving", figures.written(1)),
    ("after 5 s", 0, "leaving", figures.written(5)),
]
_ISOLATION: list[Column] = [
    ("`/api/status`, idle", 2, "api idle", figures.value("api idle", "latency_ms")),
    ("with 256 streams", 2, "api busy", figures.value("api busy", "latency_ms")),
    ("token transit, 64 streams", 2, "tokens quiet", figures.value("tokens quiet", "transit_ms")),
    ("while Jupyter serves a 2 MB notebook", 2, "tokens busy", figures.value("tokens busy", "transit_ms")),
]


def _cell(results: Results, name: str, column: Column) -> str:
    _, digits, scenario, figure = column
    values = results.median(figure, name)
    failed = any(
        figures.failure(one[scenario][name]) for one in results.rounds if name in one.get(scenario, {})
    )
    text = " / ".join(f"{value:.{digits}f}" for value in values) if values else _NONE
    return text + " (!)" * failed


def _table(results: Results, names: list[str], columns: list[Column]) -> str:
    lines = [["", *(column[0] for column in columns)], ["---"] * (len(columns) + 1)]
    for name in names:
        cells = [_cell(results, name, column) for column in columns]
        if set(cells) != {_NONE}:
            lines.append([name, *cells])
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def tables(results: Results) -> str:
    """Return all tables in Markdown, the goals first."""
    known = ("direct", "bare relay", "nginx", *peers.ALL, FAST, THROUGH_JUPYTER)
    present = {name for one in results.rounds for targets in one.values() for name in targets}
    names = [name for name in known if name in present]
    parts = [
        ("Added latency, milliseconds (p50 / p99); of the direct connection, the latency itself", _LATENCY),
        ("The openai package, 100 tokens at 5 ms: added milliseconds; of the direct connection, all", _STOCK),
        ("Requests", _REQUESTS),
        ("Streamed tokens", _TOKENS),
        ("Delivery of 50 tokens/s a stream (p50 / p99)", _DELIVERY),
        ("Memory, and clients that leave", _MEMORY),
        ("Jupyter and streams disturbing each other, milliseconds (p50 / p99)", _ISOLATION),
    ]
    others = [name for name in ("nginx", *peers.ALL) if name in present]
    drawn = [f"## Goals\n\n{proxy_goals.table(results, others)}"]
    drawn += [f"## {title}\n\n{_table(results, names, columns)}" for title, columns in parts]
    if failures := sorted({text for _, text in results.failures()}):
        drawn.append("## What failed (!)\n\n" + "\n".join(f"- {text}" for text in failures))
    return "\n\n".join(drawn)


def write(results: Results) -> None:
    """Write the whole page and its picture."""
    rounds = sum("ns1" in one for one in results.rounds)
    method = _METHOD.format(
        nice=" at raised priority" if results.preferred else "",
        rounds=rounds,
        s="s" * (rounds != 1),
        peers=_PEERS.format(versions=results.peers) if results.peers else "",
        foreign=100 * statistics.median(results.foreign),
    )
    page = _DOCUMENT.format(
        flat=" --flat" if any("flat" in each for each in results.rounds) else "",
        rounds=rounds,
        s="s" * (rounds != 1),
        date=procs.today(),
        machine=procs.machine(),
        tables=tables(results),
        notes=_NOTES.read_text().strip(),
        method=method.strip(),
    )
    (_DOCS / "benchmarks.md").write_text(page)
    (_DOCS / "images" / "proxies.svg").write_text(picture.draw(results))
