"""The way to a server: over TLS, by its certificate and name, and through a site's proxy."""

import pytest
from first_jupyter_server.dataplane.dialing import authority as authority_of
from llama import KEY, SMOLLM2
from ways import ConnectProxy, Front, PlainServer

pytestmark = pytest.mark.model


@pytest.fixture(autouse=True)
def _key(monkeypatch):
    monkeypatch.setenv("CAMPUS_KEY", KEY)


def campus(host, port):
    url = f"https://{authority_of(host, port, tls=True)}/v1"
    return {"kind": "openai", "url": url, "key_env": "CAMPUS_KEY", "models": [{"id": SMOLLM2}]}


async def test_a_server_is_trusted_by_the_ca_in_ssl_cert_file(federated, llama, trusted):
    async with Front(llama.port, trusted.context("localhost")) as front:
        lab = await federated(campus=campus("localhost", front.port))
        await lab.until_state(SMOLLM2, "campus", "hot")
        assert (await lab.ask(SMOLLM2)).choices[0].message.content
        stream = await lab.ask(SMOLLM2, stream=True)
        assert [chunk async for chunk in stream][-1].choices[0].finish_reason == "length"
    assert set(front.names) == {"localhost"}


async def test_a_server_is_trusted_by_its_address(federated, llama, trusted):
    async with Front(llama.port, trusted.context("127.0.0.1")) as front:
        lab = await federated(campus=campus("127.0.0.1", front.port))
        await lab.until_state(SMOLLM2, "campus", "hot")


async def test_a_ca_that_nobody_named_is_not_trusted_and_the_setting_is_named(federated, llama, authority):
    async with Front(llama.port, authority.context("localhost")) as front:
        lab = await federated(campus=campus("localhost", front.port))
        place = await lab.until_state(SMOLLM2, "campus", "offline")
    assert place.reason.startswith(f"the certificate of localhost:{front.port} is not trusted here")
    assert "name the file with its CA in SSL_CERT_FILE and restart Jupyter" in place.reason


@pytest.mark.parametrize(
    ("made_for", "words"),
    [
        ({"names": ["elsewhere.edu"]}, "is not for this name"),
        ({"names": ["localhost"], "ended": True}, "is not valid now (certificate has expired)"),
    ],
)
async def test_a_certificate_that_does_not_fit_is_told(federated, llama, trusted, made_for, words):
    context = trusted.context(*made_for.pop("names"), **made_for)
    async with Front(llama.port, context) as front:
        lab = await federated(campus=campus("localhost", front.port))
        place = await lab.until_state(SMOLLM2, "campus", "offline")
    assert place.reason.startswith(f"the certificate of localhost:{front.port} {words}")


async def test_a_server_that_speaks_no_tls_is_told_from_one_that_does(federated):
    async with PlainServer() as server:
        lab = await federated(campus=campus("localhost", server.port))
        place = await lab.until_state(SMOLLM2, "campus", "offline")
    assert "does not speak TLS as it should (WRONG_VERSION_NUMBER): is it an http:// address?" in place.reason


@pytest.mark.parametrize("credentials", [None, "ada:s3cret/ %"])
async def test_a_proxy_that_the_environment_names_is_gone_through(
    federated, llama, trusted, monkeypatch, credentials
):
    # The name leads nowhere from here: it is the proxy that knows it.
    name = "llm.campus.invalid"
    proxy = ConnectProxy(credentials, hosts={name: "127.0.0.1"})
    async with Front(llama.port, trusted.context(name)) as front, proxy:
        named = "ada:s3cret%2F%20%25@" if credentials else ""
        monkeypatch.setenv("https_proxy", f"http://{named}127.0.0.1:{proxy.port}")
        lab = await federated(campus=campus(name, front.port))
        await lab.until_state(SMOLLM2, "campus", "hot")
        assert (await lab.ask(SMOLLM2)).choices[0].message.content
    assert set(proxy.asked) == {f"{name}:{front.port}"}


async def test_a_proxy_is_left_aside_where_no_proxy_says_so(federated, llama, trusted, monkeypatch):
    async with Front(llama.port, trusted.context("localhost")) as front, ConnectProxy(refuses=True) as proxy:
        monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{proxy.port}")
        monkeypatch.setenv("no_proxy", "localhost")
        lab = await federated(campus=campus("localhost", front.port))
        await lab.until_state(SMOLLM2, "campus", "hot")
    assert proxy.asked == []


async def test_a_proxy_that_refuses_is_named_with_the_remedy(federated, llama, monkeypatch):
    async with ConnectProxy(refuses=True) as proxy:
        monkeypatch.setenv("https_proxy", f"http://name:s3cret@127.0.0.1:{proxy.port}")
        lab = await federated(campus=campus("llm.campus.invalid", 443))
        place = await lab.until_state(SMOLLM2, "campus", "offline")
    assert place.reason == (
        f"the proxy 127.0.0.1:{proxy.port} (https_proxy) opens no way to llm.campus.invalid (403 Forbidden); "
        "where it needs none, add it to no_proxy"
    )


async def test_a_proxy_of_another_sort_is_named_with_the_remedy(federated, monkeypatch):
    monkeypatch.setenv("https_proxy", "socks5://127.0.0.1:1080")
    lab = await federated(campus=campus("llm.campus.invalid", 443))
    place = await lab.until_state(SMOLLM2, "campus", "offline")
    assert place.reason.startswith("https_proxy names socks5://127.0.0.1; name an HTTP proxy")


async def test_a_name_that_nobody_knows_is_told(federated):
    lab = await federated(campus=campus("llm.campus.invalid", 443))
    place = await lab.until_state(SMOLLM2, "campus", "offline")
    assert place.reason.startswith("there is no host llm.campus.invalid (")


@pytest.mark.parametrize(
    ("host", "port", "tls", "named"),
    [
        ("llm.edu", 443, True, "llm.edu"),
        ("llm.edu", 8443, True, "llm.edu:8443"),
        ("llm.edu", 80, False, "llm.edu"),
        ("llm.edu", 443, False, "llm.edu:443"),
        ("::1", 8000, False, "[::1]:8000"),
    ],
)
def test_a_host_is_named_with_its_port_where_that_is_not_the_default(host, port, tls, named):
    assert authority_of(host, port, tls=tls) == named
