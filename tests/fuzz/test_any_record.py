"""Whatever a cluster says of its replicas, it is a record, or an error says what is wrong with it."""

import contextlib
import dataclasses
import json
import logging

import pytest
from first_jupyter_remote.protocol.parts import Gatherer, Part, PartsError
from first_jupyter_remote.protocol.replica import Load, ModelSpec, QueuedJob, ReplicaRecord, Stage, Weights
from first_jupyter_server.clusters.globus_faults import ComputeFault
from first_jupyter_server.clusters.globus_watch import GlobusWatch
from hypothesis import example, given
from hypothesis import strategies as st

TYPES = (Weights, ModelSpec, Load, ReplicaRecord, QueuedJob, Part)
BUILT = st.one_of(*(st.from_type(each) for each in (Weights, ModelSpec, Load, QueuedJob, Part)))
TEXT = st.text(max_size=8)
RECORDS = st.builds(
    ReplicaRecord,
    replica=st.just("r"),
    model=st.just("m"),
    host=st.just("h"),
    key=st.just("k"),
    stage=st.sampled_from(Stage),
    addresses=st.just(("a", "b")),
    log=st.lists(TEXT).map(tuple),
    entered=st.dictionaries(TEXT, st.floats(allow_nan=False)),
    progress=st.floats(0, 1) | st.none(),
)
NAMES = st.sampled_from(sorted({each.name for kind in TYPES for each in dataclasses.fields(kind)}))
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT | st.sampled_from(Stage).map(str),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES | TEXT, inner, max_size=3),
    max_leaves=6,
)
SAID = st.dictionaries(NAMES, VALUES, max_size=8) | VALUES
PLAIN = {"str": str, "int": int, "float": int | float, "bool": bool}


def same(one, other):
    return json.dumps(one) == json.dumps(other)  # as NaN is not NaN


@given(BUILT | RECORDS)
def test_what_is_written_is_read_again(wire):
    assert same(type(wire).from_json(json.loads(json.dumps(wire.to_json()))).to_json(), wire.to_json())


@pytest.mark.parametrize("kind", TYPES)
@given(said=SAID)
@example(said={"replica": "r", "model": "m", "stage": "ready", "port": "80"})
@example(said={"replica": "r", "model": "m", "stage": "ready", "addresses": "abc"})
@example(said={"replica": ["r"], "model": "m", "stage": "ready"})
@example(said={"replica": "r", "model": "m", "stage": "ready", "load": {"running": "many"}})
@example(said={"id": "m", "backend": "vllm", "env": {"PATH": 1}, "args": "x"})
@example(said={"id": "m", "backend": "vllm", "weights": [1]})
@example(said=[])
def test_whatever_is_said_is_a_record_or_refused(kind, said):
    with contextlib.suppress(ValueError):
        wire = kind.from_json(said)
        for each in dataclasses.fields(wire):
            plain, optional = str(each.type).removesuffix(" | None"), str(each.type).endswith("None")
            value = getattr(wire, each.name)
            assert plain not in PLAIN or isinstance(value, PLAIN[plain]) or (optional and value is None)
        json.dumps(wire.to_json())


@pytest.mark.parametrize(
    "found", [{}, {"records": [{}], "queue": []}, {"records": None}, {"records": [], "queue": [7]}]
)
async def test_a_look_at_a_cluster_that_says_anything_is_a_fault_that_is_told(found):
    class Executor:
        endpoint = "e"

        async def call(self, *_, **__):
            return found

    about = {"needed": bool, "waiting": list, "take": None, "told": print, "log": logging.getLogger("test")}
    with pytest.raises(ComputeFault, match="unreadable"):
        await GlobusWatch(Executor(), "home", "owner", **about)._look(0.0)


@given(
    st.lists(
        SAID | st.fixed_dictionaries({"number": st.integers(0, 2), "data": TEXT, "size": st.integers(0, 3)})
    )
)
@example([{"number": 0, "data": "AAAA"}])
@example([{"number": 0, "data": "é"}])
def test_whatever_comes_in_parts_is_refused_where_it_is_no_answer(said):
    joined = Gatherer()
    with contextlib.suppress(PartsError):
        for each in said:
            joined.take(each)
