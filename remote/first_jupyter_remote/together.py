"""Several node agents in one task: models that share a node's GPUs, divided among them or in turn."""

from __future__ import annotations

import concurrent.futures
import dataclasses
from typing import TYPE_CHECKING

from . import devices
from .nodes import LIMIT

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .agent import Agent
    from .protocol import ModelSpec, ReplicaRecord
    from .stopping import Stop

__all__ = ["divided", "run_together", "take_turns"]

LOOK_EVERY = 0.5


def take_turns(specs: Sequence[ModelSpec]) -> bool:
    """Say whether the models have the GPUs one after the other, since each of them can sleep."""
    return all(spec.sleep_after is not None for spec in specs)


def divided(specs: Sequence[ModelSpec], env: Mapping[str, str]) -> list[ModelSpec]:
    """Return the models with their shares of this node's GPUs, each in its own server's environment.

    Models that take turns may have all of them each.

    Parameters
    ----------
    specs
        The models; ``gpus`` says how many each takes, and where it is None it gets an equal part of the rest.
    env
        The environment that tells which GPUs there are.

    Raises
    ------
    ValueError
        If there are fewer than the models need.
    """
    given = devices.allocated(env)
    if take_turns(specs):
        shares = [devices.shares(given, [spec.gpus])[0] for spec in specs]
    else:
        shares = devices.shares(given, [spec.gpus for spec in specs])
    found = []
    for spec, share in zip(specs, shares, strict=True):
        gpus = devices.only(env, share) if given else {}
        found.append(dataclasses.replace(spec, env={LIMIT: "1", **spec.env, **gpus}))
    return found


def run_together(agents: Sequence[Agent], wish: Stop) -> list[ReplicaRecord]:
    """Run the agents until all have ended; return their last records, in their order.

    One that fails leaves the others alone. The wish to end is passed on to all.
    """
    with concurrent.futures.ThreadPoolExecutor(len(agents) or 1, thread_name_prefix="first-agent") as pool:
        running = [pool.submit(agent.run) for agent in agents]
        for each in running:
            each.add_done_callback(lambda _: wish.ring())
        while not all(each.done() for each in running):
            wish.wait(LOOK_EVERY)
            if wish.reason is not None:
                for agent in agents:
                    agent.stop.ask(wish.reason, hurry=wish.hurry, again=wish.again)
    return [each.result() for each in running]
