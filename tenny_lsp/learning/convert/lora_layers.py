"""The layers of a LoRA adapter as MLX-LM lays them out, and the configuration that describes them."""

import re
from collections.abc import Mapping
from typing import Any

import mlx.core as mx

from tenny_lsp.errors import AdapterError

#: ``model.layers.3.self_attn.q_proj.lora_a``: what stands before the layer, its number, the projection, the matrix.
_NAME = re.compile(r"(.*?\blayers)\.(\d+)\.(.+)\.(lora_a|lora_b|m)")


def lora_parts(weights: Mapping[str, mx.array]) -> dict[tuple[int, str], dict[str, mx.array]]:
    """Return the matrices of an adapter by layer and projection: ``(3, "self_attn.q_proj")`` → ``{"lora_a": …}``.

    Args:
        weights (Mapping): ``lora_a`` is ``(inputs, rank)``, ``lora_b`` ``(rank, outputs)``, both of one dtype.

    Raises:
        AdapterError: A name or a shape is none of a LoRA adapter's, or a matrix lacks the other.
    """
    found: dict[tuple[int, str], dict[str, mx.array]] = {}
    for name, value in weights.items():
        match = _NAME.fullmatch(name)
        if match is None or value.ndim != (1 if match[4] == "m" else 2):
            raise AdapterError(f"{name} of shape {value.shape} is no matrix of a LoRA adapter", "Name another file.")
        found.setdefault((int(match[2]), match[3]), {})[match[4]] = value
    for (layer, projection), parts in found.items():
        where = f"layer {layer}, {projection}"
        if not {"lora_a", "lora_b"} <= set(parts):
            raise AdapterError(f"The adapter has one of two matrices for {where}", "The file is incomplete.")
        if parts["lora_a"].shape[1] != parts["lora_b"].shape[0]:
            shapes = f"{parts['lora_a'].shape} and {parts['lora_b'].shape}"
            raise AdapterError(f"The matrices of {where} do not fit: {shapes}", "The file is damaged.")
    if not found:
        raise AdapterError("There is no LoRA matrix in the adapter", "Name another file.")
    return found


def configuration(weights: Mapping[str, mx.array], *, layer_count: int, scale: float) -> dict[str, Any]:
    """Return MLX-LM's ``adapter_config.json`` for the weights of an adapter.

    Args:
        weights (Mapping): The weights, all of one rank.
        layer_count (int): The base's layers.
        scale (float): What the adapter's output is multiplied with.

    Raises:
        AdapterError: The adapted layers are not the last ones, each with the same projections: MLX-LM knows no other.
    """
    parts = lora_parts(weights)
    layers = sorted({layer for layer, _ in parts})
    keys = list(dict.fromkeys(projection for _, projection in parts))
    if layers != list(range(layer_count - len(layers), layer_count)) or len(parts) != len(layers) * len(keys):
        raise AdapterError(
            f"The adapter is on layers {layers[0]} to {layers[-1]} of {layer_count}, with {len(parts)} projections:"
            " MLX-LM loads only the last layers, each with the same projections",
            "Train it on the last layers.",
        )
    ranks = {value["lora_a"].shape[1] for value in parts.values()}
    if len(ranks) > 1:
        raise AdapterError(f"The adapter has the ranks {sorted(ranks)}: MLX-LM knows one", "Convert it from PEFT.")
    lora = {"rank": ranks.pop(), "scale": scale, "dropout": 0.0, "keys": keys}
    kind = "dora" if any("m" in value for value in parts.values()) else "lora"
    return {"fine_tune_type": kind, "num_layers": len(layers), "lora_parameters": lora}
