"""An inference server without a model, for what no real one can be brought to do; its folder says how it is.

It takes llama.cpp's command line or vLLM's. The file ``metrics`` beside it is what it answers under /metrics,
and without a file ``up`` it does not answer at all. As vLLM's part on another node it ends once there is a
file ``lost``, with the words that vLLM has when it loses a worker.
"""

import json
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

HERE = Path(__file__).parent
given = dict(zip(sys.argv[3::2], sys.argv[4::2], strict=False))


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == "/metrics":
            self.answer((HERE / "metrics").read_text())
        elif (HERE / "up").exists():
            self.answer(json.dumps({"data": [{"id": given.get("--name") or given["--served-model-name"]}]}))
        else:
            self.send_error(503)

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.answer("{}")

    def log_message(self, *_):
        """Say nothing: what is not printed is part of some tests."""

    def answer(self, text):
        self.send_response(200)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())


if "--headless" in sys.argv:
    while not (HERE / "lost").exists():
        time.sleep(0.05)
    sys.exit("ERROR Worker proc VllmWorker-1 died unexpectedly, shutting down executor.")
ThreadingHTTPServer((given["--host"], int(given["--port"])), Handler).serve_forever()
