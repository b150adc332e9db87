"""What a reader can set: ``%config First``."""

from __future__ import annotations

from traitlets import Bool, Float, Int, Unicode
from traitlets.config import Configurable

__all__ = ["First"]


class First(Configurable):
    """Defaults of ``%%first``; each option of the magic overrides its own."""

    model = Unicode("", help="Model of this kernel; empty means the current choice.").tag(config=True)
    system = Unicode("", help="System prompt; empty for none.").tag(config=True)
    temperature = Float(
        None, allow_none=True, help="Sampling temperature; None leaves it to the server."
    ).tag(config=True)
    footer = Bool(True, help="Say under each answer who served it, and how fast.").tag(config=True)
    max_history = Int(8, min=0, help="Exchanges of a chat that are sent along.").tag(config=True)
    updates_per_second = Float(6.0, min=0.5, help="Updates of a streaming answer, at most.").tag(config=True)
    openai_env = Bool(True, help="Let a plain openai.OpenAI() find the server too.").tag(config=True)
