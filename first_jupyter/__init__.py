"""Large language models on your lab's own supercomputers, from a notebook.

Everything is imported when it is first used: importing this costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from first_jupyter._answer import Answer
    from first_jupyter._connection import Connection, connection
    from first_jupyter._control import current, events, models, start, status, stop, usage, use
    from first_jupyter._errors import FirstError, NotConnectedError
    from first_jupyter._map.answers import Answers
    from first_jupyter._map.call import amap, map  # noqa: A004, F401
    from first_jupyter._openai import AsyncOpenAI, OpenAI
    from first_jupyter._widgets.picker import ModelPicker
    from first_jupyter._widgets.progress import progress
    from first_jupyter._widgets.usage import Usage
    from first_jupyter._widgets.warm_nodes import WarmNodes

__all__ = [
    "Answer",
    "Answers",
    "AsyncOpenAI",
    "Connection",
    "FirstError",
    "ModelPicker",
    "NotConnectedError",
    "OpenAI",
    "Usage",
    "WarmNodes",
    "amap",
    "connection",
    "current",
    "events",
    "models",
    "progress",
    "start",
    "status",
    "stop",
    "usage",
    "use",
]

HOMES = {
    "_answer": ("Answer",),
    "_connection": ("Connection", "connection"),
    "_control": ("current", "events", "models", "start", "status", "stop", "usage", "use"),
    "_errors": ("FirstError", "NotConnectedError"),
    "_map.answers": ("Answers",),
    "_map.call": ("amap", "map"),
    "_openai": ("AsyncOpenAI", "OpenAI"),
    "_widgets.picker": ("ModelPicker",),
    "_widgets.progress": ("progress",),
    "_widgets.usage": ("Usage",),
    "_widgets.warm_nodes": ("WarmNodes",),
}


def __getattr__(name: str) -> Any:
    for home, names in HOMES.items():
        if name in names:
            return getattr(import_module(f"{__name__}.{home}"), name)
    if name == "last":
        return import_module(f"{__name__}._session").session.last
    if name == "__version__":
        return import_module("importlib.metadata").version("first-jupyter")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    # "map" is not in __all__: a star would put it in the place of Python's own.
    return sorted([*__all__, "map", "last", "__version__"])


def load_ipython_extension(shell: Any) -> None:
    """Put ``%first`` and ``%%first`` into an IPython shell: ``%load_ext first_jupyter``."""
    import_module(f"{__name__}._extension").load(shell)


def unload_ipython_extension(shell: Any) -> None:
    """Take them out again."""
    import_module(f"{__name__}._extension").unload(shell)


def _jupyter_labextension_paths() -> list[dict[str, str]]:
    return [{"src": "labextension", "dest": "first-jupyter"}]
