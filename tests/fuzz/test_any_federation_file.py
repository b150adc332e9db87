"""Whatever a federation file says, it is a federation, or each fault is a line that names the file."""

import pytest
import yaml
from first_jupyter_server import config
from hypothesis import example, given
from hypothesis import strategies as st


def _is_key(value):
    return isinstance(value, str | int | None)


KEYS = st.sampled_from(
    [
        "clusters",
        "globus",
        "allow",
        "kind",
        "models",
        "endpoint",
        "url",
        "key_env",
        "weights",
        "context",
        "paths",
        "local",
        "globus-compute",
        "openai",
        "first-gateway",
        "id",
        "backend",
        "scaling",
        "insecure",
        "<<",
        "a b",
    ]
)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | KEYS
    | st.dates()
    | st.binary(max_size=4)
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(KEYS | SCALARS.filter(_is_key), inner, max_size=4)
    ),
    max_leaves=12,
)


CLUSTERS = st.fixed_dictionaries(
    {"clusters": st.dictionaries(st.from_regex(r"[a-z]{1,5}", fullmatch=True), VALUES, max_size=3)}
)
MARKS = st.text(alphabet="clustersk:ind -[]{}#&*!|>'\"%@`,?\n\t\\0123456789.e~<=é\x00\u2028", max_size=80)


def read(text):
    try:
        config.parse(text, "the-file.yaml")
    except config.Problem as problem:
        told = str(problem).splitlines()
    else:
        return
    assert told
    assert all(line.startswith("the-file.yaml: ") for line in told), told


@given(MARKS | st.text())
@example("clusters: {a: {kind: [1]}}")
@example("clusters: {a: {kind: {b: 1}}}")
@example("when: 2026-99-99")
@example("a: !!int x")
@example("a: !!timestamp x")
@example("a: !!float x")
@example("a: &a [*a]")
@example("clusters: &a {b: *a}")
@example("[" * 2_000)
@example("a: 0b")
@example("clusters: {a: {kind: local, models: [{id: a, context: 1e999}]}}")
@example("? [a]\n: b")
@example("=: =")
def test_any_text_is_a_federation_or_says_what_is_wrong(text):
    read(text)


@given(CLUSTERS | VALUES)
def test_any_values_are_a_federation_or_say_what_is_wrong(value):
    read(yaml.safe_dump(value))


@pytest.mark.parametrize("data", [b"\xff\xfe", b"clusters: \x80", b"\x00"])
def test_any_bytes_are_a_federation_or_say_what_is_wrong(tmp_path, data):
    file = tmp_path / "federation.yaml"
    file.write_bytes(data)
    with pytest.raises(config.Problem, match=r"federation\.yaml: it"):
        config.load(file)
