"""The command ``first-remote``: what the cluster's side offers, and ``register``, which talks to Globus."""

from __future__ import annotations

from first_jupyter_remote import cli

from .clusters import globus_register

__all__ = ["main"]


def main() -> int:
    """Run the command line."""
    return cli.main(more=[globus_register.add_parser])
