"""Rewrites a GGUF file with 16-bit floats: ``dequantize.py SRC DST``, run by its path.

Prints ``progress 0.42`` lines; where it cannot, it exits with one sentence on standard error.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Any

NOT_INSTALLED = 3


def copy_fields(reader: Any, writer: Any) -> None:
    """Copy the metadata, all but the type of the file."""
    from gguf import GGUFValueType, LlamaFileType  # noqa: PLC0415

    for name, entry in reader.fields.items():
        if name.startswith("GGUF.") or name == "general.architecture":
            continue
        if name == "general.file_type":
            writer.add_file_type(LlamaFileType.MOSTLY_F16)
        elif entry.types[0] == GGUFValueType.ARRAY:
            writer.add_array(name, entry.contents())
        else:
            writer.add_key_value(name, entry.contents(), entry.types[0])


def main(src: str, dst: str) -> None:
    """Write ``dst``; matrices become 16-bit floats, vectors keep 32."""
    try:
        import gguf  # noqa: PLC0415
        import numpy as np  # noqa: PLC0415
    except ImportError as error:
        print(f"{error.name} is not installed", file=sys.stderr)  # noqa: T201
        sys.exit(NOT_INSTALLED)

    reader = gguf.GGUFReader(src)
    need = sum(2 * int(tensor.n_elements) for tensor in reader.tensors)
    free = shutil.disk_usage(Path(dst).parent).free
    if free < need:
        sys.exit(f"it needs {need // 10**6} MB, {free // 10**6} MB free at {Path(dst).parent}")
    architecture = reader.fields["general.architecture"].contents()
    say(0.3)
    writer = gguf.GGUFWriter(dst, architecture)
    copy_fields(reader, writer)
    say(0.6)

    # Declared first and written one by one, so that no more than one tensor is in memory.
    for tensor in reader.tensors:
        kind = np.float32 if keeps_32_bits(tensor) else np.float16
        shape = tuple(int(size) for size in reversed(tensor.shape))
        size = int(tensor.n_elements) * np.dtype(kind).itemsize
        writer.add_tensor_info(tensor.name, shape, np.dtype(kind), size)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_ti_data_to_file()
    for index, tensor in enumerate(reader.tensors):
        kind = np.float32 if keeps_32_bits(tensor) else np.float16
        writer.write_tensor_data(gguf.dequantize(tensor.data, tensor.tensor_type).astype(kind))
        say(0.6 + 0.4 * (index + 1) / len(reader.tensors))
    writer.close()


def say(share: float) -> None:
    """Tell how much is done."""
    print(f"progress {share:.3f}", flush=True)  # noqa: T201


def keeps_32_bits(tensor: Any) -> bool:
    """Say whether llama.cpp wants this tensor in 32 bits: norms and biases."""
    return len(tensor.shape) == 1 or tensor.tensor_type.name == "F32"


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
