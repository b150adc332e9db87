"""A real server that speaks the wire as the extension does, and answers as a test says."""

import http.client
import json
import select
import socket
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

KEY = "sesame"
SMOL = "HuggingFaceTB/SmolLM2-135M-Instruct"
UNNEEDED = {"state": "unneeded", "sentence": "No login is needed.", "service_account": False, "offers": []}


SPAN = {"requests": 7, "failed": 1, "prompt_tokens": 1200, "completion_tokens": 340, "by_model": {}}


def catalog(**place):
    local = {"cluster": "local", "kind": "local", "backend": "llama.cpp", "state": "hot", "stage": "ready"}
    local |= {"reason": "", "progress": None, "eta": None, "replicas": 1, "running": 0, "waiting": 0} | place
    polaris = local | {"cluster": "polaris", "kind": "globus-compute", "backend": "vllm", "state": "cold"}
    polaris |= {"leases": [], "stages": []}
    return {
        "current": SMOL,
        "models": [
            {"id": SMOL, "aliases": ["smollm2"], "abilities": ["chat"], "context": 2048, "clusters": [local]},
            {
                "id": "meta-llama/Llama-3.3-70B-Instruct",
                "aliases": ["llama"],
                "abilities": ["chat"],
                "context": 131072,
                "clusters": [
                    polaris | {"stage": "", "reason": "no node yet"},
                    polaris | {"cluster": "sophia"},
                ],
            },
        ],
    }


def lease(stage="ready", **more):
    """One replica's lease, as a catalog tells it."""
    known = dict.fromkeys(("since", "held_until", "expires", "job_ends", "follows", "path"))
    return known | {"replica": "r1", "stage": stage, "node": "n1", "job": "4711"} | more


STAGES = [
    {"stage": "queued", "state": "done", "seconds": 12.0, "usual": 30.0},
    {"stage": "loading", "state": "now", "seconds": 20.0, "usual": 35.0},
    {"stage": "warming", "state": "ahead", "seconds": None, "usual": 4.0},
]
LOADING = {
    "state": "starting",
    "stage": "loading",
    "eta": 19.0,
    "stages": STAGES,
    "leases": [lease("loading")],
}


@dataclass
class Reply:
    """What the server answers, and how fast."""

    tokens: list[str] = field(default_factory=lambda: ["Good ", "morning."])
    pace: float = 0.0  # seconds between tokens
    hold: float = 0.0  # seconds before the head
    early: bool = False  # the head was sent while the model was waited for, so that it names nobody
    status: int = 200
    error: str = ""  # before the head with a status, else in the stream after the tokens
    cut: bool = False  # end without [DONE]
    finish: str = "stop"
    thoughts: int = 0
    seams: list[dict] = field(default_factory=list)


class Wire:
    """The server's state: what it was asked and what it will answer."""

    def __init__(self):
        self.reply = Reply()
        self.asked = []
        self.headers = []  # of what it was asked
        self.calls = []
        self.left = threading.Event()  # a client went away in the middle of an answer
        self.listeners = 0
        self.started = {"state": "starting", "stage": "loading", "eta": 3.0}
        self.login = lambda *_: (200, UNNEEDED)
        self.clusters = lambda *_: (200, {"clusters": []})
        self.offers = lambda *_: (200, {"offers": [], "problem": None})
        self.why = lambda *_: (404, {"error": {"message": "No model has been asked yet."}})
        self.rules = lambda *_: (200, {"rules": []})
        self.log = lambda *_: (404, {"error": {"message": "No model has failed yet."}})
        self.batches = None  # the process that has them, if any has
        self.usage = {"today": SPAN, "last_30_days": SPAN, "days": [], "recent": []}
        self._catalog = catalog()
        self._changed = threading.Condition()
        self._version = 0
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (Handler,), {"wire": self}))
        self.server.daemon_threads = True
        threading.Thread(
            target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        ).start()

    @property
    def base_url(self):
        return f"http://127.0.0.1:{self.server.server_port}/first/v1"

    @property
    def catalog(self):
        return self._catalog

    @catalog.setter
    def catalog(self, value):
        with self._changed:
            self._catalog, self._version = value, self._version + 1
            self._changed.notify_all()

    def says(self, *tokens, **how):
        self.reply = Reply(tokens=list(tokens) or ["Good ", "morning."], **how)

    def changes(self, **place):
        self.catalog = catalog(**place) | {"current": self._catalog["current"]}

    def next_catalog(self, seen, timeout):
        with self._changed:
            self._changed.wait_for(lambda: self._version != seen, timeout)
            return self._version, self._catalog


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wire: Wire

    def do_GET(self):
        return self.pass_on(None) if self.is_of_batches else self.answer(None)

    def do_POST(self):
        content = self.rfile.read(int(self.headers["Content-Length"] or 0))
        if self.is_of_batches:
            return self.pass_on(content)
        return self.answer(json.loads(content))

    def do_PUT(self):
        self.do_POST()

    def do_DELETE(self):
        self.answer(None)

    @property
    def is_of_batches(self):
        return self.path.startswith(("/first/v1/files", "/first/v1/batches"))

    def pass_on(self, content):
        """Have the process of batches answer."""
        self.wire.calls.append((self.command, self.path.removeprefix("/first/"), None))
        if self.wire.batches is None:
            return self.send(503, {"error": {"message": "Batches are being started again."}})
        kept = ("content-type", "x-first-stay")
        headers = {name: value for name, value in self.headers.items() if name.lower() in kept}
        wire = http.client.HTTPConnection("127.0.0.1", self.wire.batches.port)
        wire.request(self.command, self.path, content, headers)
        answer = wire.getresponse()
        body = answer.read()
        self.head(answer.status, answer.headers["Content-Type"], len(body))
        return self.wfile.write(body)

    def answer(self, body):
        wire, route = self.wire, self.path.removeprefix("/first/")
        wire.calls.append((self.command, route, body))
        if self.headers["Authorization"].partition(".")[0] != f"Bearer {KEY}":
            return self.send(401, {"error": {"message": "The key is not known here."}})
        if route == "v1/chat/completions":
            return self.chat(body)
        if route == "api/events":
            return self.follow()
        tellers = dict.fromkeys(("api/login", "api/login/code", "api/logout"), wire.login)
        tellers |= {"api/clusters": wire.clusters, "api/why": wire.why, "api/rules": wire.rules}
        tellers |= {"api/models/log": wire.log, "api/clusters/offers": wire.offers}
        if teller := tellers.get(route.partition("?")[0]):
            return self.send(*teller(self.command, route, body))
        if route == "api/current" and body:
            return self.choose(body["model"])
        if route == "api/models/start":
            wire.changes(**wire.started)
        if route == "api/models/stop":
            wire.changes(state="draining", stage="loading", eta=3.0)
        answers = {
            "api/models": wire.catalog,
            "api/models/start": wire.catalog["models"][:1],
            "api/models/stop": wire.catalog["models"][:1],
            "api/current": {"model": wire.catalog["current"]},
            "api/status": {"version": "0.1", "federation": {"file": None, "problems": []}},
            "api/usage": wire.usage,
        }
        return self.send(202, answers[route][0]) if body else self.send(200, answers[route])

    def choose(self, name):
        wire = self.wire
        known = next((m for m in wire.catalog["models"] if name in (m["id"], *m["aliases"])), None)
        if known is None:
            return self.send(404, {"error": {"message": f"There is no model {name!r}; near: smollm2."}})
        wire.catalog = wire.catalog | {"current": known["id"]}
        return self.send(200, {"model": known["id"]})

    def chat(self, body):
        wire, reply = self.wire, self.wire.reply
        wire.asked.append(body)
        wire.headers.append({name.lower(): value for name, value in self.headers.items()})
        if self.gone(reply.hold):
            return wire.left.set()
        if reply.status != 200:
            return self.send(reply.status, {"error": {"message": reply.error}})
        usage = {"prompt_tokens": 11, "completion_tokens": len(reply.tokens)}
        if not body.get("stream"):
            message = {"role": "assistant", "content": "".join(reply.tokens)}
            choice = {"index": 0, "finish_reason": reply.finish, "message": message}
            return self.send(200, {"model": SMOL, "choices": [choice], "usage": usage})
        return self.stream(reply, usage)

    def stream(self, reply, usage):
        self.head(200, "text/event-stream")
        self.chunk(b": loading the weights\n\n")
        deltas = [{"reasoning_content": "hm"}] * reply.thoughts + [{"content": text} for text in reply.tokens]
        for delta in deltas:
            if self.gone(reply.pace):
                return self.wire.left.set()
            self.event({"model": SMOL, "choices": [{"index": 0, "delta": delta}]})
        if reply.error:
            self.event({"error": {"message": reply.error}})
        elif not reply.cut:
            end = {"model": SMOL, "choices": [{"index": 0, "delta": {}, "finish_reason": reply.finish}]}
            self.event({**end, "x_first": {"seams": reply.seams}} if reply.seams else end)
            self.event({"model": SMOL, "choices": [], "usage": usage})
            self.chunk(b"data: [DONE]\n\n")
            self.chunk(b"")
        return None

    def follow(self):
        wire, seen = self.wire, -1
        self.head(200, "text/event-stream")
        wire.listeners += 1
        try:
            while True:
                version, latest = wire.next_catalog(seen, timeout=0.05)
                if version != seen:
                    self.chunk(b"event: models\ndata: " + json.dumps(latest).encode() + b"\n\n")
                    seen = version
                if self.gone(0):
                    return
        except OSError:
            return
        finally:
            wire.listeners -= 1

    def event(self, data):
        self.chunk(b"data: " + json.dumps(data).encode() + b"\n\n")

    def chunk(self, data):
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))

    def gone(self, seconds):
        """Whether the client leaves within so many seconds."""
        until = time.monotonic() + seconds
        while True:
            ready, _, _ = select.select([self.connection], [], [], max(0, until - time.monotonic()))
            if ready and not self.connection.recv(1, socket.MSG_PEEK):
                return True
            if time.monotonic() >= until:
                return False

    def head(self, status, kind, length=None):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        if not self.wire.reply.early:
            self.send_header("x-first-cluster", "local")
            self.send_header("x-first-replica", "r1")
            self.send_header("x-first-route", "direct")
        self.send_header("x-request-id", "req-1")
        self.send_header("Connection", "close")
        if length is None:
            self.send_header("Transfer-Encoding", "chunked")
        else:
            self.send_header("Content-Length", str(length))
        self.end_headers()
        self.close_connection = True

    def send(self, status, body):
        content = json.dumps(body).encode()
        self.head(status, "application/json", len(content))
        self.wfile.write(content)

    def log_message(self, *_):
        pass
