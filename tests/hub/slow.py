"""A stand-in for an inference server: it says one word after the other until its client leaves.

``python slow.py PORT``
"""

from __future__ import annotations

import json
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

MODEL = "campus/slow"


class Slow(BaseHTTPRequestHandler):
    """Lists its one model, and answers in a stream without end."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        body = json.dumps({"object": "list", "data": [{"id": MODEL, "object": "model"}]}).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.end_headers()
        self.close_connection = True
        choice = {"index": 0, "delta": {"content": "word "}, "finish_reason": None}
        event = {"id": "said", "object": "chat.completion.chunk", "choices": [choice]}
        try:
            while True:
                self.wfile.write(b"data: %b\n\n" % json.dumps(event).encode())
                time.sleep(0.1)
        except OSError:
            return

    def log_message(self, *_):
        """Say nothing."""


if __name__ == "__main__":
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Slow).serve_forever()
