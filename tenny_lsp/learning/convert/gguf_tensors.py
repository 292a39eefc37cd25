"""Read the tensors of a GGUF file as MLX-LM stores them, bit for bit.

They are read here and not by ``mx.load``: that stops silently at a type it does not know, makes float16 of bfloat16
(100,000 becomes infinite), loses its place after a float64 in the metadata, and trusts every number of the file.
"""

from collections.abc import Sequence
from typing import BinaryIO

import mlx.core as mx
import numpy as np

from tenny_lsp.errors import BaseModelError
from tenny_lsp.learning.convert.gguf_config import GROUP_SIZE, Part
from tenny_lsp.learning.convert.gguf_header import DOWNLOAD_AGAIN, GgufHeader, TensorInfo

_FLOATS = {"F32": np.float32, "F16": np.float16, "BF16": np.uint16}


def read_tensors(header: GgufHeader, parts: Sequence[Part]) -> dict[str, mx.array]:
    """Return the model's tensors by MLX-LM's names; a quantised one is ``weight``, ``scales`` and ``biases``.

    Raises:
        BaseModelError: The file cannot be read, or holds a number that is infinite or none.
    """
    tensors: dict[str, mx.array] = {}
    try:
        with header.file.open("rb") as stream:
            for part in parts:
                for kind, value in _read(stream, header.tensors[part.source], part.kind).items():
                    tensors[f"{part.module}.{kind}"] = _unpermuted(value, part.permuted_heads)
                    _check_finite(header, part, value)
    except OSError as error:
        raise BaseModelError(f"{header.file} cannot be read: {error}", DOWNLOAD_AGAIN) from error
    return tensors


def _read(stream: BinaryIO, info: TensorInfo, kind: str) -> dict[str, mx.array]:
    stream.seek(info.byte_offset)
    raw = stream.read(info.byte_count)
    if len(raw) < info.byte_count:
        raise OSError("it has become shorter")
    if info.type_name in _FLOATS:
        value = mx.array(np.frombuffer(raw, _FLOATS[info.type_name]).reshape(info.shape))
        # NumPy has no bfloat16: its bits came as whole numbers.
        return {kind: value.view(mx.bfloat16) if info.type_name == "BF16" else value}
    rows, columns = info.shape
    # (rows, groups, bytes of a block) uint8
    blocks = mx.array(np.frombuffer(raw, np.uint8).reshape(rows, columns // GROUP_SIZE, -1))
    weight, scales, biases = _unpacked(blocks, info.type_name)
    return {"weight": weight.reshape(rows, -1), "scales": scales, "biases": biases}


def _unpacked(blocks: mx.array, type_name: str) -> tuple[mx.array, mx.array, mx.array]:
    """Return the packed weights, ``(rows, groups, W) uint32``, and the scales and biases, ``(rows, groups) float16``.

    Source: https://github.com/ggml-org/ggml/blob/9d325133eed396b7bf005a53a83d9747cbd8bde1/src/ggml-common.h
    """
    scales = _half(blocks, 0)
    if type_name == "Q8_0":
        # MLX counts from 0 and GGUF from −128: the highest bit is the difference.
        return mx.contiguous(blocks[..., 2:] ^ 0x80).view(mx.uint32), scales, scales * -128
    start, biases = (2, scales * -8) if type_name == "Q4_0" else (4, _half(blocks, 2))
    pairs = blocks[..., start:]
    # A byte of GGUF holds weights i and i + 16, one of MLX weights 2i and 2i + 1.
    in_order = mx.concatenate([pairs & 0x0F, pairs >> 4], axis=-1)
    return mx.contiguous(in_order[..., ::2] | (in_order[..., 1::2] << 4)).view(mx.uint32), scales, biases


def _half(blocks: mx.array, start: int) -> mx.array:
    return mx.contiguous(blocks[..., start : start + 2]).view(mx.float16).squeeze(-1)


def _unpermuted(value: mx.array, heads: int) -> mx.array:
    """Return the rows in the order of Hugging Face: llama.cpp puts the two halves of a head in turns.

    Source: ``LlamaModel.permute`` of llama.cpp's ``convert_hf_to_gguf.py``, backwards.
    """
    if not heads:
        return value
    return value.reshape(heads, -1, 2, *value.shape[1:]).swapaxes(1, 2).reshape(value.shape)


def _check_finite(header: GgufHeader, part: Part, value: mx.array) -> None:
    if mx.issubdtype(value.dtype, mx.floating) and not mx.isfinite(value).all().item():
        raise BaseModelError(
            f"The tensor {part.source} in {header.file} holds numbers that are infinite or none at all",
            "Ask for a file in BF16 or F32: float16 ends at 65504.",
        )
