"""The federation in Jupyter AI's chat: what the extension itself knows of it, without importing it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from first_jupyter_server.federation.catalog import Catalog

from . import jupyternaut

if TYPE_CHECKING:
    from first_jupyter_server.extension import FirstApp

__all__ = ["PERSONA", "join", "prefer"]

PERSONA = "jupyter-ai-personas::first_jupyter_server::FirstPersona"
"""What Jupyter AI calls ours: the package and the class, which `persona.py` holds."""


def prefer(config: Any) -> None:
    """Have new chats begin with our persona and Jupyternaut with our models, where nobody chose otherwise.

    Parameters
    ----------
    config
        The server's configuration, before its other extensions read it.
    """
    if "default_persona_id" not in config.get("PersonaManager", {}):
        config.PersonaManager.default_persona_id = PERSONA
    if "initial_language_model" not in config.get("JupyternautExtension", {}):
        config.JupyternautExtension.initial_language_model = jupyternaut.DEFAULT


def join(first: FirstApp) -> None:
    """Have Jupyternaut offer the federation's models, where it runs in this server."""
    if not jupyternaut.runs():
        return
    if not jupyternaut.lend(os.environ, first.dataplane.base_url, first.key):
        first.log.info("Jupyternaut does not get the federation's models: %s is set.", jupyternaut.ADDRESS)
        return
    jupyternaut.list_models(Catalog(), first.federation.catalog())
    first.federation.listen(jupyternaut.list_models)
