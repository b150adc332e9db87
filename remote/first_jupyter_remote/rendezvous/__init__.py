"""The relay at which a Jupyter server and a node agent meet, both of which can only dial out."""

from .command import add_parser

__all__ = ["add_parser"]
