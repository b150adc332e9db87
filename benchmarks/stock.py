"""A kernel's client: the openai package as it comes, one streamed answer after the other.

``python benchmarks/stock.py '{"url": ..., "requests": 3, "tokens": 100, "delay_ms": 5}'`` takes a job like
``load.py`` and prints the same kind of JSON object.
"""

from __future__ import annotations

import json
import sys
import time
from array import array
from typing import Any

import openai
import procs
from client import Job, percentiles


def main(job: Job) -> dict[str, Any]:
    key = job.headers.get("authorization", "Bearer none").split()[1]
    client = openai.OpenAI(
        base_url=job.url.removesuffix("/chat/completions"),
        api_key=key,
        default_headers={name: value for name, value in job.headers.items() if name == "authorization"},
    )
    ttft, latency, tokens = array("q"), array("q"), 0
    extra = {"x_tokens": job.tokens, "x_delay_ms": job.delay_ms}
    cpu: dict[str, float] = {}
    for number in range(-1, job.requests):
        if number == 0:  # the first answer is not counted: it opens the connection
            cpu = {role: procs.cpu_seconds(pids) for role, pids in job.watch.items()}
            ttft, latency, tokens = array("q"), array("q"), 0
        sent, first = time.monotonic_ns(), 0
        answer = client.chat.completions.create(
            model=job.model,
            messages=[{"role": "user", "content": "Explain the residuals in two sentences."}],
            stream=True,
            extra_body=extra,
        )
        for chunk in answer:
            if chunk.choices and chunk.choices[0].delta.content:
                first = first or time.monotonic_ns()
                tokens += 1
        ttft.append(first - sent)
        latency.append(time.monotonic_ns() - sent)
    missing = job.requests * job.tokens - tokens
    return {
        "cpu": {role: procs.cpu_seconds(pids) - cpu[role] for role, pids in job.watch.items()},
        "seconds": sum(latency) / 1e9,
        "requests": len(latency),
        "tokens": tokens,
        "failed": int(bool(missing)),
        "failures": [f"{missing} tokens did not come"] if missing else [],
        "latency_ms": percentiles(latency),
        "ttft_ms": percentiles(ttft),
        "transit_ms": None,
        "own_cpu": time.process_time(),
    }


if __name__ == "__main__":
    print(json.dumps(main(Job(**json.loads(sys.argv[1])))))
