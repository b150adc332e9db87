"""``%%first`` asks a model; ``%first`` looks after models, chats and use."""

# IPython leaves its decorators untyped.
# mypy: disable-error-code="no-untyped-call, untyped-decorator"

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

from IPython.core.error import UsageError
from IPython.core.magic import Magics, line_cell_magic, magics_class, no_var_expand
from IPython.core.magic_arguments import argument, magic_arguments

from first_jupyter._commands import Commands
from first_jupyter._errors import FirstError
from first_jupyter._formats import FORMATS
from first_jupyter._map.cell import map_cell
from first_jupyter._talk import Question, Talk

if TYPE_CHECKING:
    from first_jupyter._config import First

__all__ = ["FirstMagics"]


def words(line: str) -> list[str]:
    """Split a magic's line at blanks outside of quotes; unlike IPython, take the quotes off."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars=False)
    lexer.whitespace_split = True
    lexer.commenters = lexer.escape = ""
    return list(lexer)


@magics_class
class FirstMagics(Magics):
    """The magics of one shell.

    Parameters
    ----------
    shell
        The IPython shell.
    config
        The defaults.
    """

    def __init__(self, shell: Any, config: First) -> None:
        super().__init__(shell)
        self._config = config
        self._talk = Talk(shell, config)
        self._commands = Commands(shell, config, self._talk)

    @magic_arguments("%first")
    @argument("model", nargs="?", default="", help="id or alias; model@cluster pins a cluster")
    @argument("-m", "--model", dest="also_model", default="", metavar="MODEL", help="the same, as an option")
    @argument("-s", "--system", default="", help="system prompt")
    @argument("-t", "--temperature", type=float, help="sampling temperature")
    @argument("--max-tokens", type=int, help="length of the answer, at most")
    @argument("-f", "--format", choices=FORMATS, default="markdown", help="what to make of the answer")
    @argument(
        "--schema", default="", metavar="NAME", help="pydantic class or JSON schema the answer must fit"
    )
    @argument("--into", default="", metavar="NAME", help="store the answer in a variable")
    @argument("--map", default="", metavar="NAME", help="ask this of every row of a table, Series or list")
    @argument(
        "--image", action="append", default=[], metavar="NAME", help="variable, path or address; repeatable"
    )
    @argument(
        "--avoid", action="append", metavar="CLUSTER", help="only where no other will do; A,B or repeatable"
    )
    @argument("--prefer", action="append", metavar="CLUSTER", help="where it answers about as soon; likewise")
    @argument("--stay", action="append", metavar="CLUSTER", help="the data goes nowhere else; likewise")
    @argument("--chat", default="main", metavar="NAME", help="conversation to go on with")
    @argument("--no-history", action="store_true", help="send no earlier exchange, and remember none")
    @argument("--no-stream", action="store_true", help="show the answer when it is whole")
    @argument("--verbatim", action="store_true", help="leave all braces as typed")
    @argument("--quiet", action="store_true", help="no footer; with --into, no output at all")
    @argument("-h", "--help", action="store_true", help="show this")
    @no_var_expand
    @line_cell_magic
    def first(self, line: str, cell: str | None = None) -> Any:
        """Ask a model: ``%%first`` above a question; ``%first help`` for the line commands.

        ``{name}``, ``{In[3]}``, ``{Out[3]}`` and ``{Err[3]}`` put values into the question. All other
        braces stay as typed.
        """
        if cell is None:
            return self._commands.run(line)
        try:
            options = FirstMagics.first.parser.parse_args(words(line))
        except (UsageError, ValueError) as error:
            raise FirstError(f"{error}. `%first help` lists the options of %%first.") from None
        if options.help:
            return self._commands.run("help")
        question = Question(
            text=cell,
            model=options.also_model or options.model,
            system=options.system,
            temperature=options.temperature,
            max_tokens=options.max_tokens,
            kind=options.format,
            schema=options.schema,
            into=options.into,
            images=options.image,
            chat=None if options.no_history else options.chat,
            wishes={"avoid": options.avoid, "prefer": options.prefer, "stay": options.stay},
            stream=not options.no_stream,
            quiet=options.quiet,
            verbatim=options.verbatim,
        )
        if options.map:
            return map_cell(self.shell, self._config, question, options.map)
        return self._talk.ask(question)
