import html

import pytest

from first_jupyter import FirstError
from first_jupyter._answer import Answer
from first_jupyter._formats import FORMATS, bundle, check_json, fenced, first_code, for_jupyter

CODE = "Here:\n```python\nprint(1)\n```\nDone."


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("done", [True, False])
def test_every_format_has_plain_text_with_the_footer(kind, done):
    assert bundle(kind, "2 + 2", "by m", done=done)["text/plain"] == "2 + 2\n\nby m"


def test_markdown_stays_markdown():
    assert bundle("markdown", "**a**")["text/markdown"] == "**a**"


def test_text_is_plain_and_nothing_else():
    assert bundle("text", "*a*") == {"text/plain": "*a*"}


def test_code_leaves_a_note_and_is_seen_while_it_comes():
    assert bundle("code", CODE)["text/markdown"] == "*The code is in the cell below.*"
    assert bundle("code", CODE, done=False)["text/markdown"] == "```python\nprint(1)\n```"


def test_a_page_runs_in_a_sandbox():
    page = bundle("html", "```html\n<script>alert('x')</script>\n```")["text/html"]
    assert 'sandbox=""' in page
    assert "<script>" not in page
    assert html.escape("alert('x')") in page


@pytest.mark.parametrize("text", ["x^2", "$x^2$", "$$x^2$$", r"\[x^2\]", r"\(x^2\)", "```latex\nx^2\n```"])
def test_mathematics_is_set_as_one_formula(text):
    assert bundle("math", text)["text/markdown"] == "$$\nx^2\n$$"


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        (r"so \(x^2\) is", "so $x^2$ is"),
        (r"\[ x^2 \]", "$$ x^2 $$"),
        (r"`\(x\)`", r"`\(x\)`"),
        ("```tex\n\\(x\\)\n```", "```tex\n\\(x\\)\n```"),
        ("f(x) [1]", "f(x) [1]"),
    ],
)
def test_brackets_of_mathematics_become_dollars_outside_of_code(written, shown):
    assert for_jupyter(written) == shown


def test_the_footer_never_lands_in_an_open_fence():
    assert bundle("markdown", "```python\nprint(", "by m")["text/markdown"] == (
        "```python\nprint(\n```\n\n<small>by m</small>"
    )


def test_a_fence_holds_code_with_fences():
    assert fenced("```\na\n```", "md") == "````md\n```\na\n```\n````"


@pytest.mark.parametrize(("text", "code"), [(CODE, "print(1)"), ("```\na\nb", "a\nb"), ("none", "")])
def test_the_first_fence_is_taken(text, code):
    assert first_code(text) == code


def test_json_is_checked_and_written_prettily():
    assert check_json('```json\n{"a": [1]}\n```') == '{\n  "a": [\n    1\n  ]\n}'
    with pytest.raises(FirstError, match=r"not JSON .*first_jupyter\.last\.text"):
        check_json('{"a": ')


def test_the_footer_says_who_served_and_how_fast():
    answer = Answer(model="org/M-7B", cluster="polaris", usage={"completion_tokens": 1201})
    answer.first_token, answer.seconds, answer.finish = 0.25, 12.25, "length"
    assert answer.footer == (
        "M-7B · polaris · 1,201 tokens · first token in 0.25 s · 100 tokens/s · cut at the token limit"
    )


@pytest.mark.parametrize(
    ("route", "said"),
    [
        ("direct", "m · lab"),
        ("tunnel", "m · lab, through a tunnel"),
        ("rendezvous", "m · lab, through a relay"),
        ("relay", "m · lab, through Globus Compute"),
    ],
)
def test_the_footer_says_by_which_way_an_answer_came(route, said):
    assert Answer(model="m", cluster="lab", route=route).footer == said


def test_the_footer_tells_the_warm_up_apart_from_the_first_token():
    answer = Answer(model="m", cluster="local", first_token=4.5, warm_up=4.1, seconds=5)
    assert answer.footer == "m · local · warmed up in 4.1 s · first token 0.40 s later"
