"""An answer whose replica is lost in the middle goes on elsewhere, and its client does not notice."""

import asyncio
import json

import pytest
from first_jupyter_server.dataplane import delivery, exchange, going_on
from first_jupyter_server.federation.catalog import State

from .authors import BREAKS, TEXT, WORDS, Author, ends, hangs_up, hangs_up_within_an_event
from .conftest import CHAT, begin_events, event, json_answer, until
from .recordings import seen

STREAM = {**CHAT, "stream": True}
PROMPT = {"model": CHAT["model"], "prompt": "Why? ", "stream": True}


@pytest.fixture
def federation(plane, replica_server):
    """Has an author write at two replicas, each on its own cluster."""

    async def start(author, **fields):
        replicas = [await replica_server(author) for _ in range(2)]
        plane.places(
            **{name: {"replicas": [replica], **fields} for name, replica in zip("ab", replicas, strict=True)}
        )
        return author

    return start


async def answer_of(client, body=STREAM, **headers):
    route = "/v1/completions" if "prompt" in body else "/v1/chat/completions"
    async with client.stream("POST", route, json=body, headers=headers) as stream:
        return seen(await stream.aread())


async def error_of(client, body=STREAM, **headers):
    answer = await answer_of(client, body, **headers)
    (error,) = answer.errors
    assert (error["code"], answer.done) == ("answer_cut_short", False)
    return error["message"]


def is_whole(answer, text=TEXT):
    assert (answer.text, answer.finishes, answer.done, answer.errors) == (text, ["stop"], True, [])
    assert len(answer.ids) == len(answer.created) == 1
    return True


@pytest.mark.parametrize("body", [STREAM, PROMPT])
@pytest.mark.parametrize("breaks", BREAKS)
@pytest.mark.parametrize("words", [1, 4, len(WORDS)])
async def test_it_goes_on_however_it_broke_and_wherever(client, federation, breaks, words, body):
    author = await federation(Author((words, breaks)))
    answer = await answer_of(client, body)
    assert is_whole(answer)
    assert answer.roles == ("messages" in body)
    assert len(author.asked) == 2


async def test_the_seam_says_where_and_who(plane, client, federation):
    await federation(Author((4, hangs_up)))
    seams = (await answer_of(client)).seams
    first, second = sorted(place.replicas[0].id for place in plane.plane.catalog.models[0].places)
    assert [[seam] for (seam,) in seams] == seams
    assert {seam["at"] for (seam,) in seams} == {len("The sky is blue")}
    assert sorted((seams[0][0]["from"], seams[0][0]["to"])) == [first, second]


async def test_every_replica_knows_it_by_the_same_id(plane, client, replica_server):
    author = Author((4, hangs_up))
    replicas = [await replica_server(author) for _ in range(2)]
    plane.places(a=replicas[:1], b=replicas[1:])
    assert is_whole(await answer_of(client, **{"x-request-id": "mine"}))
    assert [each.headers["x-request-id"] for replica in replicas for each in replica.asked] == ["mine"] * 2


async def test_usage_adds_up(client, federation):
    await federation(Author((4, hangs_up)))
    usage = {"prompt_tokens": 10, "completion_tokens": len(WORDS), "total_tokens": 10 + len(WORDS)}
    assert (await answer_of(client)).usage == usage


async def test_the_ledger_names_the_last_replica_and_all_tokens(plane, client, federation):
    await federation(Author((4, hangs_up)))
    seams = (await answer_of(client)).seams
    outcome = (await plane.until("done"))["outcomes"][0]
    assert (outcome["outcome"], outcome["replica"]) == ("ok", seams[0][0]["to"])
    assert (outcome["prompt_tokens"], outcome["completion_tokens"]) == (10, len(WORDS))


async def test_the_lost_replica_is_told_of(plane, client, federation):
    await federation(Author((4, hangs_up)))
    seams = (await answer_of(client)).seams
    told = plane.messages("unreachable")
    assert [(message["replica"], message["reason"]) for message in told] == [
        (seams[0][0]["from"], "it went away")
    ]


async def test_an_answer_may_lose_several_replicas(client, federation, monkeypatch):
    monkeypatch.setattr(exchange, "RECONSIDER", 0.05)
    await federation(Author((2, hangs_up), (5, ends), (8, hangs_up_within_an_event)))
    answer = await answer_of(client)
    assert is_whole(answer)
    assert [seam["at"] for seam in answer.seams[-1]] == [len("".join(WORDS[:n])) for n in (2, 5, 8)]
    assert answer.usage["completion_tokens"] == len(WORDS)


async def test_a_request_that_breaks_one_replica_after_the_other_is_given_up(client, federation, monkeypatch):
    monkeypatch.setattr(exchange, "RECONSIDER", 0.05)
    author = await federation(Author(*[(n, hangs_up) for n in (2, 4, 6, 8, 10)]))
    assert "4 servers were lost while they wrote it" in await error_of(client)
    assert len(author.asked) == going_on.MAX_SEAMS + 1


async def test_what_was_lost_before_its_first_word_is_no_seam(client, federation):
    await federation(Author((0, hangs_up)))
    answer = await answer_of(client)
    assert is_whole(answer)
    assert answer.seams == [] or answer.seams[0][0]["at"] == 0


async def test_it_waits_for_a_replica_with_comments(plane, client, replica_server, monkeypatch):
    monkeypatch.setattr(exchange, "KEEP_ALIVE", 0.1)
    monkeypatch.setattr(exchange, "RECONSIDER", 0.05)
    author = Author((4, hangs_up))
    plane.catalog(await replica_server(author))
    async with client.stream("POST", "/v1/chat/completions", json=STREAM) as stream:
        raw = stream.aiter_bytes()
        got = await anext(raw)
        await until(lambda: plane.messages("unreachable"))
        plane.catalog(state=State.STARTING)
        while b"\n: " not in got:
            got += await anext(raw)
        plane.catalog(await replica_server(author))
        got += b"".join([piece async for piece in raw])
    assert is_whole(seen(got))


async def test_a_client_without_patience_is_told_at_once(plane, client, replica_server):
    plane.catalog(await replica_server(Author((4, hangs_up))))
    message = await error_of(client, **{"x-first-wait": "0"})
    assert message.startswith(
        "The answer is incomplete: the model's server on desk went away, and no other could go on with it: "
    )
    assert message.endswith(". Ask again for a whole one.")


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"n": 2}, "the request asks for several answers at once (n)"),
        ({"logprobs": True}, "the request asks for log-probabilities"),
        ({"response_format": {"type": "json_object"}}, "vllm would begin the prescribed form anew"),
    ],
)
async def test_where_no_replica_can_go_on_the_client_is_told_why(client, federation, more, why):
    author = await federation(Author((4, hangs_up)))
    assert f"no other could go on with it: {why}. Ask again" in await error_of(client, {**STREAM, **more})
    assert len(author.asked) == 1


async def test_a_server_of_an_unknown_kind_is_not_asked_to_go_on(client, federation):
    await federation(Author((4, hangs_up)), backend="other")
    assert "other is not known to go on with a chat" in await error_of(client)


async def test_only_backends_that_can_go_on_are_asked(plane, client, replica_server, monkeypatch):
    monkeypatch.setattr(exchange, "RECONSIDER", 0.05)
    author = Author((4, hangs_up))
    able, *unable = [await replica_server(author) for _ in range(4)]
    plane.places(a={"replicas": [able], "backend": "llama.cpp"}, b={"replicas": unable, "backend": "vllm"})
    assert is_whole(await answer_of(client, {**STREAM, "response_format": {"type": "json_object"}}))
    assert json.loads(able.asked[-1].body) == author.asked[1]


async def test_a_server_that_refuses_to_go_on_is_quoted(client, federation):
    refuses = json_answer(b'{"error":{"message":"that is too long"}}', b"400 Bad Request")
    author = Author((4, hangs_up))

    async def answer(asked, writer):
        await (refuses if author.asked else author)(asked, writer)

    await federation(answer)
    assert "The model's server refused the request: that is too long" in await error_of(client)


async def test_a_server_that_cannot_serve_now_is_passed_over(plane, client, replica_server):
    author, busy = Author((4, hangs_up)), json_answer(b"{}", b"503 Service Unavailable")
    turns = iter([author, busy, author])

    async def answer(asked, writer):
        await next(turns)(asked, writer)

    plane.catalog(*[await replica_server(answer) for _ in range(3)])
    assert is_whole(await answer_of(client))


class Fickle(Author):
    """Writes something else when it is to write the end of what it is given once more."""

    def chunks(self, body):
        if len(self.asked) == 2:
            return Author(words=[" is", " grey"]).chunks(STREAM)
        if len(self.asked) == 3:
            self.words = ["The", " sky", " is", " blue", " at", " noon"]
        return super().chunks(body)


async def test_a_text_that_comes_out_differently_is_given_to_its_end(client, federation):
    author = await federation(Fickle((4, hangs_up)))
    assert is_whole(await answer_of(client), "The sky is blue at noon")
    assert [body["messages"][-1]["content"] for body in author.asked[1:]] == ["The sky is", "The sky is blue"]


async def test_only_the_end_mark_is_missing(client, federation):
    author = Author()

    async def answer(asked, writer):
        author.asked.append(json.loads(asked.body))
        await begin_events(writer)
        chunks = list(author.chunks(STREAM))[:-1]
        for _, chunk in chunks:
            await event(writer, json.dumps(chunk).encode())
        writer.transport.abort()

    await federation(answer)
    assert is_whole(await answer_of(client))
    assert len(author.asked) == 1


async def test_all_tokens_that_were_allowed_are_written(client, federation):
    author = await federation(Author((4, hangs_up)))
    answer = await answer_of(client, {**STREAM, "max_tokens": 4})
    assert (answer.text, answer.finishes, answer.done) == ("The sky is blue", ["length"], True)
    assert len(author.asked) == 1


async def test_the_limit_holds_for_both_parts_together(client, federation):
    await federation(Author((4, hangs_up)))
    answer = await answer_of(client, {**STREAM, "max_tokens": 6})
    assert (answer.text, answer.finishes) == ("The sky is blue because air", ["length"])


async def test_a_large_request_is_not_kept(client, federation, monkeypatch):
    monkeypatch.setattr(delivery, "MAX_BODY", 10)
    await federation(Author((4, hangs_up)))
    assert "went away. Ask again" in await error_of(client)


async def test_a_client_that_leaves_while_its_answer_waits_is_forgotten(plane, client, replica_server):
    plane.catalog(await replica_server(Author((4, hangs_up))))
    asking = asyncio.create_task(answer_of(client))
    await until(lambda: plane.messages("unreachable"))
    plane.catalog(state=State.STARTING)
    asking.cancel()
    outcome = (await plane.until("done"))["outcomes"][0]
    assert (outcome["outcome"], outcome["cluster"]) == ("cancelled", "desk")
    assert plane.plane.counts() == {}


async def test_a_client_that_leaves_after_the_seam_frees_the_second_replica(plane, client, replica_server):
    author = Author((4, hangs_up))

    async def stays(asked, writer):
        if not author.asked:
            await author(asked, writer)
            return
        await begin_events(writer)
        await asyncio.sleep(60)

    replicas = [await replica_server(stays) for _ in range(2)]
    plane.places(a=[replicas[0]], b=[replicas[1]])
    asking = asyncio.create_task(answer_of(client))
    await until(lambda: all(replica.asked for replica in replicas))
    asking.cancel()
    await until(lambda: any(replica.hung_up.is_set() for replica in replicas))
