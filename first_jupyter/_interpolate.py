"""Put values into a prompt: `{name}`, `{In[3]}`, `{Out[3]}`, `{Err[3]}`, and nothing else."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from first_jupyter._describe import describe

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["interpolate", "places"]

# Tried in this order at each place. All but the last are there to be left alone.
TOKENS = re.compile(
    r"""
      (?P<command> \\[A-Za-z]+\*? (?=[\[{]) )                       # LaTeX: \\frac{a}{b}
    | (?P<math>    \$\$.+?\$\$ | \$(?=\S)[^$\n]*?(?<=\S)\$(?!\d) )  # $x_{i}$, by pandoc's rule for the dollar
    | (?P<power>   \^\{[^{}]*\} )                                   # x^{n}
    | (?P<doubled> \{\{.*?\}\} )                                    # {{ templates }}
    | \{ (?P<name> [^\W\d]\w* ) (?: \[ (?P<index> \d+ ) \] )? \}
    """,
    re.VERBOSE | re.DOTALL,
)
INDEXED = ("In", "Out", "Err")


def interpolate(text: str, names: Mapping[str, Any]) -> str:
    r"""Replace braces that hold exactly the name of something that exists; keep all others as typed.

    One pass: what a value brings along is never looked at again. Never raises.

    Parameters
    ----------
    text
        The prompt as typed, with JSON, code and LaTeX as they come.
    names
        What can be named; ``In``, ``Out`` and ``Err`` can be indexed by a cell's number.

    Examples
    --------
    >>> interpolate("{x} {y} {'x': 1} \\frac{x}{2}", {"x": 5})
    "5 {y} {'x': 1} \\frac{x}{2}"
    """
    done, end = [], 0
    for place in places(text):
        done += [text[end : place.start()], _value(place, names)]
        end = place.end()
    return "".join(done) + text[end:]


def places(text: str) -> Iterator[re.Match[str]]:
    """Find the braces that may name something: ``name`` and, with an index, ``index``."""
    end = 0
    while match := TOKENS.search(text, end):
        end = _end_of_groups(text, match.end()) if match["command"] else match.end()
        if match["name"]:
            yield match


def _value(match: re.Match[str], names: Mapping[str, Any]) -> str:
    name, index = match["name"], match["index"]
    if name not in names or (index and name not in INDEXED):
        return match[0]
    if not index:
        return describe(names[name])
    try:
        return describe(names[name][int(index)])
    except Exception:  # noqa: BLE001  what is indexed may be anybody's, and a prompt must not fail for it
        return match[0]


def _end_of_groups(text: str, place: int) -> int:
    """Step over the arguments of a LaTeX command: balanced ``[...]`` and ``{...}`` that follow each other."""
    closing = {"{": "}", "[": "]"}
    while text[place : place + 1] in closing:
        opened, closed = text[place], closing[text[place]]
        depth = 0
        for end in range(place, len(text)):
            depth += (text[end] == opened) - (text[end] == closed)
            if depth == 0:
                place = end + 1
                break
        else:
            return place + 1
    return place
