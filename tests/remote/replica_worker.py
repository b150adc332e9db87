"""A worker process as the Jupyter server spawns it, seen from outside: its lines, its processes, its end."""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
import uuid
from pathlib import Path

from processes import is_alive


class Worker:
    def __init__(self, function, *args, env=None, command=None, **kwargs):
        self.mark = f"FIRST_TEST_MARK={uuid.uuid4()}"
        name, _, value = self.mark.partition("=")
        self.process = subprocess.Popen(
            command or [sys.executable, "-m", "first_jupyter_remote.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, **(env or {}), name: value},
        )
        self.messages = []
        self.records = []
        self._queue = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()
        self.send({"function": function, "args": args, "kwargs": kwargs})

    def _read(self):
        with self.process.stdout as lines:
            for line in lines:
                self._queue.put(json.loads(line))
        self._queue.put(None)

    def send(self, message):
        self.process.stdin.write(json.dumps(message).encode() + b"\n")
        self.process.stdin.flush()

    def wait(self, wanted, timeout=60.0):
        """Return the first new message that is wanted."""
        end = time.monotonic() + timeout
        while True:
            message = self._queue.get(timeout=max(0.01, end - time.monotonic()))
            assert message is not None, f"it ended before; its last words: {self.messages[-1:]}"
            self.messages.append(message)
            if "record" in message:
                self.records.append(message["record"])
            if wanted(message):
                return message

    def stage(self, *stages, timeout=60.0, **fields):
        """Return the first new record in one of the stages."""

        def wanted(message):
            record = message.get("record", {})
            return record.get("stage") in stages and all(record[key] == fields[key] for key in fields)

        return self.wait(wanted, timeout)["record"]

    def result(self, timeout=60.0):
        return self.wait(lambda message: "result" in message, timeout)["result"]

    def tree(self):
        """Return the processes at and below the worker or with its mark, as {pid: command line}."""
        parents, found = {}, {}
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit():
                continue
            try:
                stat = (entry / "stat").read_text().rpartition(")")[2].split()
                command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode().strip()
                marked = self.mark.encode() in (entry / "environ").read_bytes()
            except OSError:
                continue
            if stat[0] != "Z":
                parents[int(entry.name)] = int(stat[1])
                if marked or int(entry.name) == self.process.pid:
                    found[int(entry.name)] = command
                else:
                    parents[int(entry.name), "command"] = command
        grown = True
        while grown:
            grown = False
            for pid, parent in list(parents.items()):
                if isinstance(pid, int) and parent in found and pid not in found:
                    found[pid] = parents[pid, "command"]
                    grown = True
        return found

    def server_pids(self):
        """Return the inference server's processes, without the worker and the leash."""
        return [
            pid
            for pid, command in self.tree().items()
            if pid != self.process.pid and "leash.py" not in command and "end_of_file" not in command
        ]

    def wait_for_nobody(self, pids, timeout=30.0):
        """Wait until the worker and the given processes are gone; return who is not."""
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            left = {pid for pid in pids if is_alive(pid)} | set(self.tree())
            if not left:
                return {}
            if self.process.poll() is None:
                time.sleep(0.01)
            time.sleep(0.05)
        return {pid: self.tree().get(pid, "?") for pid in left}

    def close(self):
        """End it and see that nothing is left."""
        pids = set(self.tree())
        if not self.process.stdin.closed:
            self.process.stdin.close()
        try:
            self.process.wait(timeout=30)
        finally:
            self.process.kill()
            self.process.wait()
        left = self.wait_for_nobody(pids)
        assert not left, f"these outlived the worker: {left}"

    def kill(self):
        pids = set(self.tree())
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        return pids


def call(record, path, body=None, key=None, timeout=60):
    """Return the status and the JSON of one request to a replica."""
    request = urllib.request.Request(
        f"http://{record['host']}:{record['port']}{path}",
        data=None if body is None else json.dumps(body).encode(),
        headers={
            "Authorization": f"Bearer {record['key'] if key is None else key}",
            "Content-Type": "application/json",
        },
    )
    try:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(
            request, timeout=timeout
        ) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as error:
        return error.code, None


def story(record, model, tokens):
    """Return the open stream of an answer of that many tokens, which has begun."""
    body = {"model": model, "prompt": "Once upon a time", "max_tokens": tokens, "ignore_eos": True}
    request = urllib.request.Request(
        f"http://127.0.0.1:{record['port']}/v1/completions",
        json.dumps({**body, "stream": True}).encode(),
        {"Authorization": f"Bearer {record['key']}", "Content-Type": "application/json"},
    )
    answer = urllib.request.urlopen(request, timeout=60)
    assert answer.readline().startswith(b"data: ")
    return answer


def ask_for_capital(record, model):
    body = {
        "model": model,
        "messages": [{"role": "user", "content": "What is the capital of France?"}],
        "max_tokens": 30,
        "temperature": 0,
    }
    status, answer = call(record, "/v1/chat/completions", body)
    assert status == 200
    return answer["choices"][0]["message"]["content"]
