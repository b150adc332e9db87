"""Where requests and keys may go: to the address that the federation file names, and safely."""

import pytest
from first_jupyter_server.clusters.asking import Address, Unanswered, ask
from first_jupyter_server.sections.openai import OpenAISection
from pydantic import ValidationError

from .conftest import json_answer
from .test_servers_are_not_trusted import says


@pytest.mark.parametrize(
    ("keys", "fault"),
    [
        ({"url": "http://llm.campus.edu/v1", "key_env": "KEY"}, "would travel unencrypted"),
        ({"url": "http://10.0.0.1/v1", "key_file": "~/key"}, "would travel unencrypted"),
        ({"url": "http://localhost.evil.example/v1", "key_env": "KEY"}, "would travel unencrypted"),
        ({"url": "https://ada:secret@llm.campus.edu/v1"}, "take the name and password out"),
        ({"url": "file:///etc/passwd"}, "pattern"),
        ({"url": "gopher://llm.campus.edu/v1"}, "pattern"),
        ({"url": "https://llm.campus.edu/v1?key=secret"}, "pattern"),
        ({"url": "https://llm.campus.edu/v1\r\nx: y"}, "pattern"),
    ],
)
def test_an_address_that_is_unsafe_is_refused(keys, fault):
    with pytest.raises(ValidationError, match=fault):
        OpenAISection(kind="openai", **keys)


@pytest.mark.parametrize(
    "keys",
    [
        {"url": "https://llm.campus.edu/v1", "key_env": "KEY"},
        {"url": "http://127.0.0.1:8000/v1", "key_env": "KEY"},
        {"url": "http://llm.campus.edu/v1"},
        {"url": "http://llm.campus.edu/v1", "key_env": "KEY", "insecure": True},
    ],
)
def test_an_address_that_is_safe_or_said_to_be_is_taken(keys):
    assert OpenAISection(kind="openai", **keys).url == keys["url"]


@pytest.mark.parametrize("status", [b"301 Moved", b"302 Found", b"307 Temporary", b"308 Permanent"])
async def test_a_question_with_a_key_follows_nobody_elsewhere(replica_server, status):
    elsewhere = await replica_server(json_answer())
    leads = b"Location: http://127.0.0.1:%d/v1/models" % elsewhere.port
    server = await replica_server(says(leads, status=status))
    said = await ask(Address("127.0.0.1", server.port, False, "/v1"), "/models", key="its-key", within=10)
    assert said.status == int(status[:3])
    assert elsewhere.asked == []


async def test_an_answer_without_end_is_given_up(replica_server):
    async def endless(asked, writer):
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            writer.write(bytes(2**20))
            await writer.drain()

    server = await replica_server(endless)
    with pytest.raises(Unanswered, match="more than 8 MB"):
        await ask(Address("127.0.0.1", server.port, False, ""), "/models", key=None, within=30)
