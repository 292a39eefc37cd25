"""Say what a GGUF file's model looks like to MLX-LM: its configuration, and a name for each tensor. Imports no MLX."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tenny_lsp.errors import BaseModelError
from tenny_lsp.learning.convert.gguf_header import GgufHeader

Config = dict[str, Any]

#: GGUF calls Mistral's models llama too.
_CLASSES = {"llama": "LlamaForCausalLM", "qwen2": "Qwen2ForCausalLM", "qwen3": "Qwen3ForCausalLM"}

#: Type of a tensor → bits of a quantised weight, None for a float.
BITS = {"F32": None, "F16": None, "BF16": None, "Q4_0": 4, "Q4_1": 4, "Q8_0": 8}
#: Weights that share a scale in each of GGUF's quantised types above.
GROUP_SIZE = 32

#: What these settings do, MLX-LM's models of these architectures do not.
_UNKNOWN_SETTINGS = ("expert_count", "attention.sliding_window", "attention.scale", "logit_scale", "residual_scale")

_MODULES = {
    "attn_norm": "input_layernorm",
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "attn_q_norm": "self_attn.q_norm",
    "attn_k_norm": "self_attn.k_norm",
    "ffn_norm": "post_attention_layernorm",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}


@dataclass(frozen=True, slots=True)
class Part:
    """A tensor of the model.

    Attributes:
        source: Its name in GGUF: ``blk.0.attn_q.weight``.
        module: Its module in MLX-LM: ``model.layers.0.self_attn.q_proj``.
        kind: ``"weight"`` or ``"bias"``.
        shape: The shape that the configuration asks for.
        permuted_heads: The heads whose rows llama.cpp permutes, 0 where it permutes none.
    """

    source: str
    module: str
    kind: str
    shape: tuple[int, ...]
    permuted_heads: int = 0


def read_config(header: GgufHeader) -> Config:
    """Return the fields of ``config.json`` that the metadata and the tensors give.

    Raises:
        BaseModelError: MLX-LM has no such architecture, or not in Tenny's conversion, or a field is missing.
    """
    architecture = header.text("general.architecture")
    if architecture not in _CLASSES:
        raise BaseModelError(
            f"{header.file} holds a model of the architecture {architecture}",
            f"Choose one of {', '.join(_CLASSES)}, or a folder in Hugging Face's format.",
        )
    for setting in _UNKNOWN_SETTINGS:
        if header.metadata.get(f"{architecture}.{setting}"):
            raise _not_supported(header, f"{architecture}.{setting}")
    hidden_size = header.integer(f"{architecture}.embedding_length")
    heads = header.integer(f"{architecture}.attention.head_count")
    pairs = _optional(header, f"{architecture}.attention.head_count_kv", heads)
    if heads % pairs:
        raise _not_supported(header, f"{heads} heads that share {pairs} pairs of keys and values")
    config: Config = {
        "architectures": [_CLASSES[architecture]],
        "model_type": architecture,
        "hidden_size": hidden_size,
        "num_hidden_layers": header.integer(f"{architecture}.block_count"),
        "intermediate_size": header.integer(f"{architecture}.feed_forward_length"),
        "num_attention_heads": heads,
        "num_key_value_heads": pairs,
        "head_dim": _head_size(header, architecture, hidden_size // heads),
        "rms_norm_eps": header.number(f"{architecture}.attention.layer_norm_rms_epsilon"),
        "vocab_size": _vocabulary_size(header),
        "max_position_embeddings": header.integer(f"{architecture}.context_length"),
        "rope_theta": header.number(f"{architecture}.rope.freq_base"),
        "tie_word_embeddings": "output.weight" not in header.tensors,
    }
    if scaling := _rope_scaling(header, architecture):
        config["rope_scaling"] = scaling
    if architecture == "llama" and "blk.0.attn_q.bias" in header.tensors:
        config["attention_bias"] = True
    return config


def model_parts(header: GgufHeader, config: Config) -> list[Part]:
    """Return the tensors of the model in the order of its layers, each proved to be in the file.

    Raises:
        BaseModelError: One is missing, or of a shape or type that does not fit, or the file holds others.
    """
    parts = []
    # One after another: a damaged count of layers ends at the first that is missing.
    for part in _parts(config):
        _check_part(header, part)
        parts.append(part)
    if "rope_freqs.weight" in header.tensors:
        raise _not_supported(header, "rope_freqs.weight (Llama 3.1's scaling of rotary positions)")
    if others := header.tensors.keys() - {part.source for part in parts}:
        raise _not_supported(header, f"the tensor {min(others)}")
    return parts


def quantization(header: GgufHeader, parts: list[Part]) -> Config | None:
    """Return MLX-LM's ``quantization``: the bits of most modules, and those of the others by their names.

    Returns None when no tensor is quantised.
    """
    bits = {part.module: BITS[header.tensors[part.source].type_name] for part in parts if part.kind == "weight"}
    counts = [number for number in bits.values() if number is not None]
    if not counts:
        return None
    most = max(sorted(set(counts)), key=counts.count)
    others = {module: number for module, number in bits.items() if number not in (None, most)}
    return {
        "group_size": GROUP_SIZE,
        "bits": most,
        **{module: {"group_size": GROUP_SIZE, "bits": number} for module, number in others.items()},
    }


def describe_types(header: GgufHeader, parts: list[Part]) -> str:
    """Return what the matrices are made of: ``"4 bits, embeddings 8 bits"``."""
    names = {part.module: _type_words(header, part) for part in parts if len(part.shape) == 2}
    embeddings = names.pop("model.embed_tokens")
    layers = " and ".join(sorted(set(names.values())))
    return layers if embeddings == layers else f"{layers}, embeddings {embeddings}"


def _type_words(header: GgufHeader, part: Part) -> str:
    name = header.tensors[part.source].type_name
    return {"F32": "float32", "F16": "float16", "BF16": "bfloat16"}.get(name) or f"{BITS[name]} bits"


def _parts(config: Config) -> Iterator[Part]:
    architecture, hidden, wide = config["model_type"], config["hidden_size"], config["intermediate_size"]
    heads, pairs, size = config["num_attention_heads"], config["num_key_value_heads"], config["head_dim"]
    weights = {
        "attn_norm": (hidden,),
        "attn_q": (heads * size, hidden),
        "attn_k": (pairs * size, hidden),
        "attn_v": (pairs * size, hidden),
        "attn_output": (hidden, heads * size),
        "ffn_norm": (hidden,),
        "ffn_gate": (wide, hidden),
        "ffn_up": (wide, hidden),
        "ffn_down": (hidden, wide),
    }
    if architecture == "qwen3":
        weights |= {"attn_q_norm": (size,), "attn_k_norm": (size,)}
    with_bias = {"attn_q", "attn_k", "attn_v"} if architecture == "qwen2" or config.get("attention_bias") else set()
    if architecture == "llama" and with_bias:
        with_bias.add("attn_output")
    permuted = {"attn_q": heads, "attn_k": pairs} if architecture == "llama" else {}
    vocabulary = (config["vocab_size"], hidden)
    yield Part("token_embd.weight", "model.embed_tokens", "weight", vocabulary)
    for layer in range(config["num_hidden_layers"]):
        for name, shape in weights.items():
            source, module = f"blk.{layer}.{name}", f"model.layers.{layer}.{_MODULES[name]}"
            yield Part(f"{source}.weight", module, "weight", shape, permuted.get(name, 0))
            if name in with_bias:
                yield Part(f"{source}.bias", module, "bias", shape[:1], permuted.get(name, 0))
    yield Part("output_norm.weight", "model.norm", "weight", (hidden,))
    if not config["tie_word_embeddings"]:
        yield Part("output.weight", "lm_head", "weight", vocabulary)


def _check_part(header: GgufHeader, part: Part) -> None:
    info = header.tensors.get(part.source)
    if info is None:
        raise _damaged(header, f"the tensor {part.source} is missing")
    if info.type_name not in BITS or (BITS[info.type_name] is not None and len(part.shape) == 1):
        raise BaseModelError(
            f"The tensor {part.source} in {header.file} is of type {info.type_name}, which cannot be converted",
            "Ask for a file in F16, BF16, Q8_0, Q4_1 or Q4_0.",
        )
    if info.shape != part.shape:
        raise _damaged(header, f"the tensor {part.source} is {info.shape} and not {part.shape}")


def _vocabulary_size(header: GgufHeader) -> int:
    """Return the rows of the embeddings: the metadata's size is often missing."""
    if (info := header.tensors.get("token_embd.weight")) is None:
        raise _damaged(header, "the tensor token_embd.weight is missing")
    return info.shape[0]


def _head_size(header: GgufHeader, architecture: str, usual: int) -> int:
    """Return the size of a head, which all of its uses must share and which rotates as a whole."""
    size = _optional(header, f"{architecture}.attention.key_length", usual)
    keys = [f"{architecture}.attention.value_length", f"{architecture}.rope.dimension_count"]
    for key in keys:
        if _optional(header, key, size) != size:
            raise _not_supported(header, f"{key} {header.metadata[key]} in heads of {size}")
    # MLX-LM's Qwen2 computes the size and reads none.
    if size % 2 or (architecture == "qwen2" and size != usual):
        raise _not_supported(header, f"heads of {size}")
    return size


def _rope_scaling(header: GgufHeader, architecture: str) -> Config | None:
    """Return how rotary positions are stretched, None when they are not."""
    prefix = f"{architecture}.rope.scaling."
    if header.metadata.get(f"{architecture}.rope.scale_linear", 1) != 1:
        raise _not_supported(header, f"{architecture}.rope.scale_linear")
    given = {key.removeprefix(prefix) for key in header.metadata if key.startswith(prefix)} - {"finetuned"}
    kind = header.metadata.get(f"{prefix}type")
    if kind == "none" or not given:
        return None
    if kind not in ("linear", "yarn") or given - {"type", "factor", "original_context_length"}:
        raise _not_supported(header, f"{prefix}type {kind} with {', '.join(sorted(given - {'type'}))}")
    scaling: Config = {"rope_type": kind, "factor": header.number(f"{prefix}factor")}
    if kind == "yarn":
        scaling["original_max_position_embeddings"] = header.integer(f"{prefix}original_context_length")
    return scaling


def _optional(header: GgufHeader, key: str, default: int) -> int:
    return header.integer(key) if key in header.metadata else default


def _damaged(header: GgufHeader, what: str) -> BaseModelError:
    return BaseModelError(f"{header.file} does not fit its own metadata: {what}", "Convert the model to GGUF again.")


def _not_supported(header: GgufHeader, what: str) -> BaseModelError:
    return BaseModelError(
        f"{header.file} has {what}, which cannot be converted",
        "Choose another model, or a folder in Hugging Face's format.",
    )
