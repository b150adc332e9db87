"""Whatever stands in a cell, putting values into it never fails and touches nothing but names in braces."""

from hypothesis import given
from hypothesis import strategies as st

from first_jupyter._interpolate import interpolate, places

PIECES = st.sampled_from(
    [
        "{",
        "}",
        "{{",
        "}}",
        "{x}",
        "{y}",
        "{In[1]}",
        "{Out[99999999999999999999]}",
        "{Err[0]}",
        "{x[1]}",
        "\\frac",
        "[",
        "]",
        "$",
        "$$",
        "^{x}",
        "{_}",
        "{é}",
        "{ x }",
        "{x!r}",
        "{x.y}",
        "\n",
        " ",
        "\\",
        "\x00",
        "\ud800",
        "{if}",
        '{"a": 1}',
    ]
)
PROMPTS = st.lists(PIECES | st.text(max_size=5), max_size=20).map("".join)


class Unspeakable:
    def __repr__(self):
        raise RuntimeError

    __str__ = __format__ = __repr__


class Tricky(list):
    def __getitem__(self, index):
        raise RuntimeError


@given(PROMPTS)
def test_with_no_names_a_prompt_stays_as_it_is(text):
    assert interpolate(text, {}) == text


@given(PROMPTS)
def test_a_place_that_is_named_is_a_name_in_braces(text):
    for place in places(text):
        assert text[place.start()] == "{"
        assert text[place.end() - 1] == "}"
        assert place["name"].isidentifier()


@given(PROMPTS)
def test_each_name_that_exists_is_replaced_and_nothing_else(text):
    marked = interpolate(text, {"x": "\x01{y}\x01", "In": ["\x01"], "Out": {}, "Err": {}})
    ours = [place for place in places(text) if place["name"] == "x" and not place["index"]]
    assert marked.count("\x01{y}\x01") >= len(ours)
    assert interpolate(text, {"x": "{x}"}) == text


@given(
    PROMPTS,
    st.sampled_from([Unspeakable(), Tricky([1]), 10**5_000, float("nan"), b"\xff", "\ud800", {"a": ...}]),
)
def test_no_value_makes_it_fail(text, value):
    assert isinstance(
        interpolate(text, {"x": value, "y": value, "In": value, "Out": value, "Err": value}), str
    )
