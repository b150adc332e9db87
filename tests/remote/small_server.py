"""A small HTTP server in a thread: it streams, answers at length, refuses and breaks off as it is asked."""

import contextlib
import json
import select
import socket
import struct
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

KEY = "sk-small"
EVERY = 0.1
"""Seconds between two events."""


def event(number):
    return f"data: token {number}\n\n".encode()


def chunked(piece):
    return b"%x\r\n%b\r\n" % (len(piece), piece)


def chunks(count):
    """Return a stream's body as it goes over the wire."""
    return b"".join(chunked(event(number)) for number in range(count)) + chunked(b"")


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        known = self.headers["authorization"] == f"Bearer {KEY}"
        self.answer(json.dumps({"data": [{"id": "org/model"}]}).encode(), 200 if known else 401)

    def do_POST(self):
        world = self.server.world
        world.seen.append({name.lower(): value for name, value in self.headers.items()})
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        what, _, count = self.path.strip("/").partition("/")
        try:
            match what:
                case "stream":
                    self.stream(int(count))
                    self.wfile.write(chunked(b""))
                case "echo":
                    self.answer(body)
                case "blob":
                    self.answer(world.blob)
                case "rows":
                    self.row(json.loads(body))
                case "unframed":
                    self.unframed()
                case "die":
                    self.stream(5)
                case "reset":
                    self.stream(5)
                    self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    self.connection.close()
                case _:
                    self.answer(b'{"error": {"message": "no"}}', 400)
        except OSError:
            world.left.set()
        self.close_connection = True

    def answer(self, body, status=200):
        self.send_response(status)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def stream(self, count):
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        for number in range(count):
            self.wfile.write(chunked(event(number)))
            time.sleep(EVERY)

    def row(self, asked):
        """Do what a row says: answer, refuse, wait, or break off."""
        world = self.server.world
        with world.one_more():
            time.sleep(0.02)
            while asked["do"] == "wait" and not world.left.is_set():
                if select.select([self.connection], [], [], 0.01)[0]:  # the client has hung up
                    world.left.set()
        if asked["do"] == "break":
            self.wfile.write(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n")
        else:
            status = {"refuse": 400, "fail": 500}.get(asked["do"], 200)
            self.answer(json.dumps(asked, indent=1).encode(), status)

    def unframed(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"first")
        time.sleep(0.7)
        self.wfile.write(b" last")

    def log_message(self, *_):
        """Say nothing."""


class SmallServer:
    """Serves until the end of the block, and keeps the headers of each request."""

    def __init__(self):
        self.seen, self.blob, self.left = [], b"", threading.Event()
        self.at_once = self.most_at_once = 0
        self._lock = threading.Lock()

    @contextlib.contextmanager
    def one_more(self):
        """Count how many rows are being answered at a time."""
        with self._lock:
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            yield
        finally:
            with self._lock:
                self.at_once -= 1

    def __enter__(self):
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._server.world = self
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()
