"""What a kernel finds in its environment: the address and the key, also under OpenAI's names."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal

from .auth import key as keys

__all__ = ["When", "add_to_sessions", "kernel_env"]

When = Literal["if-unset", "never", "always"]

_LOOPBACK = ("127.0.0.1", "localhost")


def kernel_env(env: Mapping[str, str], *, base_url: str, key: str, openai: When) -> dict[str, str]:
    """Return what is to be added to a kernel's environment.

    Parameters
    ----------
    env
        The environment that the kernel would have.
    base_url, key
        Where the OpenAI surface is and what opens it.
    openai
        When to set OpenAI's own pair. ``if-unset`` means where neither is set: the address alone would
        send a user's real key to us, and the
        key alone would break a client that goes elsewhere.
    """
    added = {"FIRST_BASE_URL": base_url, "FIRST_API_KEY": key}
    taken = "OPENAI_BASE_URL" in env or "OPENAI_API_KEY" in env
    if openai == "always" or (openai == "if-unset" and not taken):
        added |= {"OPENAI_BASE_URL": base_url, "OPENAI_API_KEY": key}
    for name in ("NO_PROXY", "no_proxy"):
        # Login nodes often set a proxy for everything; a request to this machine must not go through it.
        hosts = [host for host in env.get(name, "").split(",") if host.strip()]
        added[name] = ",".join([*hosts, *(host for host in _LOOPBACK if host not in hosts)])
    return added


def add_to_sessions(
    session_manager: Any, *, base_url: str, key: str, openai: When, label: Callable[[str], str]
) -> None:
    """Have every kernel that a session starts from now on find the pair.

    Each gets a label of its own behind the key, which ``label`` makes for a notebook's path.

    The instance's method is wrapped, since its class is a trait that other extensions already replace.
    Kernelspecs are left alone: their
    environment can be read over Jupyter's REST API.
    """
    original = session_manager.get_kernel_env

    def get_kernel_env(path: str | None, name: str | None = None) -> dict[str, str]:
        env: dict[str, str] = original(path, name)
        own = keys.labelled(key, label(path or name or ""))
        return {**env, **kernel_env(env, base_url=base_url, key=own, openai=openai)}

    session_manager.get_kernel_env = get_kernel_env
