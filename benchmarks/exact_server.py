"""llama.cpp's server of the local cluster, told to reckon with 32-bit numbers throughout.

Then what it has read and what it has written give the same numbers, so that a continued answer differs from
an unbroken one only where the seam is to blame.
"""

from __future__ import annotations

import runpy
import tempfile
from pathlib import Path

import gguf
import numpy as np
import xllamacpp
from first_jupyter_remote import dequantize
from first_jupyter_remote.backends import llama_server

__all__ = ["write_weights"]

_Params = xllamacpp.CommonParams


def exact_params() -> xllamacpp.CommonParams:
    """Return parameters that round nowhere."""
    params = _Params()
    params.cache_type_k = params.cache_type_v = xllamacpp.ggml_type.GGML_TYPE_F32
    params.flash_attn_type = xllamacpp.llama_flash_attn_type.LLAMA_FLASH_ATTN_TYPE_DISABLED
    return params


def write_weights(source: Path) -> Path:
    """Write a GGUF file anew with 32-bit numbers, in a folder for passing things; returns where."""
    target = Path(tempfile.gettempdir()) / f"{source.stem}.F32.gguf"
    if target.exists():
        return target
    reader = gguf.GGUFReader(source)
    writer = gguf.GGUFWriter(target, reader.fields["general.architecture"].contents())
    dequantize.copy_fields(reader, writer)
    for tensor in reader.tensors:
        writer.add_tensor(tensor.name, gguf.dequantize(tensor.data, tensor.tensor_type).astype(np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return target


if __name__ == "__main__":
    xllamacpp.CommonParams = exact_params
    runpy.run_path(llama_server.__file__, run_name="__main__")
