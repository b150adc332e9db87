"""vLLM's offline engine on a batch's input, by vLLM's own Python.

``python batch_offline.py MODEL CONTEXT PARALLEL < input.jsonl`` loads the model, answers some rows to warm
it up, and then all of them in one call. Its last line is what that took, as JSON, without the loading.
"""

from __future__ import annotations

import json
import os
import sys
import time
from typing import Any

import procs


def main() -> None:
    from vllm import LLM, SamplingParams  # noqa: PLC0415  only this environment has it

    model, context, parallel = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    bodies: list[dict[str, Any]] = [json.loads(line)["body"] for line in sys.stdin]
    engine = LLM(
        model,
        max_model_len=context,
        max_num_seqs=parallel,
        enforce_eager=True,
        kv_cache_memory_bytes=134217728,
        enable_prefix_caching=True,
    )
    wished = SamplingParams(temperature=0, max_tokens=bodies[0]["max_tokens"], ignore_eos=True)
    talks = [body["messages"] for body in bodies]
    engine.chat(talks[:parallel], wished, use_tqdm=False)
    own = procs.tree(os.getpid())
    begun, used = time.monotonic(), procs.cpu_seconds(own)
    answers = engine.chat(talks[parallel:], wished, use_tqdm=False)
    seconds, used = time.monotonic() - begun, procs.cpu_seconds(own) - used
    tokens = sum(len(answer.outputs[0].token_ids) for answer in answers)
    print(json.dumps({"tokens": tokens, "seconds": seconds, "cpu": used}), flush=True)


if __name__ == "__main__":
    main()
