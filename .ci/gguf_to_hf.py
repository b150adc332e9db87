"""Turn one GGUF file into a folder that vLLM and transformers read: ``gguf_to_hf.py SRC.gguf DST``."""

import os
import sys
from pathlib import Path

os.environ["HF_HUB_OFFLINE"] = "1"

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig


def main(src: Path, dst: Path) -> None:
    """Read weights, tokenizer and chat template out of ``src`` and write them to ``dst`` as bfloat16."""
    tokenizer = AutoTokenizer.from_pretrained(src.parent, gguf_file=src.name)
    # save_pretrained refuses a model that still counts as quantised.
    model = AutoModelForCausalLM.from_pretrained(
        src.parent,
        gguf_file=src.name,
        dtype=torch.bfloat16,
        quantization_config=GgufConfig(dequantize=True),
    )
    model.save_pretrained(dst)
    tokenizer.save_pretrained(dst)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
