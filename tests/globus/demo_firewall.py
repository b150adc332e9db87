"""Asks the same over each way from a Jupyter server to a node, through a firewall: ``make demo-firewall``.

The firewall is a network namespace that the Jupyter server runs in, with no interface but its own loopback;
what is let through is printed. The cluster is the one of ``demo_slurm``.
"""

from __future__ import annotations

import contextlib
import itertools
import statistics
import tempfile
import time
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from auth import AuthStandIn
from broker import Broker
from cluster import Lab, connect, small_model, small_weights
from compute import ComputeStandIn
from demo_words import Clock, say, title
from endpoint import Agent
from jupyter_process import SMOLLM2
from meeting import Relay
from slurm import Slurm
from wall import Wall

ASKED = [{"role": "user", "content": "Tell a story of a ship."}]
TOKENS = 200
HERE = "--FirstApp.public_url=http://ADDRESS:{port}/"


@dataclass(frozen=True)
class Way:
    """A way, and what the server is told and let do for it."""

    path: str
    words: str
    walled: bool = True
    options: tuple[str, ...] = ()
    out: tuple[tuple[int, str], ...] = ()
    cluster: dict[str, Any] = field(default_factory=dict)


def ways(relay: Relay) -> tuple[Way, ...]:
    """Return all ways, the best first."""
    meeting = tuple(relay.options)
    return (
        Way("direct", "no firewall: the server reaches the node's address", walled=False),
        Way("tunnel", "the server reaches no node; nodes reach the server", options=(HERE,)),
        Way(
            "rendezvous",
            "neither reaches the other; both reach a relay",
            options=meeting,
            out=((relay.port, "the relay"),),
        ),
        Way(
            "relay",
            "neither reaches anything but Globus Compute",
            cluster={"paths": ["direct", "tunnel", "relay"]},
        ),
    )


def ask(lab: Lab) -> tuple[str, list[float], int]:
    """Ask; return the way that the answer took, when each piece came, and how many tokens there were."""
    begun, moments, tokens = time.monotonic(), [], 0
    with lab.openai() as client:
        answer = client.chat.completions.with_raw_response.create(
            model=SMOLLM2,
            messages=ASKED,
            max_tokens=TOKENS,
            temperature=0,
            stream=True,
            stream_options={"include_usage": True},
            extra_body={"ignore_eos": True},
        )
        for chunk in answer.parse():
            if chunk.choices and chunk.choices[0].delta.content:
                moments.append(time.monotonic() - begun)
            tokens = chunk.usage.completion_tokens if chunk.usage else tokens
    return answer.headers["x-first-route"], moments, tokens


def show(lab: Lab) -> None:
    """Ask twice, the first time to have everything warm, and print the second."""
    ask(lab)
    route, moments, tokens = ask(lab)
    gaps = sorted(after - before for before, after in itertools.pairwise(moments))
    rate = (tokens - 1) / (moments[-1] - moments[0])
    say(f"  taken:        {route}")
    say(f"  first token:  {moments[0]:.3f} s")
    say(f"  tokens/s:     {rate:.0f}")
    say(
        f"  gaps:         median {statistics.median(gaps) * 1000:.0f} ms, longest {gaps[-1] * 1000:.0f} ms "
        f"between {len(moments)} pieces"
    )


def main() -> None:
    """Run the demonstration."""
    clock = Clock()
    with tempfile.TemporaryDirectory(prefix="first-demo-") as place, contextlib.ExitStack() as stack:
        folder, client = Path(place), str(uuid.uuid4())
        for name in ("broker", "slurm", "endpoint"):
            (folder / name).mkdir()
        title("A cluster")
        model = small_model(small_weights())
        broker = stack.enter_context(Broker(folder / "broker"))
        compute = stack.enter_context(ComputeStandIn(AuthStandIn(), broker.url))
        slurm = stack.enter_context(Slurm(folder / "slurm"))
        agent = stack.enter_context(
            Agent(compute, folder / "endpoint", client, {"SLURM_CONF": str(slurm.config)})
        )
        relay = Relay(folder)
        relay.start()
        stack.callback(relay.end)
        clock.done(
            "RabbitMQ, Slurm, the Globus Compute agent, stand-ins for the hosted services, and a relay"
        )
        for way in ways(relay):
            title(f"{way.path}: {way.words}")
            with contextlib.ExitStack() as inside:
                wall = inside.enter_context(Wall()) if way.walled else None
                for port, what in way.out if wall is not None else ():
                    wall.lets_out(port, what)
                address = wall.address if wall is not None else "127.0.0.1"
                options = [option.replace("ADDRESS", address) for option in way.options]
                lab = connect(
                    agent, client, folder / way.path, model, options=options, wall=wall, **way.cluster
                )
                inside.callback(lab.close)
                for rule in wall.rules if wall else ["anything to anywhere"]:
                    say(f"  let through:  {rule}")
                lab.have_hot()
                clock.done("hot")
                show(lab)
                lab.have_cold()


if __name__ == "__main__":
    main()
