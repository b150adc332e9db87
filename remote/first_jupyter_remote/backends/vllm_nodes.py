"""One vLLM on several nodes, by its own means and without Ray.

Each node runs the same command with its rank: the first one answers requests, the others hold workers alone
(``--headless``). They meet at the first one's address, and talk without a password: vLLM counts on a closed
network between a job's nodes. See https://docs.vllm.ai/en/stable/serving/parallelism_scaling.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from first_jupyter_remote.addresses import EVERYWHERE
from first_jupyter_remote.probe import free_port

from .base import Follower, Launch
from .vllm_sizes import named

if TYPE_CHECKING:
    from collections.abc import Sequence

    from first_jupyter_remote.nodes import Peer, Place

__all__ = ["join", "peers"]


def peers(args: Sequence[str], place: Place) -> tuple[Peer, ...]:
    """Return the nodes to take besides this one; none where the arguments name vLLM's ``--nnodes``."""
    return () if named(args, "--nnodes", "-n") else place.peers


def join(command: list[str], env: dict[str, str], place: Place, args: Sequence[str]) -> Launch:
    """Return the command for all nodes of the place.

    Parameters
    ----------
    command
        What all nodes run.
    env
        What to add to their environment.
    place
        The nodes.
    args
        The arguments that were asked for, which have the last word on the other nodes.
    """
    meet = ["--nnodes", str(1 + len(place.peers)), "--distributed-executor-backend", "mp"]
    meet += ["--master-addr", place.host, "--master-port", str(free_port(EVERYWHERE))]
    return Launch(
        [*command, *meet, "--node-rank", "0"],
        env | _known_as(place.address),
        tuple(
            Follower(
                peer.host,
                peer.launcher,
                place.host,
                [*command, *meet, "--node-rank", str(rank), "--headless", *args],
                env | _known_as(peer.address),
            )
            for rank, peer in enumerate(place.peers, 1)
        ),
    )


def _known_as(address: str | None) -> dict[str, str]:
    """Tell vLLM a node's address among the others, which it would guess by its way to the internet."""
    return {"VLLM_HOST_IP": address} if address else {}
