"""Write GGUF files as llama.cpp does: header, metadata, blocks, and rows of q and k in its order."""

import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]

TYPE_NUMBERS = {"F32": 0, "F16": 1, "Q4_0": 2, "Q4_1": 3, "Q8_0": 8, "BF16": 30}
NAMES = {
    "model.embed_tokens": "token_embd",
    "model.norm": "output_norm",
    "lm_head": "output",
    "input_layernorm": "attn_norm",
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "self_attn.q_norm": "attn_q_norm",
    "self_attn.k_norm": "attn_k_norm",
    "post_attention_layernorm": "ffn_norm",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
}


@dataclass(frozen=True)
class Tensor:
    """A tensor as the file holds it; ``type_number`` and ``shape`` may be wrong on purpose."""

    type_number: int
    shape: tuple[int, ...]
    data: bytes


def write_gguf(
    file: Path,
    metadata: Mapping[str, Any],
    tensors: Mapping[str, Tensor],
    *,
    version: int = 3,
    alignment: int = 32,
    order: str = "<",
) -> Path:
    """Writes a file; a whole number becomes uint32 and a float float32, NumPy's numbers stay what they are."""
    header = b"GGUF" + struct.pack(f"{order}IQQ", version, len(tensors), len(metadata))
    for key, value in metadata.items():
        header += _string(key) + _value(value)
    data = b""
    for name, tensor in tensors.items():
        header += _string(name) + struct.pack("<I", len(tensor.shape))
        header += struct.pack(f"<{len(tensor.shape)}Q", *reversed(tensor.shape))
        header += struct.pack("<IQ", tensor.type_number, len(data))
        data += _padded(tensor.data, alignment)
    file.write_bytes(_padded(header, alignment) + data)
    return file


def as_tensor(values: Floats, type_name: str) -> tuple[Tensor, Floats]:
    """Returns the tensor that holds the values, and the values that it really holds."""
    data, held = ENCODERS[type_name](np.ascontiguousarray(values, np.float32))
    return Tensor(TYPE_NUMBERS[type_name], values.shape, data), held.reshape(values.shape)


def model_tensors(
    weights: Mapping[str, Floats], config: Mapping[str, Any], type_name: str, embeddings: str | None = None
) -> tuple[dict[str, Tensor], dict[str, Floats]]:
    """Returns the tensors of a model by GGUF's names, and the weights they really hold by Hugging Face's.

    Vectors are float32, as in llama.cpp.
    """
    heads = {
        "attn_q": config["num_attention_heads"],
        "attn_k": config.get("num_key_value_heads", config["num_attention_heads"]),
    }
    tensors, held = {}, {}
    for name, values in weights.items():
        kind = "F32" if values.ndim == 1 else type_name
        if name.startswith("model.embed_tokens") and embeddings:
            kind = embeddings
        source = gguf_name(name)
        part = source.split(".")[-2]
        rows = np.arange(len(values))
        if config["model_type"] == "llama" and part in heads:
            rows = rows.reshape(heads[part], 2, -1).swapaxes(1, 2).reshape(-1)
        tensors[source], kept = as_tensor(values[rows], kind)
        held[name] = np.empty_like(kept)
        held[name][rows] = kept
    return tensors, held


def gguf_name(name: str) -> str:
    module, _, kind = name.rpartition(".")
    if module in NAMES:
        return f"{NAMES[module]}.{kind}"
    _, _, layer, inner = module.split(".", 3)
    return f"blk.{layer}.{NAMES[inner]}.{kind}"


def model_metadata(config: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the metadata that describes a model, without its tokenizer."""
    architecture = config["model_type"]
    fields = {
        "context_length": config.get("max_position_embeddings", 128),
        "embedding_length": config["hidden_size"],
        "block_count": config["num_hidden_layers"],
        "feed_forward_length": config["intermediate_size"],
        "attention.head_count": config["num_attention_heads"],
        "attention.head_count_kv": config.get("num_key_value_heads", config["num_attention_heads"]),
        "attention.layer_norm_rms_epsilon": float(config["rms_norm_eps"]),
        "rope.freq_base": 10000.0,
    }
    if "head_dim" in config:
        fields["attention.key_length"] = config["head_dim"]
    return {
        "general.architecture": architecture,
        "general.name": "Tiny",
        "general.license": "mit",
        **{f"{architecture}.{key}": value for key, value in fields.items()},
    }


def _f32(values: Floats) -> tuple[bytes, Floats]:
    return values.astype("<f4").tobytes(), values


def _f16(values: Floats) -> tuple[bytes, Floats]:
    half = values.astype("<f2")
    return half.tobytes(), half.astype(np.float32)


def _bf16(values: Floats) -> tuple[bytes, Floats]:
    upper = (values.view(np.uint32) >> 16).astype("<u2")
    return upper.tobytes(), (upper.astype(np.uint32) << 16).view(np.float32)


def _q8_0(values: Floats) -> tuple[bytes, Floats]:
    blocks = values.reshape(-1, 32)
    scale = (np.abs(blocks).max(1, keepdims=True) / 127).astype("<f2")
    quants = np.clip(np.round(_divided(blocks, scale)), -128, 127).astype(np.int8)
    return _joined(scale, quants.view(np.uint8)), quants * scale.astype(np.float32)


def _q4_0(values: Floats) -> tuple[bytes, Floats]:
    blocks = values.reshape(-1, 32)
    largest = np.take_along_axis(blocks, np.abs(blocks).argmax(1)[:, None], 1)
    scale = (largest / -8).astype("<f2")
    quants = np.clip(np.floor(_divided(blocks, scale) + 8.5), 0, 15).astype(np.uint8)
    return _joined(scale, quants[:, :16] | quants[:, 16:] << 4), (quants - np.float32(8)) * scale.astype(np.float32)


def _q4_1(values: Floats) -> tuple[bytes, Floats]:
    blocks = values.reshape(-1, 32)
    least = blocks.min(1, keepdims=True).astype("<f2")
    scale = ((blocks.max(1, keepdims=True) - least) / 15).astype("<f2")
    quants = np.clip(np.round(_divided(blocks - least, scale)), 0, 15).astype(np.uint8)
    held = quants * scale.astype(np.float32) + least.astype(np.float32)
    return _joined(scale, least, quants[:, :16] | quants[:, 16:] << 4), held


ENCODERS: dict[str, Callable[[Floats], tuple[bytes, Floats]]] = {
    "F32": _f32,
    "F16": _f16,
    "BF16": _bf16,
    "Q8_0": _q8_0,
    "Q4_0": _q4_0,
    "Q4_1": _q4_1,
}


def _divided(blocks: Floats, scale: npt.NDArray[np.float16]) -> Floats:
    wide = scale.astype(np.float32)
    return np.divide(blocks, wide, out=np.zeros_like(blocks), where=wide != 0)


def _joined(*parts: npt.NDArray[Any]) -> bytes:
    return np.concatenate([part.view(np.uint8) for part in parts], axis=1).tobytes()


def _padded(data: bytes, alignment: int) -> bytes:
    return data + bytes(-len(data) % alignment)


def _string(text: str) -> bytes:
    return struct.pack("<Q", len(text.encode())) + text.encode()


def _value(value: Any) -> bytes:
    if isinstance(value, list):
        items = [_value(item) for item in value]
        kind = items[0][:4] if items else struct.pack("<I", 8)
        return struct.pack("<I", 9) + kind + struct.pack("<Q", len(items)) + b"".join(item[4:] for item in items)
    if isinstance(value, np.float64 | np.int64):
        return struct.pack("<I", 12 if isinstance(value, np.float64) else 11) + value.tobytes()
    if isinstance(value, bool):
        return struct.pack("<I?", 7, value)
    if isinstance(value, int):
        return struct.pack("<II", 4, value)
    if isinstance(value, float):
        return struct.pack("<If", 6, value)
    return struct.pack("<I", 8) + _string(value)
