"""Writes a complete Globus Compute endpoint for a site: profile and wishes in, six files out."""

from .command import add_parser

__all__ = ["add_parser"]
