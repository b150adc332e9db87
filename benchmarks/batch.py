"""Measure batches: ``python benchmarks/batch.py``.

Four questions: how near a batch comes to vLLM's offline engine on the same core; whether two replicas answer
twice as much as one; how many rows a second the books take; and whether memory stays flat from ten thousand
rows to a million. The environment of ``.ci/vllm-env`` has to be there. Leave the machine alone meanwhile.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import procs
from batch_books import ENDPOINT
from batch_report import Books, Found, Through, Tokens, document, table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

HERE = Path(__file__).parent
TESTS = HERE.parent / "tests"
sys.path[:0] = [str(TESTS / "integration"), str(TESTS / "remote")]
DOCUMENT = HERE.parent / "docs" / "benchmarks-batch.md"
TOKENS = 48
"""Tokens of each answer of a real model."""
LONG = 400.0


def last_line(command: list[str], **keys: Any) -> dict[str, float]:
    """Run a program and read what it found, which is its last line in braces; vLLM says more at its end."""
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, **keys)
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    found: dict[str, float] = json.loads(lines[-1])
    return found


def write_input(path: Path, rows: int, model: str, **body: Any) -> None:
    """Write a batch's input of so many short prompts."""
    with path.open("w") as out:
        for number in range(rows):
            asked = [{"role": "user", "content": f"Say something about the number {number}."}]
            line = {"custom_id": f"request-{number}", "method": "POST", "url": ENDPOINT}
            out.write(json.dumps({**line, "body": {"model": model, "messages": asked, **body}}) + "\n")


@contextlib.contextmanager
def jupyter(folder: Path, clusters: dict[str, Any]) -> Iterator[Any]:
    """Run a Jupyter server with these clusters."""
    from jupyter_process import Jupyter  # noqa: PLC0415

    server = Jupyter(folder, federation=json.dumps({"clusters": clusters}))
    try:
        yield server
    finally:
        server.close()


def answered(server: Any, source: Path, look: Callable[[], None] | None = None) -> tuple[float, Any]:
    """Have a batch answered; returns its seconds, from the wish to the last row's end, and the batch."""
    pause = 0.5 if look else 0.05
    with server.openai() as client, source.open("rb") as content:
        file = client.files.create(file=content, purpose="batch")
        begun = time.monotonic()
        batch = client.batches.create(input_file_id=file.id, endpoint=ENDPOINT, completion_window="24h")
        while batch.status not in {"completed", "failed", "expired", "cancelled"}:
            time.sleep(pause)
            if look:
                look()
            batch = client.batches.retrieve(batch.id)
        seconds = time.monotonic() - begun
    if batch.status != "completed" or batch.request_counts.failed:
        raise SystemExit(f"The batch is {batch.status}: {batch.errors}, {batch.request_counts}")
    return seconds, batch


def against_offline(rows: int, rounds: int, found: Found) -> None:
    """Let the offline engine and a batch answer the same rows in turns, each alone on one core."""
    import small_models  # noqa: PLC0415

    model = small_models.vllm()
    if model is None:
        raise SystemExit("Run .ci/vllm-env first.")
    node, beside = procs.cpus()
    parallel = model["parallel"]
    said = {"max_tokens": TOKENS, "temperature": 0, "ignore_eos": True}
    with tempfile.TemporaryDirectory(prefix="first-bench-") as place:
        folder = Path(place)
        # The offline engine's first rows warm it up and do not count.
        write_input(folder / "offline.jsonl", rows + parallel, model["id"], **said)
        write_input(folder / "warm.jsonl", parallel, model["id"], **said)
        lines = (folder / "offline.jsonl").read_text().splitlines(keepends=True)
        (folder / "ours.jsonl").write_text("".join(lines[parallel:]))
        command = [model["python"], str(HERE / "batch_offline.py"), model["weights"]["path"]]
        command += [str(model["context"]), str(parallel)]
        for number in range(rounds):
            with procs.pinned(node), (folder / "offline.jsonl").open() as source:
                alone = last_line(command, stdin=source, stderr=subprocess.DEVNULL)
            found.offline.append(Tokens(**alone))
            with procs.pinned(node), jupyter(folder / f"{number}", {"local": cluster(model)}) as server:
                server.post("models/start", model=model["id"])
                server.until("hot", model["id"], LONG)
                ours = server.processes()
                engine = vllm_of(ours, model["python"])
                for pid in set(ours).difference(engine):
                    procs.move(pid, beside)
                answered(server, folder / "warm.jsonl")
                found.ours.append(measured(server, folder / "ours.jsonl", model["id"], engine))
            print(f"round {number + 1}: offline {found.offline[-1]}, ours {found.ours[-1]}", flush=True)


def vllm_of(processes: dict[int, str], python: str) -> list[int]:
    """Return those of vLLM, and all below them."""
    roots = [pid for pid, words in processes.items() if python in words]
    return sorted({pid for root in roots for pid in procs.tree(root)})


def measured(server: Any, source: Path, model: str, engine: list[int]) -> Tokens:
    """Have a real model answer a batch, and look how many rows it has in hand."""
    in_hand: list[float] = []

    def look() -> None:
        metrics = server.metrics(model)
        in_hand.append(sum(n for name, n in metrics.items() if "num_requests_running" in name))

    before = procs.cpu_seconds(engine)
    seconds, batch = answered(server, source, look)
    used = procs.cpu_seconds(engine) - before
    return Tokens(batch.usage.output_tokens, seconds, used, statistics.mean(filter(None, in_hand)))


def cluster(model: dict[str, Any]) -> dict[str, Any]:
    """Return a local cluster's section."""
    return {"kind": "local", "models": [model]}


def two_against_one(rows: int, found: Found) -> None:
    """Let one stand-in of a replica answer, and then two: each takes so many rows at once."""
    for number in (1, 2):
        with stand_ins(number, slots=8, milliseconds=100.0) as (server, source):
            write_input(source, rows * number, "campus/parrot")
            seconds, _ = answered(server, source)
        found.scaled.append(rows * number / seconds)
        print(f"{number} of them: {found.scaled[-1]:.0f} rows/s", flush=True)


def through_http(sizes: list[int], found: Found) -> None:
    """Send rows all the way to a stand-in that answers at once, and look at our processes' memory."""
    for rows in sizes:
        with stand_ins(1, slots=256, milliseconds=0.0) as (server, source):
            write_input(source, rows, "campus/parrot")
            seconds, _ = answered(server, source)
            memory = {
                name: peak(pid)
                for pid, words in server.processes().items()
                for name in ("batch", "dataplane")
                if f"first_jupyter_server.{name}" in words
            }
        found.through.append(Through(rows, seconds, memory["batch"], memory["dataplane"]))
        print(found.through[-1], flush=True)


@contextlib.contextmanager
def stand_ins(number: int, *, slots: int, milliseconds: float) -> Iterator[tuple[Any, Path]]:
    """Start so many of them, and a server that knows them; yields it, and where an input may lie."""
    from campus import Campus  # noqa: PLC0415
    from jupyter_process import free_port  # noqa: PLC0415

    with tempfile.TemporaryDirectory(prefix="first-bench-") as place, contextlib.ExitStack() as stack:
        campuses = [Campus(free_port(), slots, milliseconds) for _ in range(number)]
        for campus in campuses:
            stack.callback(campus.kill)
        sections = {f"campus{at}": campus.section for at, campus in enumerate(campuses)}
        yield stack.enter_context(jupyter(Path(place) / "jupyter", sections)), Path(place) / "input.jsonl"


def peak(pid: int) -> float:
    """Return the most memory that a process had, in MB."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1e3


def books(sizes: list[int], found: Found) -> None:
    """Have batches answered in no time, each in a process of its own."""
    for rows in sizes:
        took = last_line([sys.executable, str(HERE / "batch_books.py"), str(rows)])
        found.books.append(Books(**took))
        print(found.books[-1], flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--rounds", type=int, default=3, help="turns of the offline engine and ours (%(default)s)"
    )
    parser.add_argument("--rows", type=int, default=256, help="rows of a real model in each (%(default)s)")
    parser.add_argument("--most", type=int, default=1_000_000, help="rows of the largest batch (%(default)s)")
    parser.add_argument("--write", action="store_true", help=f"write {DOCUMENT.name}")
    given = parser.parse_args()
    found = Found()
    procs.prefer()
    books(sorted({10_000, min(100_000, given.most), given.most}), found)
    two_against_one(1_600, found)
    through_http(sorted({10_000, min(100_000, given.most)}), found)
    against_offline(given.rows, given.rounds, found)
    print(table(found))
    if given.write:
        options = f"--rounds {given.rounds} --rows {given.rows} --most {given.most} --write"
        DOCUMENT.write_text(document(found, options))


if __name__ == "__main__":
    main()
