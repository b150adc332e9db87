"""The line commands: ``%first models``, ``%first use``, and their like."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any

from first_jupyter import _control as control
from first_jupyter._clusters import clusters
from first_jupyter._connection import connection
from first_jupyter._errors import FirstError
from first_jupyter._fix import wanted_fix
from first_jupyter._log import log_text
from first_jupyter._login import login, login_line, logout
from first_jupyter._route import route, why
from first_jupyter._session import session
from first_jupyter._stage import find_model, nearest_cluster, short_name, stage_line, state_text
from first_jupyter._table import say, table
from first_jupyter._talk import Question, propose
from first_jupyter._warm import Wish, kept_text, wish

if TYPE_CHECKING:
    from collections.abc import Callable

    from first_jupyter._config import First
    from first_jupyter._talk import Talk

__all__ = ["Commands"]


class Commands:
    """The line commands of one shell.

    Parameters
    ----------
    shell
        The IPython shell.
    config
        The defaults of ``%%first``.
    talk
        Asks on behalf of ``%first fix``.
    """

    def __init__(self, shell: Any, config: First, talk: Talk) -> None:
        self._shell, self._config, self._talk = shell, config, talk

    def run(self, line: str) -> None:
        """Run one line: a command and its argument."""
        name, _, argument = line.strip().partition(" ")
        command = TABLE.get(name or "status")
        if command is None:
            near = difflib.get_close_matches(name, TABLE, n=3, cutoff=0.5) or list(TABLE)
            raise FirstError(
                f"%first has no command {name!r}; did you mean {', '.join(near)}? `%first help` tells all."
            )
        command(self, argument.strip())

    def models(self, _: str) -> None:
        """List the models, their clusters and states."""
        catalog = control.models()
        chosen, _cluster = find_model(catalog)
        rows = [
            [
                "✓" if model is chosen else "",
                short_name(model),
                model["id"],
                place["cluster"],
                _state(place),
            ]
            for model in catalog["models"]
            for place in model["clusters"]
        ]
        if not rows:
            say("No cluster of the federation serves a model yet; `%first status` says why.")
            return
        say(*table(["", "name", "id", "cluster", "state"], rows))

    def use(self, argument: str) -> None:
        """MODEL: choose the model for this server; the browser and all kernels share the choice."""
        if not argument:
            raise FirstError("`%first use` needs the name of a model; `%first models` lists them.")
        chosen = control.use(argument)
        self._config.model = ""  # a choice made here and now wins over this kernel's default
        say(f"Current model: {chosen}")

    def status(self, _: str) -> None:
        """Say where this kernel is connected and how its model is."""
        found, catalog = connection(), control.models()
        model, cluster = find_model(catalog, self._config.model)
        place = nearest_cluster(model, cluster) if model else None
        line = (
            stage_line(model, place) if model and place else "no model is chosen; `%first models` lists them"
        )
        problems = (control.status().get("federation") or {}).get("problems") or []
        server = f"server: {found.base_url} (found by {found.source})"
        say("\n".join(filter(None, [line, server, login_line(), *map(str, problems)])))

    def login(self, argument: str) -> None:
        """[again | paste | redirect | TOOL | CODE]: log in with Globus."""
        login(argument)

    def logout(self, _: str) -> None:
        """Log out of Globus; its tokens are revoked."""
        logout()

    def start(self, argument: str) -> None:
        """[MODEL] [--for 2h] [--on CLUSTER]: warm a model up, and keep it so for that long."""
        asked = wish("start", argument)
        started = control.start(asked.model or self._chosen(), cluster=asked.cluster, hold=asked.hold)
        self._said(started, asked)

    def stop(self, argument: str) -> None:
        """[MODEL] [--on CLUSTER]: end a model's replicas and give their nodes back."""
        asked = wish("stop", argument)
        self._said(control.stop(asked.model or self._chosen(), cluster=asked.cluster), asked)

    def log(self, argument: str) -> None:
        """[MODEL] [--on CLUSTER]: show the end of its log: of one that runs, else of the last that failed."""
        asked = wish("log", argument)
        say(log_text(control.log(asked.model or self._chosen(), cluster=asked.cluster)))

    def clusters(self, argument: str) -> None:
        """[add ENDPOINT [NAME]]: list the clusters and what could be added; add an endpoint."""
        clusters(argument)

    def route(self, argument: str) -> None:
        """[avoid=A,B] [prefer=C] [stay=D] | clear: say which clusters this notebook's requests go to."""
        route(argument)

    def why(self, argument: str) -> None:
        """[REQUEST]: say why the last request went where it went."""
        why(argument)

    def chats(self, _: str) -> None:
        """List this kernel's conversations."""
        if not session.chats:
            say("No conversation yet; `%%first` starts one.")
            return
        rows = [[name, len(said), _start(said[-1][0])] for name, said in session.chats.items() if said]
        say(*table(["chat", "exchanges", "last question"], rows))

    def reset(self, argument: str) -> None:
        """[CHAT]: forget a conversation, or all of them."""
        if argument and argument not in session.chats:
            known = ", ".join(session.chats) or "none yet"
            raise FirstError(f"There is no chat {argument!r}; there is: {known}.")
        for name in [argument] if argument else list(session.chats):
            del session.chats[name]
        say(f"Forgot {argument or 'all conversations'}.")

    def fix(self, argument: str) -> None:
        """[MODEL] [--cell N]: explain the last error, or cell N's, and put a corrected cell below."""
        asked = wanted_fix(self._shell, argument)
        self._talk.ask(Question(text=asked.text, model=asked.model, chat=None, verbatim=True))
        if session.last:
            propose(self._shell, session.last.text)

    def usage(self, _: str) -> None:
        """Say what was asked: in this kernel, today, and in the last 30 days."""
        rows = [["this kernel", *_summed(session.served.values())]]
        for span, summary in control.usage().items():
            if isinstance(summary, dict) and "requests" in summary:
                tokens = [summary.get(f"{kind}_tokens", 0) for kind in ("prompt", "completion")]
                rows.append([span.replace("_", " "), *(f"{n:,}" for n in (summary["requests"], *tokens))])
        say(*table(["", "requests", "prompt tokens", "answer tokens"], rows))

    def tell(self, _: str) -> None:
        """Tell all this."""
        lines = [f"%first {name:<8} {command.__doc__}" for name, command in TABLE.items()]
        say("\n".join([*lines, "", (self._shell.find_cell_magic("first").__doc__ or "").strip()]))

    def _chosen(self) -> str:
        return self._config.model or control.current()

    def _said(self, model: dict[str, Any], asked: Wish) -> None:
        place = nearest_cluster(model, asked.cluster)
        if place is None:
            say(f"{short_name(model)}: no cluster serves it")
            return
        kept = kept_text(place) if place["state"] == "hot" else ""
        if asked.span and not kept:
            kept = f"kept for {asked.span} from when it is ready"
        say(", ".join(filter(None, [stage_line(model, place), kept])))


def _state(place: dict[str, Any]) -> str:
    if place["state"] != "hot":
        return state_text(place)
    return ", ".join(filter(None, ["hot", kept_text(place)]))


def _start(question: Any) -> str:
    text = question if isinstance(question, str) else question[0]["text"]
    line = text.strip().splitlines()[0] if text.strip() else ""
    return line if len(line) <= 60 else line[:59] + "…"


def _summed(served: Any) -> list[str]:
    return [f"{sum(column):,}" for column in zip(*served, strict=True)] or ["0", "0", "0"]


TABLE: dict[str, Callable[[Commands, str], None]] = {
    "models": Commands.models,
    "use": Commands.use,
    "status": Commands.status,
    "login": Commands.login,
    "logout": Commands.logout,
    "start": Commands.start,
    "stop": Commands.stop,
    "log": Commands.log,
    "clusters": Commands.clusters,
    "route": Commands.route,
    "why": Commands.why,
    "chats": Commands.chats,
    "reset": Commands.reset,
    "fix": Commands.fix,
    "usage": Commands.usage,
    "help": Commands.tell,
}
