"""From a question to what the reader sees and gets."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from first_jupyter._ask import ask
from first_jupyter._errors import FirstError, StatusError
from first_jupyter._formats import check_json, first_code, unfenced
from first_jupyter._images import image_part
from first_jupyter._interpolate import interpolate
from first_jupyter._schema import find_form
from first_jupyter._screen import NoScreen, screen_for
from first_jupyter._session import session

if TYPE_CHECKING:
    from first_jupyter._answer import Answer
    from first_jupyter._config import First
    from first_jupyter._schema import Form

__all__ = ["Question", "Talk"]

UNFIT = "Its text is in first_jupyter.last.text; a longer --max-tokens or a stronger model may help."


@dataclass
class Question:
    """One cell's question and how it wants its answer."""

    text: str
    model: str = ""
    system: str = ""
    temperature: float | None = None
    max_tokens: int | None = None
    kind: str = "markdown"
    schema: str = ""
    into: str = ""
    images: list[str] = field(default_factory=list)
    chat: str | None = "main"
    wishes: dict[str, list[str] | None] = field(default_factory=dict)
    stream: bool = True
    quiet: bool = False
    verbatim: bool = False

    @property
    def headers(self) -> dict[str, str]:
        """Where it may be answered, as the request says it."""
        wishes = self.wishes.items()
        # A wish without a cluster says something too: the data stays at none.
        return {f"x-first-{wish}": ",".join(names) for wish, names in wishes if names is not None}


class Talk:
    """Asks a kernel's questions.

    Parameters
    ----------
    shell
        The IPython shell, with the names that prompts speak of.
    config
        The defaults.
    """

    def __init__(self, shell: Any, config: First) -> None:
        self._shell, self._config = shell, config

    def ask(self, question: Question) -> Any:
        """Ask, show the answer, and store it where it is wanted.

        Returns
        -------
        object
            What ``--schema`` made of the answer; else None, as the answer stands there already.

        Raises
        ------
        FirstError
            With one line that says what happened; all text that came is shown and kept.
        """
        names = self._shell.user_ns
        form = find_form(question.schema, names) if question.schema else None
        content = self._content(question)
        kind = "json" if form else question.kind
        hidden = question.quiet and question.into
        screen = NoScreen() if hidden else screen_for(self._shell, kind)
        body = self._body(question, content, form)

        answer, error = ask(body, screen, self._config.updates_per_second, question.headers)
        session.count(answer)
        result: Any = answer.text
        if error is None:
            try:
                result = answer.value = self._made(answer, form, kind)
            except FirstError as unfit:
                error = unfit
        footer = answer.footer if answer.text and self._config.footer and not question.quiet else ""
        shown = "" if form and error is None else str(result) if kind == "json" and not form else answer.text
        screen.finish(shown, footer, answer.metadata, whole=error is None)
        if error:
            raise self._with_remedy(error, question) from None

        session.remember(question.chat, content, answer)
        if question.into:
            names[question.into] = result
        elif kind == "code":
            self._shell.set_next_input(unfenced(answer.text), replace=False)
        return result if form and not question.into else None

    def _content(self, question: Question) -> Any:
        names = self._shell.user_ns
        text = question.text.strip("\n")
        if not question.verbatim:
            text = interpolate(text, {"Err": session.errors, **names})
        if not question.images:
            return text
        return [{"type": "text", "text": text}, *(image_part(name, names) for name in question.images)]

    def _body(self, question: Question, content: Any, form: Form | None) -> dict[str, Any]:
        system = question.system or self._config.system
        temperature = self._config.temperature if question.temperature is None else question.temperature
        messages = [
            *([{"role": "system", "content": system}] if system else []),
            *session.history(question.chat, self._config.max_history),
            {"role": "user", "content": content},
        ]
        body = {
            "model": question.model or self._config.model or "default",
            "messages": messages,
            "temperature": temperature,
            "max_tokens": question.max_tokens,
            "response_format": form.response_format if form else None,
            "stream": question.stream,
            "stream_options": {"include_usage": True} if question.stream else None,
        }
        if question.kind == "json" and form is None:
            body["response_format"] = {"type": "json_object"}
        return {key: value for key, value in body.items() if value is not None}

    @staticmethod
    def _made(answer: Answer, form: Form | None, kind: str) -> Any:
        if form:
            try:
                return form.parse(answer.text)
            except FirstError as error:
                raise FirstError(f"{error} {UNFIT}") from error
        return check_json(answer.text) if kind == "json" else answer.text

    def _with_remedy(self, error: BaseException, question: Question) -> BaseException:
        talked = session.history(question.chat, self._config.max_history)
        if talked and isinstance(error, StatusError) and "context" in str(error):
            forget = f"%first reset {question.chat}"
            return StatusError(
                error.status,
                f"{str(error).rstrip('.')}. The chat may have grown too long: `{forget}` forgets it.",
            )
        return error


def propose(shell: Any, text: str) -> None:
    """Put the code of an answer, if it has any, into the next cell."""
    if code := first_code(text):
        shell.set_next_input(code, replace=False)
