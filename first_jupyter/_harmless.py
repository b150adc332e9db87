r"""Keep what models and servers write from acting in the reader's browser or terminal.

Jupyter trusts what a cell shows, and runs the HTML and the scripts in its Markdown. An answer is no code of
the reader's: somebody who can make a model repeat a page could act as the reader. So of HTML only bare tags
for looks are left, no picture is fetched from elsewhere, and no link runs a script; code reads as written.
"""

from __future__ import annotations

import re

__all__ = ["harmless", "printable"]

TAG = (
    r"<(?=[A-Za-z/!?])"
    r"(?!/?(?:b|br|code|details|em|hr|i|kbd|strong|sub|summary|sup|u)[ ]?/?>)"
    r"(?!https?://[^\s<>\"']+>)"
)
SCRIPT = r"(?i:(?:java|vb)script)(?=[\\\s]*:)"
HTML = re.compile(TAG)
RISK = re.compile(rf"{TAG}|{SCRIPT}|!\[[^\n]*\]\(")
ENTITY = re.compile(r"&(?=#|colon;|Tab;|NewLine;)")
PIECES = re.compile(
    r"""
      ^(?P<indent>[ \t]*) (?P<fence>`{3,}|~{3,}) [^\n`]* \n
        (?P<block>.*?) (?:^[ \t]*(?P=fence)[`~]*[ \t]*$|\Z)
    | (?<!`)(?P<run>`+)(?!`) (?P<span>(?:[^\n]|\n(?!\s*\n))+?) (?<!`)(?P=run)(?!`)
    | (?P<math>\$\$[^$]+\$\$ | \$(?=\S)[^$\n]*(?<=\S)\$)
    """,
    re.VERBOSE | re.DOTALL | re.MULTILINE,
)


CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def printable(text: str) -> str:
    """Leave out what a terminal would take for commands; tabs and line ends stay."""
    return CONTROL.sub("", text)


def harmless(markdown: str) -> str:
    """Return Markdown that looks the same and does nothing.

    Where an opinion on what is code could differ from the browser's, nothing depends on it: what is risky is
    spelled in entities, code or not.

    Examples
    --------
    >>> harmless("a <b>word</b> <img src=x onerror=alert(1)>")
    'a <b>word</b> &lt;img src=x onerror=alert(1)>'
    """
    done, end = [], 0
    for piece in PIECES.finditer(markdown):
        done += [_text(markdown[end : piece.start()]), _piece(piece)]
        end = piece.end()
    return "".join(done) + _text(markdown[end:])


def _piece(piece: re.Match[str]) -> str:
    if not RISK.search(piece[0]):
        return piece[0]
    if piece["math"] is not None:
        return _text(HTML.sub(r"\\lt ", piece[0]))
    if piece["span"] is not None:
        return f"<code>{_spelled(piece['span'])}</code>"
    indent = piece["indent"]
    lines = [line.removeprefix(indent) for line in piece["block"].splitlines()]
    return f"{indent}<pre><code>{_spelled(chr(10).join(lines))}</code></pre>"


def _text(text: str) -> str:
    text = ENTITY.sub("&amp;", text)
    text = HTML.sub("&lt;", text).replace("![", "&#33;[")
    return re.sub(SCRIPT, lambda found: f"{found[0]} ", text)


def _spelled(code: str) -> str:
    """Spell code so that Markdown sees neither its lines nor its marks."""
    return "".join(each if each.isalnum() or each == " " else f"&#{ord(each)};" for each in code)
