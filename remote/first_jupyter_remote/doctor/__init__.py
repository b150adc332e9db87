"""Looks a cluster over before a model runs there: small checks, what each found and what to do about it."""

from .command import add_parser

__all__ = ["add_parser"]
