"""Tricks of those who want a byte to be read in two ways, or never to end: the fuzzer begins with them."""

HOST = b"host: x\r\n"
POST = b"POST / HTTP/1.1\r\n" + HOST
NEXT = b"GET /2 HTTP/1.1\r\n" + HOST + b"\r\n"
REQUESTS: dict[str, bytes] = {
    "plain": b"GET / HTTP/1.1\r\n" + HOST + b"\r\n" + NEXT,
    "no-host": b"GET / HTTP/1.1\r\n\r\n",
    "two-hosts": b"GET / HTTP/1.1\r\n" + HOST + HOST + b"\r\n",
    "length-and-chunks": POST + b"content-length: 1\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
    "two-lengths": POST + b"content-length: 1\r\ncontent-length: 1\r\n\r\nx",
    "list-of-lengths": POST + b"content-length: 1, 1\r\n\r\nx",
    "signed-length": POST + b"content-length: +1\r\n\r\nx",
    "space-before-colon": POST + b"content-length : 1\r\n\r\nx",
    "folded-header": b"GET / HTTP/1.1\r\n" + HOST + b"a: b\r\n c\r\n\r\n",
    "bare-lf": b"GET / HTTP/1.1\nhost: x\n\n",
    "bare-lf-in-the-head": b"GET / HTTP/1.1\r\nhost: x\n\r\n",
    "chunk-extension": POST + b"transfer-encoding: chunked\r\n\r\n1;a=b\r\nx\r\n0\r\n\r\n" + NEXT,
    "trailer": POST + b"transfer-encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nauthorization: y\r\n\r\n" + NEXT,
    "huge-chunk": POST + b"transfer-encoding: chunked\r\n\r\nffffffffffffffff1\r\nx\r\n0\r\n\r\n",
    "bare-lf-in-chunks": POST + b"transfer-encoding: chunked\r\n\r\n1\nx\n0\n\n",
    "space-after-chunk-size": POST + b"transfer-encoding: chunked\r\n\r\n1 \r\nx\r\n0\r\n\r\n",
    "gzip-then-chunked": POST + b"transfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "chunked-twice": POST + b"transfer-encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
    "chunked-in-two-lines": POST + b"transfer-encoding: gzip\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
    "identity": POST + b"transfer-encoding: identity\r\n\r\n",
    "chunks-in-1-0": b"POST / HTTP/1.0\r\n" + HOST + b"transfer-encoding: chunked\r\n\r\n0\r\n\r\n",
    "absolute-target": b"GET http://a/b HTTP/1.1\r\n" + HOST + b"\r\n",
    "connect": b"CONNECT a:1 HTTP/1.1\r\n" + HOST + b"\r\n" + NEXT,
    "upgrade": b"GET / HTTP/1.1\r\n" + HOST + b"connection: upgrade\r\nupgrade: h2c\r\n\r\n" + NEXT,
    "upgrade-with-a-body": POST
    + b"connection: upgrade\r\nupgrade: h2c\r\ncontent-length: 3\r\n\r\nabc"
    + NEXT,
    "nul": b"GET / HTTP/1.1\r\n" + HOST + b"a: b\0c\r\n\r\n",
    "bare-cr": b"GET / HTTP/1.1\r\n" + HOST + b"a: b\rc\r\n\r\n",
    "high-bytes": b"GET /\xff HTTP/1.1\r\n" + HOST + b"a: \xff\r\n\r\n",
    "version-2": b"GET / HTTP/2.0\r\n" + HOST + b"\r\n",
    "version-0-9": b"GET / HTTP/0.9\r\n" + HOST + b"\r\n",
    "version-1-0": b"GET / HTTP/1.0\r\n\r\n",
    "method": b"PURGE / HTTP/1.1\r\n" + HOST + b"\r\n",
    "http-2-preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "expect": POST + b"content-length: 3\r\nexpect: 100-continue\r\n\r\nabc",
    "empty-length": POST + b"content-length:\r\n\r\n",
    "after-close": b"GET / HTTP/1.1\r\n" + HOST + b"connection: close\r\n\r\n" + NEXT,
    "empty-lines": b"\r\n\r\n" + NEXT + b"\r\n" + NEXT,
    "empty-name": b"GET / HTTP/1.1\r\n" + HOST + b": x\r\n\r\n",
    "body-of-get": b"GET / HTTP/1.1\r\n" + HOST + b"content-length: 3\r\n\r\nabc" + NEXT,
    "many": NEXT * 40,
    "large-header": b"GET / HTTP/1.1\r\n" + HOST + b"a: " + b"x" * 70000 + b"\r\n\r\n",
    "many-headers": b"GET / HTTP/1.1\r\n" + HOST + b"a: x\r\n" * 12000 + b"\r\n",
    "large-trailer": POST + b"transfer-encoding: chunked\r\n\r\n1\r\nx\r\n0\r\na: " + b"y" * 70000,
    "expect-in-line": NEXT + POST + b"content-length: 3\r\nexpect: 100-continue\r\n\r\nabc",
    "large-body": POST + b"content-length: 5000\r\n\r\n" + b"x" * 5000 + NEXT,
    "large-chunks": POST
    + b"transfer-encoding: chunked\r\n\r\n"
    + (b"800\r\n" + b"x" * 2048 + b"\r\n") * 3
    + b"0\r\n\r\n"
    + NEXT,
}
OK = b"HTTP/1.1 200 OK\r\n"
ANSWERS: dict[str, bytes] = {
    "plain": OK + b"content-length: 3\r\n\r\nabc",
    "chunks": OK + b"transfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
    "chunks-cut": OK + b"transfer-encoding: chunked\r\n\r\n3\r\nab",
    "trailer": OK + b"transfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nx: y\r\n\r\n",
    "large-trailer": OK + b"transfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nx: " + b"y" * 300_000,
    "until-the-end": OK + b"\r\nabc",
    "until-the-end-1-0": b"HTTP/1.0 200 OK\r\n\r\nabc",
    "two-answers": OK + b"content-length: 3\r\n\r\nabc" + OK + b"content-length: 3\r\n\r\ndef",
    "garbage-behind": OK + b"content-length: 3\r\n\r\nabcXYZ",
    "interim": b"HTTP/1.1 100 Continue\r\n\r\n"
    b"HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n" + OK + b"content-length: 3\r\n\r\nabc",
    "switch": b"HTTP/1.1 101 Switching\r\nupgrade: x\r\nconnection: upgrade\r\n\r\nabc",
    "upgrade-in-200": OK + b"connection: upgrade\r\nupgrade: h2c\r\ncontent-length: 3\r\n\r\nabc",
    "length-and-chunks": OK + b"content-length: 3\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
    "two-lengths": OK + b"content-length: 3\r\ncontent-length: 4\r\n\r\nabcd",
    "same-lengths": OK + b"content-length: 3\r\ncontent-length: 3\r\n\r\nabc",
    "gzip-then-chunked": OK + b"transfer-encoding: gzip, chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
    "gzip": OK + b"transfer-encoding: gzip\r\n\r\nabc",
    "no-content": b"HTTP/1.1 204 No Content\r\n\r\n",
    "no-content-with-body": b"HTTP/1.1 204 No Content\r\ncontent-length: 3\r\n\r\nabc",
    "not-modified": b"HTTP/1.1 304 Not Modified\r\ncontent-length: 3\r\n\r\n",
    "close": OK + b"connection: close\r\ncontent-length: 3\r\n\r\nabc",
    "folded": OK + b"content-type: a\r\n b\r\ncontent-length: 0\r\n\r\n",
    "bare-lf": b"HTTP/1.1 200 OK\ncontent-length: 3\n\nabc",
    "no-phrase": b"HTTP/1.1 200\r\ncontent-length: 3\r\n\r\nabc",
    "status-0": b"HTTP/1.1 000 X\r\ncontent-length: 0\r\n\r\n",
    "status-1-with-an-answer": b"HTTP/1.1 001 X\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nabc",
    "interim-with-a-body": b"HTTP/1.1 199 X\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
    "status-999": b"HTTP/1.1 999 X\r\ncontent-length: 0\r\n\r\n",
    "version-9": b"HTTP/9.9 200 OK\r\ncontent-length: 0\r\n\r\n",
    "version-2": b"HTTP/2.0 200 OK\r\ncontent-length: 0\r\n\r\n",
    "negative-length": OK + b"content-length: -1\r\n\r\nabc",
    "nul": OK + b"a: b\0c\r\ncontent-length: 0\r\n\r\n",
    "many-headers": OK + b"a: b\r\n" * 60_000 + b"content-length: 0\r\n\r\n",
    "large-header": OK + b"a: " + b"x" * 300_000 + b"\r\ncontent-length: 0\r\n\r\n",
    "many-headers-no-end": OK + b"a: b\r\n" * 70_000,
    "garbage": b"\0\1\2garbage\r\n\r\n",
    "huge-chunk": OK + b"transfer-encoding: chunked\r\n\r\nffffffffffffffff1\r\nabc",
    "empty-lines": b"\r\n\r\n" + OK + b"content-length: 3\r\n\r\nabc",
    "upgrade-chunks": OK
    + b"connection: upgrade\r\nupgrade: h2c\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
}

KEY = HOST + b"authorization: Bearer k\r\n"


def _post(path: bytes, body: bytes, more: bytes = b"") -> bytes:
    length = b"content-length: %d\r\n" % len(body)
    return b"POST /first/" + path + b" HTTP/1.1\r\n" + KEY + more + length + b"\r\n" + body


def _get(path: bytes, more: bytes = b"") -> bytes:
    return b"GET /first/" + path + b" HTTP/1.1\r\n" + KEY + more + b"\r\n"


ASKED: dict[str, bytes] = {
    "models": _get(b"v1/models") + _get(b"v1/models/org/model") + _get(b"v1/models/nope"),
    "head": b"HEAD /first/v1/models HTTP/1.1\r\n" + KEY + b"\r\n" + _get(b"v1/models"),
    "head-of-something-else": b"HEAD /first/v1/models HTTP/1.1\r\n" + KEY + b"upgrade: h2c\r\n\r\n",
    "why": _get(b"api/why?request=x") + _get(b"api/why?request=%ff"),
    "control": _get(b"api/status") + _post(b"api/models/start", b'{"model":"alias"}'),
    "bytes-in-control": _post(b"api/models/start", b'{"model":"\xff\xed\xa0\x80"}'),
    "events": _get(b"api/events"),
    "wait-0": _post(b"v1/completions", b'{"model":"alias","prompt":"x"}', b"x-first-wait: 0\r\n"),
    "wait-nan": _post(b"v1/completions", b"{}", b"x-first-wait: nan\r\n"),
    "stream": _post(b"v1/chat/completions", b'{"stream":true,"messages":[{"role":"user","content":"x"}]}'),
    "tools": _post(
        b"v1/responses",
        b'{"input":[{"content":[{"type":"input_image"}]}],"tools":[1]}',
        b"x-first-wait: 0\r\n",
    ),
    "surrogate": _post(b"v1/completions", b'{"model":"\\ud800"}', b"x-first-wait: 0\r\n"),
    "no-utf-8": _post(b"v1/completions", b'{"model":"\xff"}'),
    "deep": _post(b"v1/completions", b'{"model":' + b"[" * 1500 + b"]" * 1500 + b"}"),
    "rules": _post(b"v1/completions", b"{}", b"x-first-stay: desk, nowhere\r\nx-request-id: a b\r\n"),
    "rules-wait": _post(b"v1/completions", b"{}", b"x-first-stay: desk\r\nx-first-wait: 0\r\n"),
    "files": _get(b"v1/files") + _post(b"v1/files", b"abc"),
    "file-in-chunks": b"POST /first/v1/files HTTP/1.1\r\n"
    + KEY
    + b"transfer-encoding: chunked\r\n\r\n3\r\nabc\r\nZ",
    "brackets": b"GET //[/first/v1/models HTTP/1.1\r\n" + KEY + b"\r\n" + _get(b"v1/models"),
    "port": b"GET http://a:b/first/v1/models HTTP/1.1\r\n" + KEY + b"\r\n",
    "up": _get(b"v1/../api/status") + _get(b"v1/%2e%2e/x") + _get(b"v1//models") + _get(b"v1/models/%00"),
    "no-key": b"GET /first/v1/models HTTP/1.1\r\n" + HOST + b"\r\n",
    "two-keys": _get(b"v1/models", b"authorization: Bearer x\r\n"),
    "options": b"OPTIONS * HTTP/1.1\r\n" + KEY + b"\r\n",
}
