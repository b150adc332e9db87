"""A notebook says where its requests may go; the data plane is told."""

import pytest
from first_jupyter_server.control.rules import RuleRoutes
from first_jupyter_server.errors import ApiError
from first_jupyter_server.federation.wishes import Wishes
from first_jupyter_server.notebooks import Notebooks


@pytest.fixture
def told():
    return []


@pytest.fixture
def notebooks(told):
    return Notebooks(lambda: ("here", "there"), told.append)


@pytest.fixture
def put(notebooks):
    async def ask(**body):
        return await RuleRoutes(notebooks).routes()["PUT", "rules"](body)

    return ask


@pytest.fixture
def listed(notebooks):
    async def ask():
        return (await RuleRoutes(notebooks).routes()["GET", "rules"]({}))[1]["rules"]

    return ask


async def test_a_rule_is_kept_told_and_shown(notebooks, put, listed, told):
    label = notebooks.label("work/n.ipynb")
    rule = {"avoid": ["here"], "prefer": [], "stay": ["here", "there"]}
    shown = {"notebook": label, "path": "work/n.ipynb", **rule}
    assert await put(notebook=label, avoid=["here"], stay=["there", "here"]) == (200, shown)
    assert told == [{label: rule}]
    assert await listed() == [shown]


async def test_a_rule_without_a_notebook_is_for_requests_without_one(put, told):
    await put(prefer=["there"])
    assert told == [{"": {"avoid": [], "prefer": ["there"], "stay": None}}]


async def test_a_rule_that_says_nothing_is_none(notebooks, put, listed, told):
    label = notebooks.label("n.ipynb")
    await put(notebook=label, avoid=["here"])
    await put(notebook=label)
    assert (told[-1], await listed()) == ({}, [])


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        ({"avoid": ["nowhere"]}, 400, "avoid: there is no cluster named 'nowhere'; there are: here, there"),
        ({"stay": "here"}, 400, "'stay' must be a list of clusters' names"),
        ({"stay": [1]}, 400, "'stay' must be a list"),
        ({"notebook": 1}, 400, "'notebook' must be a string"),
        ({"notebook": "unknown"}, 404, "restart its kernel"),
    ],
)
async def test_a_fault_is_named(put, told, body, status, words):
    with pytest.raises(ApiError, match=words) as refusal:
        await put(**body)
    assert refusal.value.status == status
    assert not told


def test_ended_requests_are_named_after_their_notebook(notebooks):
    label = notebooks.label("n.ipynb")
    named = notebooks.named([{"label": label}, {"label": ""}])
    assert [entry["notebook"] for entry in named] == ["n.ipynb", None]


@pytest.mark.parametrize(
    ("request_wishes", "both"),
    [
        (Wishes(), Wishes(stay=frozenset("ab"), avoid=frozenset("c"), prefer=frozenset("a"))),
        (
            Wishes(stay=frozenset("bc")),
            Wishes(stay=frozenset("b"), avoid=frozenset("c"), prefer=frozenset("a")),
        ),
        (
            Wishes(prefer=frozenset("b"), avoid=frozenset("d"), cluster="a", needs=frozenset({"tools"})),
            Wishes(
                prefer=frozenset("b"),
                avoid=frozenset("cd"),
                stay=frozenset("ab"),
                cluster="a",
                needs=frozenset({"tools"}),
            ),
        ),
    ],
)
def test_a_request_narrows_what_its_notebook_allows_and_never_widens_it(request_wishes, both):
    notebook = Wishes(stay=frozenset("ab"), avoid=frozenset("c"), prefer=frozenset("a"))
    assert request_wishes.within(notebook) == both
