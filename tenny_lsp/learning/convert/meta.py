"""Read what Meta and Mistral publish: ``consolidated.*.pth`` with ``params.json``."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import mlx.core as mx
from sentencepiece import SentencePieceProcessor

from tenny_lsp.errors import BaseModelError

PARAMS_FILE = "params.json"
_NEXT_STEP = "Get the model in Hugging Face's layout."
#: Their names → Hugging Face's, and the axis along which a model's files share a tensor; None: each has all of it.
_OUTER: dict[str, tuple[str, int | None]] = {
    "tok_embeddings": ("model.embed_tokens", 1),
    "norm": ("model.norm", None),
    "output": ("lm_head", 0),
}
_LAYER: dict[str, tuple[str, int | None]] = {
    "attention.wq": ("self_attn.q_proj", 0),
    "attention.wk": ("self_attn.k_proj", 0),
    "attention.wv": ("self_attn.v_proj", 0),
    "attention.wo": ("self_attn.o_proj", 1),
    "feed_forward.w1": ("mlp.gate_proj", 0),
    "feed_forward.w2": ("mlp.down_proj", 1),
    "feed_forward.w3": ("mlp.up_proj", 0),
    "attention_norm": ("input_layernorm", None),
    "ffn_norm": ("post_attention_layernorm", None),
}
_LAYER_NAME = re.compile(r"layers\.(\d+)\.(.+)\.weight")
#: What follows from the sizes alone.
_COMPUTED = "rope.freqs"
_UNKNOWN = ("moe", "use_scaled_rope", "lora", "quantization_args", "vision_encoder", "q_lora_rank")


def consolidated_files(folder: Path) -> list[Path]:
    """Return the weights of such a folder, in order; none where it is no such folder."""
    if not (folder / PARAMS_FILE).is_file():
        return []
    return sorted(folder.glob("consolidated.*.pth")) or sorted(folder.glob("consolidated*.safetensors"))


def read_consolidated(
    folder: Path, files: Sequence[Path], read: Callable[[Path], Mapping[str, mx.array]]
) -> tuple[dict[str, mx.array], dict[str, Any]]:
    """Return the weights by Hugging Face's names, and the configuration.

    Args:
        folder (Path): Holds ``params.json``.
        files (Sequence[Path]): Its weights; several share every tensor among them.
        read (Callable): Returns the tensors of a file by name.

    Raises:
        BaseModelError: The parameters are damaged, or of an architecture other than Llama's.
    """
    params = _params(folder / PARAMS_FILE)
    shards = [read(file) for file in files]
    names = [name for name in shards[0] if name != _COMPUTED]
    if any(shard.keys() != shards[0].keys() for shard in shards):
        raise BaseModelError(f"The files {files[0].name} … {files[-1].name} hold other tensors", "Download them again.")
    weights: dict[str, mx.array] = {}
    for name in names:
        new, axis = _renamed(name)
        parts = [shard[name] for shard in shards]
        if name == "tok_embeddings.weight" and parts[0].shape[1] == params["dim"]:
            axis = 0  # from Llama 3 on, each file has some of the words, and no longer some of the dimensions
        weights[new] = parts[0] if axis is None or len(parts) == 1 else mx.concatenate(parts, axis)
    config = _config(params, weights)
    for name, value in weights.items():
        for kind, count in (("q_proj", "num_attention_heads"), ("k_proj", "num_key_value_heads")):
            if f".{kind}." in name:
                weights[name] = _halves(value, config[count])
    return weights, config


def tokenizer_files(folder: Path) -> dict[str, str]:
    """Return the files that tell transformers what the folder's ``tokenizer.model`` is; none where it need not be told.

    Raises:
        BaseModelError: The folder has no tokenizer that can be read.
    """
    if (folder / "tokenizer.json").is_file():
        return {}
    file = folder / "tokenizer.model"
    try:
        pieces = SentencePieceProcessor(model_file=str(file))
    except (OSError, RuntimeError) as error:  # there is none, or it is tiktoken's
        raise BaseModelError(
            f"{file} is no tokenizer of SentencePiece's",
            "Put the model's tokenizer.json and tokenizer_config.json there.",
        ) from error
    values = {
        "tokenizer_class": "LlamaTokenizer",
        "bos_token": pieces.IdToPiece(pieces.bos_id()),
        "eos_token": pieces.IdToPiece(pieces.eos_id()),
        "unk_token": pieces.IdToPiece(pieces.unk_id()),
        "add_bos_token": True,
        "add_eos_token": False,
    }
    return {"tokenizer_config.json": json.dumps(values, indent=2)}


def _params(file: Path) -> dict[str, Any]:
    try:
        params = json.loads(file.read_bytes())
    except (OSError, ValueError) as error:
        raise BaseModelError(f"{file} cannot be read: {error}", "Download it again.") from error
    lacks = [name for name in ("dim", "n_layers", "n_heads") if not isinstance(params, dict) or name not in params]
    if lacks:
        raise BaseModelError(f"{file} does not say {', '.join(lacks)}", "Is it the file that came with the weights?")
    unknown = [name for name in _UNKNOWN if params.get(name)]
    if unknown:
        raise BaseModelError(f"{file} has {unknown[0]}, which cannot be converted from these files", _NEXT_STEP)
    return dict(params)


def _renamed(name: str) -> tuple[str, int | None]:
    outer = _OUTER.get(name.removesuffix(".weight"))
    if outer is not None:
        return f"{outer[0]}.weight", outer[1]
    layer = _LAYER_NAME.fullmatch(name)
    if layer is None or layer[2] not in _LAYER:
        raise BaseModelError(f"The tensor {name} is none of Llama's", _NEXT_STEP)
    new, axis = _LAYER[layer[2]]
    return f"model.layers.{layer[1]}.{new}.weight", axis


def _config(params: dict[str, Any], weights: dict[str, mx.array]) -> dict[str, Any]:
    """Return Hugging Face's configuration; sizes that the weights tell are theirs."""
    heads = params["n_heads"]
    is_mistral = "sliding_window" in params
    config = {
        "architectures": ["MistralForCausalLM" if is_mistral else "LlamaForCausalLM"],
        "model_type": "mistral" if is_mistral else "llama",
        "hidden_size": params["dim"],
        "num_hidden_layers": params["n_layers"],
        "num_attention_heads": heads,
        "num_key_value_heads": params.get("n_kv_heads") or heads,
        "head_dim": params.get("head_dim") or params["dim"] // heads,
        "intermediate_size": _size(weights, "model.layers.0.mlp.gate_proj.weight"),
        "vocab_size": _size(weights, "model.embed_tokens.weight"),
        "rms_norm_eps": params.get("norm_eps", 1e-5),
        "rope_theta": params.get("rope_theta", 10000.0),
        "tie_word_embeddings": "lm_head.weight" not in weights,
        "hidden_act": "silu",
    }
    return config | ({"sliding_window": params["sliding_window"]} if is_mistral else {})


def _size(weights: dict[str, mx.array], name: str) -> int:
    if name not in weights:
        raise BaseModelError(f"The weights lack {name}", "Are all files there?")
    return int(weights[name].shape[0])


def _halves(weight: mx.array, heads: int) -> mx.array:
    """Order the rows of queries or keys as Hugging Face rotates them: in halves, where Meta rotates neighbours."""
    rows, columns = weight.shape
    return weight.reshape(heads, rows // heads // 2, 2, columns).swapaxes(1, 2).reshape(rows, columns)
