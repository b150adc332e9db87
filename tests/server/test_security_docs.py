"""Each line of docs/security.md names tests that there are."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TABLES = [line for line in (ROOT / "docs" / "security.md").read_text().splitlines() if "::" in line]


def named(line):
    """Return the file and function of each test that a line names; a file stands for those after it."""
    file = ""
    for found, function in re.findall(r"`([\w/]*(?:\.py)?)::(test_\w+)`", line):
        file = found or file
        yield file, function


@pytest.mark.parametrize("line", TABLES, ids=lambda line: line.split("|")[1].strip()[:40])
def test_the_tests_that_a_line_names_are_there(line):
    assert line.count("::") == len(list(named(line)))
    for file, function in named(line):
        assert re.search(rf"def {function}\(", (ROOT / "tests" / file).read_text()), function


def test_no_threat_stands_without_a_test():
    rows = re.findall(
        r"^\| (?!what they|what \|)[a-z].*\|$", (ROOT / "docs" / "security.md").read_text(), re.MULTILINE
    )
    untested = [row for row in rows if "::" not in row and row.count("|") > 3]
    assert untested == []
