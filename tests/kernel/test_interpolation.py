import pytest

from first_jupyter._interpolate import interpolate

NAMES = {
    "x": 5,
    "y": "{x}",
    "n": 7,
    "name": "Ada",
    "In": ["", "1 + 1", "x = 5"],
    "Out": {1: 2},
    "Err": {3: "ZeroDivisionError: division by zero"},
    "größe": 3,
}


@pytest.mark.parametrize(
    ("typed", "sent"),
    [
        ("{x}", "5"),
        ("Hello {name}, {x}{n}", "Hello Ada, 57"),
        ("{größe}", "3"),
        ("{In[1]} gave {Out[1]}", "1 + 1 gave 2"),
        ("{Err[3]}", "ZeroDivisionError: division by zero"),
        ("{y}", "{x}"),
    ],
)
def test_names_that_exist_are_replaced_once(typed, sent):
    assert interpolate(typed, NAMES) == sent


@pytest.mark.parametrize(
    "typed",
    [
        "{unknown}",
        "{In[99]} {Out[42]} {Err[1]}",
        "{x[0]} {name[1]}",
        '{"x": 1, "role": "user"}',
        "{'x': {x: 1}}",
        "{x!r} {x:>10} {x.real} {x + 1} { x }",
        "{{x}} {{ name }}",
        "{} { } {0} {",
        "} a lone brace {",
        r"\frac{x}{n} \sqrt{x}",
        r"\frac{\sqrt{x}}{n}",
        r"\begin{x} \textbf{name} \sqrt[n]{x}",
        "$x_{n}$ and $$\\sum_{x}^{n} {x}$$",
        "e^{x}",
        "`echo $HOME` costs $5",
        r"\frac{x",
        "",
    ],
)
def test_all_other_braces_stay_as_typed(typed):
    assert interpolate(typed, NAMES) == typed


def test_prices_are_no_mathematics():
    assert interpolate("from $5 to {x} and $6", NAMES) == "from $5 to 5 and $6"


def test_a_subscript_outside_of_mathematics_is_a_template():
    assert interpolate("run_{n}.csv", NAMES) == "run_7.csv"


def test_a_value_that_cannot_be_shown_raises_nothing():
    class Broken:
        def __repr__(self):
            raise RuntimeError

    assert "Broken" in interpolate("{it}", {"it": Broken()})
