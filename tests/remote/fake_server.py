"""An inference server without a model, for what no real one can be brought to do; its folder says how it is.

It takes llama.cpp's command line or vLLM's. The file ``metrics`` beside it is what it answers under /metrics,
and without a file ``up`` it does not answer at all. Where it may sleep, as vLLM with our routes does, it
writes into the file ``diary`` what it is told, under the name that its environment gives it; a file ``busy``
stands for a request that it still answers, and a file ``waiting`` for one that came while it sleeps; with
a file ``sleeper`` it does not wake up. As vLLM's part on another node it ends once there is a file ``lost``,
with the words that vLLM has when it loses a worker.
"""

import json
import os
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

HERE = Path(__file__).parent
SLEEP, WAKE = "/v1/first/sleep", "/v1/first/wake"
words = [word for word in sys.argv[3:] if word != "--enable-sleep-mode"]
given = dict(zip(words[::2], words[1::2], strict=False))
can_sleep = "--enable-sleep-mode" in sys.argv and not (HERE / "sleepless").exists()


def note(word):
    with (HERE / "diary").open("a") as diary:
        diary.write(f"{os.environ.get('FAKE_NAME', '')} {word}\n".lstrip())


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == "/metrics":
            self.answer((HERE / "metrics").read_text())
        elif self.path == SLEEP and can_sleep:
            self.answer(json.dumps({"waiting": int((HERE / "waiting").exists())}))
        elif self.path == SLEEP:
            self.send_error(404)
        elif (HERE / "up").exists():
            self.answer(json.dumps({"data": [{"id": given.get("--name") or given["--served-model-name"]}]}))
        else:
            self.send_error(503)

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        busy = self.path == SLEEP and (HERE / "busy").exists()
        if self.path in (SLEEP, WAKE) and not busy:
            note(self.path.rpartition("/")[2])
        broken = self.path == WAKE and (HERE / "sleeper").exists()
        self.answer("{}", 202 if busy else 500 if broken else 200)

    def log_message(self, *_):
        """Say nothing: what is not printed is part of some tests."""

    def answer(self, text, status=200):
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())


if "--headless" in sys.argv:
    while not (HERE / "lost").exists():
        time.sleep(0.05)
    sys.exit("ERROR Worker proc VllmWorker-1 died unexpectedly, shutting down executor.")
if can_sleep:
    note("load")
ThreadingHTTPServer((given["--host"], int(given["--port"])), Handler).serve_forever()
