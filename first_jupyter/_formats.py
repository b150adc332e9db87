"""How an answer looks: for each ``-f`` the MIME bundle while it comes, and when it is there."""

from __future__ import annotations

import html
import json
import re

from first_jupyter._errors import FirstError
from first_jupyter._harmless import harmless

__all__ = ["FORMATS", "bundle", "check_json", "fenced", "first_code"]

FORMATS = ("markdown", "text", "code", "json", "html", "math")
LANGUAGES = {"code": "python", "json": "json", "html": "html", "math": "latex"}

FENCE = re.compile(r"```[^\n]*\n(.*?)(?:\n```|\Z)", re.DOTALL)
MATH = re.compile(r"(```.*?(?:```|\Z)|`[^`\n]*`)|\\\[(.+?)\\\]|\\\((.+?)\\\)", re.DOTALL)


def bundle(kind: str, text: str, footer: str = "", *, done: bool = True) -> dict[str, str]:
    """Make the MIME bundle of an answer.

    Parameters
    ----------
    kind
        One of `FORMATS`.
    text
        The answer, or what there is of it.
    footer
        A line for its foot; empty for none.
    done
        Whether the answer is whole. Before that, all kinds but markdown and text show their source.
    """
    foot = f"\n\n<small>{html.escape(footer)}</small>" if footer else ""
    plain = f"{text}\n\n{footer}".strip() if footer else text
    if kind == "text":
        return {"text/plain": plain}
    if kind == "html" and done and text:
        return {"text/plain": plain, "text/html": _sandboxed(unfenced(text)) + foot.strip()}
    shown = _final(kind, text) if done else _source(kind, text)
    return {"text/plain": plain, "text/markdown": (closed(shown) + foot).lstrip() if foot else shown}


def _final(kind: str, text: str) -> str:
    if not text or kind == "markdown":
        return harmless(for_jupyter(text))
    if kind == "math":
        return harmless(f"$$\n{_bare_math(unfenced(text))}\n$$")
    return "*The code is in the cell below.*" if kind == "code" else fenced(unfenced(text), "json")


def _source(kind: str, text: str) -> str:
    whole = not text or kind == "markdown"
    return harmless(for_jupyter(text)) if whole else fenced(unfenced(text), LANGUAGES[kind])


def check_json(text: str) -> str:
    """Read an answer as JSON and write it prettily, or say what is wrong with it."""
    try:
        return json.dumps(json.loads(unfenced(text)), indent=2, ensure_ascii=False)
    except ValueError as error:
        raise FirstError(
            f"The answer is not JSON ({error}); its text is in first_jupyter.last.text. "
            "A longer --max-tokens or a --schema may help."
        ) from error


def unfenced(text: str) -> str:
    """Take what stands in the first code fence, or the whole text if there is none."""
    return (first_code(text) or text).strip("\n")


def first_code(text: str) -> str:
    """Take what stands in the first code fence, or nothing."""
    found = FENCE.search(text)
    return found[1] if found else ""


def fenced(code: str, language: str = "") -> str:
    """Put code into a fence that nothing in it can close."""
    ticks = "`" * max(3, 1 + max(map(len, re.findall("`+", code)), default=0))
    return f"{ticks}{language}\n{code}\n{ticks}"


def closed(text: str) -> str:
    """Close a code fence that a broken-off answer left open, so that it does not swallow what follows."""
    return text + "\n```" if len(re.findall(r"^\s*```", text, re.MULTILINE)) % 2 else text


def for_jupyter(text: str) -> str:
    r"""Write mathematics with dollars outside of code: Jupyter's Markdown does not know ``\(`` and ``\[``."""

    def dollars(found: re.Match[str]) -> str:
        code, block, inline = found.groups()
        return code or (f"$${block}$$" if block else f"${inline.strip()}$")

    return MATH.sub(dollars, text)


def _bare_math(text: str) -> str:
    for opening, closing in (("$$", "$$"), (r"\[", r"\]"), (r"\(", r"\)"), ("$", "$")):
        inner = text.strip()
        if inner.startswith(opening) and inner.endswith(closing) and len(inner) > len(opening + closing):
            return inner[len(opening) : -len(closing)].strip()
    return text.strip()


def _sandboxed(page: str) -> str:
    # A page that a model wrote runs no script and reaches neither the notebook nor its kernel.
    return (
        f'<iframe sandbox="" title="Page written by a model" srcdoc="{html.escape(page)}" '
        'width="100%" height="400" frameborder="0"></iframe>'
    )
