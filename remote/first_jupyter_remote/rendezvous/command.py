"""``first-remote relay``: runs a relay until it is told to end."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import signal
import ssl
import sys
from ipaddress import ip_address
from pathlib import Path

from first_jupyter_remote.protocol.head import LONGEST_HEAD

from .access import Access, read
from .relay import Limits, Relay

__all__ = ["add_parser"]

ROOMS = 64
RATE = 32.0
BACKLOG = 1_024


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the sub-command."""
    parser = commands.add_parser(
        "relay",
        help="have Jupyter servers and nodes meet that can both only dial out",
        description="A relay for tunnels; what passes is encrypted from end to end. See docs/network.md.",
    )
    parser.add_argument("--listen", default="127.0.0.1:8443", metavar="HOST:PORT", help="(%(default)s)")
    parser.add_argument(
        "--keys", type=Path, required=True, metavar="FILE", help="a line NAME KEY for each who may use it"
    )
    parser.add_argument("--cert", type=Path, metavar="FILE", help="the certificate chain (PEM)")
    parser.add_argument(
        "--key", type=Path, metavar="FILE", help="its private key, where it is not in that file"
    )
    parser.add_argument(
        "--rooms", type=int, default=ROOMS, help="replicas at once, for each key (%(default)s)"
    )
    parser.add_argument(
        "--rate", type=float, default=RATE, help="MiB in a second, for each key (%(default)g)"
    )
    parser.set_defaults(run=run)


def run(given: argparse.Namespace) -> int:
    """Run it."""
    try:
        host, port = _address(given.listen)
        if given.cert is None and not _is_this_machine(host):
            raise ValueError(
                "access keys would cross the network unencrypted: give --cert and --key, or listen on "
                "127.0.0.1 behind a server that ends TLS"
            )
        if given.rooms < 1 or not given.rate > 0:
            raise ValueError("--rooms and --rate have to be above 0")
        access = read(given.keys)
        context = None if given.cert is None else _context(given.cert, given.key)
        asyncio.run(_serve(host, port, context, access, Limits(given.rooms, given.rate * 2**20)))
    except (OSError, ValueError) as error:
        tell(f"first-remote relay: {error}")
        return 1
    return 0


async def _serve(
    host: str, port: int, context: ssl.SSLContext | None, access: Access, limits: Limits
) -> None:
    relay = Relay(access, limits, tell)
    server = await asyncio.start_server(
        relay.serve, host, port, ssl=context, limit=LONGEST_HEAD, backlog=BACKLOG
    )
    over = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, over.set)
    at = server.sockets[0].getsockname()
    url = f"{'http' if context is None else 'https'}://{host}:{at[1]}"
    tell(f"the relay listens on {url}, access keys: {len(access)}")
    await over.wait()
    server.close()


def _address(listen: str) -> tuple[str, int]:
    host, _, port = listen.rpartition(":")
    if not host or not port.isdigit():
        raise ValueError(f"--listen {listen}: write it as HOST:PORT")
    return host.strip("[]"), int(port)


def _is_this_machine(host: str) -> bool:
    with contextlib.suppress(ValueError):
        return ip_address(host).is_loopback
    return host == "localhost"


def _context(cert: Path, key: Path | None) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(cert, key)
    return context


def tell(text: str) -> None:
    """Say something for the log."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()
