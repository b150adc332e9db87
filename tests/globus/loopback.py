"""HTTP on a loopback port for the stand-ins: requests and replies as plain values."""

import contextlib
import json
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit


@dataclass
class Request:
    method: str
    path: str
    query: dict[str, str] = field(default_factory=dict)
    form: dict[str, str] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    raw: bytes = b""

    @property
    def json(self):
        return json.loads(self.raw or b"{}")


@dataclass
class Reply:
    """An answer; with status 0 the connection is closed without a word."""

    status: int
    body: object
    headers: dict[str, str] = field(default_factory=dict)


@contextlib.contextmanager
def serving(*answerers):
    """Serve on a free port; the first of `answerers` that knows a path answers. Yields the root's address."""
    handler = type("Bound", (_Handler,), {"answerers": answerers})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    answerers = ()

    def do_GET(self):
        where = urlsplit(self.path)
        length = int(self.headers.get("Content-Length") or 0)
        raw = self.rfile.read(length)
        form = parse_qs(raw.decode()) if "form" in self.headers.get("Content-Type", "") else {}
        request = Request(
            self.command,
            where.path,
            {name: values[0] for name, values in parse_qs(where.query).items()},
            {name: values[0] for name, values in form.items()},
            {name.lower(): value for name, value in self.headers.items()},
            raw,
        )
        reply = next((answer for one in self.answerers if (answer := one.answer(request))), None)
        self._send(reply or Reply(404, {"code": "NOT_FOUND", "message": self.path}))

    do_POST = do_PUT = do_DELETE = do_GET  # noqa: N815

    def _send(self, reply):
        if reply.status == 0:
            self.close_connection = True
            return
        page = isinstance(reply.body, str)
        content = reply.body.encode() if page else json.dumps(reply.body).encode()
        with contextlib.suppress(OSError):  # the client did not wait
            self.send_response(reply.status)
            self.send_header("Content-Type", "text/html" if page else "application/json")
            self.send_header("Content-Length", str(len(content)))
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

    def log_message(self, *_):
        pass
