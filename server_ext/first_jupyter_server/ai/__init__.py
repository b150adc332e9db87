"""The federation in Jupyter AI's chat: what the extension itself knows of it, without importing it."""

from __future__ import annotations

from typing import Any

__all__ = ["PERSONA", "prefer"]

PERSONA = "jupyter-ai-personas::first_jupyter_server::FirstPersona"
"""What Jupyter AI calls ours: the package and the class, which `persona.py` holds."""


def prefer(config: Any) -> None:
    """Have a new chat begin with our persona, where nobody has chosen another one.

    Parameters
    ----------
    config
        The server's configuration, before its other extensions read it.
    """
    if "default_persona_id" not in config.get("PersonaManager", {}):
        config.PersonaManager.default_persona_id = PERSONA
