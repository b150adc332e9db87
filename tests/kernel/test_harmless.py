"""What a model or a server writes does nothing in the reader's browser, and looks as it was written."""

import re
from html import unescape

import pytest
from IPython.utils.capture import capture_output

from first_jupyter._formats import FORMATS, bundle
from first_jupyter._harmless import harmless
from first_jupyter._screen import NotebookScreen, TerminalScreen
from first_jupyter._steps import Notice
from first_jupyter._table import say, table

ACTS = "<img src=x onerror=alert(1)>"
OURS = {"<pre>", "</pre>", "<code>", "</code>", "<small>", "</small>", "</b>"}
HOSTILE = [
    ACTS,
    "<script>alert(1)</script>",
    f"`` ` `` {ACTS}",
    f"    ```\n{ACTS}\n    ```",
    f"para\n     ```\n     {ACTS}",
    f"- ```\n  x\n  ```\n  {ACTS}",
    f"````\n```\n````\n{ACTS}",
    f"  ```\nfoo\n  ```\n  {ACTS}",
    f'[a]: b "\n\n```text\nx"\n{ACTS}\n```',
    f"```\n$\n```\n{ACTS} $",
    f"$$ a $$ $\n\n{ACTS}$",
    f"$$\n\n{ACTS}\n$$",
    f"~~~\n```\n~~~\n{ACTS}\n```",
    f"`\\`{ACTS}`",
    f"| a |\n| --- |\n| `{ACTS} |",
    f"<details {ACTS}",
    "<b onclick=alert(1)>b</b>",
    "<https://x\"onmouseover='alert(1)'>",
    "<svg/onload=alert(1)>",
    "<!--><svg onload=alert(1)>-->",
]
SCRIPTS = [
    "[a](javascript:alert(1))",
    "[a](JavaScript:alert(1))",
    r"[a](javascript\:alert(1))",
    "[a](java&#115;cript:alert(1))",
    "[a](javascript&colon;alert(1))",
    "[a](java&Tab;script:alert(1))",
    "[a][b]\n\n[b]: javascript:alert(1)",
    "<javascript:alert(1)>",
    "    ```\n[a](javascript:alert(1))\n    ```",
]


def tags(text):
    return set(re.findall(r"<[A-Za-z/!?][^>]*>?", text))


@pytest.mark.parametrize("text", HOSTILE)
def test_no_html_of_a_models_is_left(text):
    assert tags(harmless(text)) <= OURS


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("done", [True, False])
@pytest.mark.parametrize("kind", ["markdown", "math"])
def test_no_answer_brings_html_into_the_page(kind, text, done):
    shown = bundle(kind, text, f"by {ACTS}", done=done)["text/markdown"]
    outside = re.sub(r"\A(`{3,})latex\n.*?\n\1$", "", shown, flags=re.DOTALL | re.MULTILINE)
    assert tags(outside) <= OURS


@pytest.mark.parametrize("kind", sorted({*FORMATS} - {"markdown", "math", "text"}))
def test_source_stands_in_a_fence_that_it_cannot_leave(kind):
    shown = bundle(kind, f"```\n````\n{ACTS}\n", done=False)["text/markdown"]
    fence = re.match("`+", shown)[0]
    assert shown.endswith(f"\n{fence}")
    assert shown.count(fence) == 2


@pytest.mark.parametrize("text", SCRIPTS)
def test_no_link_of_a_models_runs_a_script(text):
    outside_code = re.sub("<code>.*?</code>", "", harmless(text))
    addresses = [
        re.sub(r"[\t\n]", "", unescape("".join(found)))
        for found in re.findall(r"\]\(([^)\s]*)|\]:\s*(\S*)|<([^>]*)>", outside_code)
    ]
    assert not [address for address in addresses if re.match(r"\W*javascript\\?:", address, re.IGNORECASE)]


@pytest.mark.parametrize("text", ["![a](https://x.example/?q=1)", "![][b]\n\n[b]: https://x.example", "![b]"])
def test_no_picture_is_fetched_from_elsewhere(text):
    assert "![" not in harmless(text)


@pytest.mark.parametrize(
    "text",
    [
        "x < y, a<b 1 and **c** & d",
        "H<sub>2</sub>O<br>H<sup>+</sup>",
        "<https://globus.org/a?b=1>",
        "```python\nif x < y: print('!')\n```",
        "`a[1]` and $x_{i} < 1$ and $$y$$",
        "1. one\n   ```sh\n   ls\n   ```\n2. two",
        "Careful! [a](https://b.example) !",
    ],
)
def test_what_does_nothing_stays_as_it_is(text):
    assert harmless(text) == text.replace("a<b 1", "a&lt;b 1")


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("Use `<div>`.", "Use <div>."),
        ("```html\n<p>\n  a\n</p>\n```\nafter", "<p>\n  a\n</p>\nafter"),
        (
            "1. a\n   ```c\n   #include <stdio.h>\n     x\n   ```\n2. b",
            "1. a\n   #include <stdio.h>\n  x\n2. b",
        ),
    ],
)
def test_code_that_holds_tags_reads_as_it_was_written(text, read):
    assert unescape(re.sub("</?(pre|code)>", "", harmless(text))).replace("\n\n", "\n") == read


def test_less_than_stays_so_in_a_formula():
    assert harmless("$a<b$") == r"$a\lt b$"


def test_tables_and_notices_hold_no_html_of_a_server(ipython):
    with capture_output() as seen:
        say(*table(["model"], [[ACTS]]))
        NotebookScreen("markdown").waiting(Notice(f"waiting for {ACTS}"))
    assert [tags(output.data["text/markdown"]) for output in seen.outputs] == [set(), set()]


@pytest.mark.parametrize(
    "command",
    ["\x1b]52;c;cm0gLXJm\x07", "\x1b]0;title\x07", "\x1b[2J", "\x9b2J", "\r", "\x08", "\x1bc"],
    ids=["clipboard", "title", "clear", "clear-in-one-byte", "return", "backspace", "reset"],
)
def test_no_answer_commands_a_terminal(command, capsys):
    terminal = TerminalScreen()
    for end in (3, 5, None):
        terminal.show(f"a\n\tb{command}c"[:end])
    terminal.finish(f"a\n\tb{command}c", f"by {command}", {})
    say(f"log: {command}")
    shown = capsys.readouterr().out
    assert shown.startswith("a\n\tb")
    assert all(character.isprintable() or character in "\n\t" for character in shown)
