"""FIRST among Jupyter AI's personas: the federation's models answer in its chat. Jupyter AI loads this."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from jupyter_ai_persona_manager import BasePersona, ModelConfiguration, ModelOption, PersonaDefaults, Usage
from jupyter_server.serverapp import ServerApp
from jupyterlab_chat.models import Message, NewMessage

from first_jupyter_server.auth import key as keys
from first_jupyter_server.errors import ApiError
from first_jupyter_server.federation.catalog import Catalog

from . import words
from .conversation import SYSTEM, Turn, conversation

if TYPE_CHECKING:
    from first_jupyter_server.extension import FirstApp

    from .client import Client

__all__ = ["FirstPersona"]

NOT_RUNNING = (
    "first-jupyter is installed, but does not run in this Jupyter server. Run `jupyter server extension "
    "enable first_jupyter_server` in its environment and restart the server; if it is enabled, the server's "
    "log says why it did not start."
)
BROKEN = (
    "The answer could not be had ({}). Send the message again; if that fails too, the Jupyter server's log "
    "says why."
)
SILENT = "The model ended its answer before its first word. Send the message again, or choose another model."


class FirstPersona(BasePersona):  # type: ignore[misc]  # Jupyter AI is not there where types are checked
    """Answers with whichever model of the federation is chosen; the key never leaves this process."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._first = _running()
        self._client: Client | None = None
        self._answer: asyncio.Task[None] | None = None
        self._awaited: str | None = None
        self._notices: set[str] = set()
        self._unlisten: Callable[[], None] = lambda: None
        if self._first is None:
            return
        federation = self._first.federation
        self._show_models(federation.catalog())
        if self._is_open:
            self._unlisten = federation.listen(self._catalog_changed)

    @property
    def defaults(self) -> PersonaDefaults:
        """Who this is."""
        return PersonaDefaults(
            name="FIRST",
            description="The models of your federation, on your lab's own machines.",
            avatar_path=str(Path(__file__).with_name("first.svg")),
            system_prompt=SYSTEM,
        )

    @property
    def _is_open(self) -> bool:
        """Whether people are in this chat; that of a lone REST request has no file and is never shut down."""
        return self.parent.event_logger is not None

    async def prepare(self) -> None:
        """Make the client; its requests carry the chat's name, as those of a notebook do."""
        if (first := self._first) is not None:
            label = first.notebooks.label(self.chat.get_path()) if self._is_open else ""
            key = keys.labelled(first.key, label)
            self._client = await asyncio.to_thread(_client, first.dataplane.base_url, key)

    async def process_message(self, message: Message) -> None:
        """Answer a message, so that the answer alone is broken off when somebody presses stop."""
        if self._first is None or self._client is None:
            self._notice(NOT_RUNNING)
            return
        self._answer = asyncio.create_task(self._reply(self._first, self._client, message))
        try:
            await asyncio.wait([self._answer])
        finally:
            self._answer.cancel()
        if not self._answer.cancelled():
            self._answer.result()

    async def cancel_response(self) -> None:
        """Break the answer off; what has come of it stays, and the model is free at once."""
        if self._answer is not None:
            self._answer.cancel()

    async def handle_uncaught_exception(self, exc: Exception) -> None:
        """Say what went wrong in words; the log has the traceback already."""
        self._notice(BROKEN.format(type(exc).__name__))

    async def shutdown(self) -> None:
        """Leave the chat."""
        self._unlisten()
        await super().shutdown()
        if self._client is not None:
            await self._client.close()

    async def _reply(self, first: FirstApp, client: Client, message: Message) -> None:
        name = self.get_model() or words.CURRENT
        context = words.context(first.federation.catalog(), name)
        tokens = client.answer(
            name, conversation(self._turns(message), context), lambda usage: self._show_usage(usage, context)
        )
        refusal = ""

        async def watched() -> AsyncIterator[str]:
            nonlocal refusal
            try:
                async with aclosing(tokens):
                    self._show_wait()
                    async for token in tokens:
                        if self._awaited is not None:
                            self._awaited = None
                            self.set_status()
                        yield token
            except ApiError as error:
                refusal = words.refused(error.message)

        self._awaited = name
        try:
            await self.stream_message(watched())
            silent = self._awaited is not None
        finally:
            self._awaited = None
        if refusal or silent:
            self._notice(refusal or SILENT)

    def _turns(self, message: Message) -> list[Turn]:
        """Return what was said before a message, and the message with what is attached to it."""
        people = self.chat.get_users()
        turns, is_later = [], False
        for said in self.chat.get_messages():
            is_later = is_later or said.id == message.id
            ours = said.sender == self.id
            # What people wrote later has its own turn; an answer of ours can stand behind it all the same.
            hidden = is_later and not ours
            hidden = hidden or said.deleted or said.id in self._notices or said.sender.startswith("hidden::")
            if said.body and not hidden:
                turns.append(Turn(said.body, "" if ours else _name(people, said.sender)))
        attached = self.process_attachments(message)
        text = f"{attached}\n\n{message.body}" if attached else message.body
        return [*turns, Turn(text, _name(people, message.sender))]

    # what the chat shows besides

    def _catalog_changed(self, _: Catalog, new: Catalog) -> None:
        self._show_models(new)
        self._show_wait()

    def _show_models(self, catalog: Catalog) -> None:
        """Fill the model picker, where it would look different."""
        options = [ModelOption(**choice._asdict()) for choice in words.choices(catalog)]
        shown = ModelConfiguration(current=self.get_model() or words.CURRENT, options=options)
        if shown != self.get_model_configuration():
            self.report_model_configuration(shown)

    def _show_wait(self) -> None:
        """Say beside the persona's name what a question waits for."""
        if self._first is None or self._awaited is None:
            return
        if line := words.waiting(self._first.federation.catalog(), self._awaited):
            self.set_status(line)
        else:
            self.set_status()

    def _show_usage(self, usage: Any, context: int | None) -> None:
        total = usage.total_tokens
        spent = Usage(
            input_tokens=usage.prompt_tokens, output_tokens=usage.completion_tokens, total_tokens=total
        )
        self.report_usage(spent, append=True)
        self.report_usage(Usage(context_tokens=total, context_size=context))

    def _notice(self, body: str) -> None:
        """Say something that no model is told later."""
        self._notices.add(self.chat.add_message(NewMessage(body=body, sender=self.id)))


def _running() -> FirstApp | None:
    """Return our extension of this server; None where it does not run."""
    apps = ServerApp.instance().extension_manager.extension_apps.get("first_jupyter_server", ())
    first = cast("FirstApp | None", next(iter(apps), None))
    return first if hasattr(first, "notebooks") else None


def _name(people: dict[str, Any], sender: str) -> str:
    person = people.get(sender)
    return str((person and (person.display_name or person.name)) or sender)


def _client(base_url: str, key: str) -> Client:
    from .client import Client  # noqa: PLC0415  # slow to import, and a thread's business

    return Client(base_url, key)
