"""Read and write adapters in the format of Hugging Face's PEFT."""

import json
import math
import re
from pathlib import Path
from typing import Any, cast

import mlx.core as mx

from tenny_lsp.errors import AdapterError
from tenny_lsp.learning.convert.lora_layers import lora_parts

CONFIG_FILE, WEIGHTS_FILE = "adapter_config.json", "adapter_model.safetensors"
#: PEFT's own rank and alpha, which its configuration may leave out.
_DEFAULT = 8
_PREFIX = "base_model.model."
#: PEFT's name of a matrix → MLX-LM's, both of which have the other's transposed.
_MATRICES = {"lora_A.weight": "lora_a", "lora_B.weight": "lora_b"}
_MAGNITUDES = ("lora_magnitude_vector.weight", "lora_magnitude_vector")
#: What cannot be carried over, and the values with which it changes nothing.
_REFUSED: dict[str, tuple[Any, ...]] = {
    "bias": ("none", None),
    "fan_in_fan_out": (False, None),
    "modules_to_save": (None, []),
    "layer_replication": (None, []),
    "trainable_token_indices": (None, []),
    "lora_bias": (False, None),
}


def is_peft(folder: Path) -> bool:
    """Return whether a folder holds an adapter of PEFT."""
    try:
        return "peft_type" in json.loads((folder / CONFIG_FILE).read_bytes())
    except (OSError, ValueError, TypeError):
        return False


def read_peft(folder: Path) -> tuple[dict[str, mx.array], float]:
    """Return an adapter's weights as MLX-LM names them, all of one rank, and their scale.

    MLX-LM knows one rank and one scale: smaller matrices are filled with zeros, and what a matrix is scaled otherwise
    is multiplied into it.

    Raises:
        AdapterError: A file is missing or damaged, or holds what cannot be carried over; the message names it.
    """
    config = _config(folder)
    weights = _weights(folder)
    pairs: dict[str, dict[str, mx.array]] = {}
    for name, value in weights.items():
        module, part = _parted(name)
        pairs.setdefault(module, {})[part] = value if part == "m" else value.T
    try:
        scales = {module: _scale_of(module, parts, config) for module, parts in pairs.items()}
    except (ValueError, TypeError, AttributeError, re.error) as error:
        raise AdapterError(f"{folder / CONFIG_FILE} is damaged: {error}", "Name a folder that PEFT wrote.") from error
    if not scales:
        raise AdapterError(f"{folder / WEIGHTS_FILE} holds no LoRA matrices", "Name another folder.")
    rank, scale = max(parts["lora_a"].shape[1] for parts in pairs.values()), max(scales.values())
    found = {}
    for module, parts in pairs.items():
        missing = rank - parts["lora_a"].shape[1]
        factor = scales[module] / scale
        found[f"{module}.lora_a"] = mx.pad(parts["lora_a"], [(0, 0), (0, missing)])
        found[f"{module}.lora_b"] = mx.pad(parts["lora_b"] * factor, [(0, missing), (0, 0)])
        if "m" in parts:
            found[f"{module}.m"] = parts["m"].reshape(-1)
    return found, scale


def write_peft(folder: Path, weights: dict[str, mx.array], config: dict[str, Any], base: str) -> None:
    """Write an adapter of MLX-LM in PEFT's format.

    Args:
        folder (Path): An existing folder.
        weights (dict): The adapter's weights.
        config (dict): Its ``adapter_config.json``.
        base (str): The name of the base.

    Raises:
        AdapterError: It is no LoRA or DoRA adapter, or does not say its scale.
    """
    if config.get("fine_tune_type", "lora") == "full":
        raise AdapterError("The adapter holds whole layers, which PEFT's format does not", "Use `tenny-lsp fuse`.")
    parts, lora = lora_parts(weights), config["lora_parameters"]
    if not isinstance(lora.get("scale"), int | float):
        raise AdapterError("The adapter's configuration does not say its scale", "Add scale to lora_parameters.")
    names = {value: key for key, value in _MATRICES.items()} | {"m": _MAGNITUDES[0]}
    tensors = {}
    for name, value in weights.items():
        module, _, part = name.rpartition(".")
        tensors[f"{_PREFIX}{module}.{names[part]}"] = value if part == "m" else mx.contiguous(value.T)
    mx.save_safetensors(str(folder / WEIGHTS_FILE), tensors, {"format": "pt"})
    rank = next(iter(parts.values()))["lora_a"].shape[1]
    values = {
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "base_model_name_or_path": base,
        "inference_mode": True,
        "r": rank,
        "lora_alpha": lora["scale"] * rank,
        "lora_dropout": lora.get("dropout", 0.0),
        "use_dora": any("m" in value for value in parts.values()),
        "use_rslora": False,
        "bias": "none",
        "fan_in_fan_out": False,
        "target_modules": sorted({projection.rpartition(".")[2] for _, projection in parts}),
        "layers_to_transform": sorted({layer for layer, _ in parts}),
        "layers_pattern": "layers",
    }
    (folder / CONFIG_FILE).write_text(json.dumps(values, indent=2) + "\n", encoding="utf-8")


def _config(folder: Path) -> dict[str, Any]:
    file = folder / CONFIG_FILE
    try:
        config: dict[str, Any] = json.loads(file.read_bytes())
        kind = config.get("peft_type")
    except (OSError, ValueError, AttributeError) as error:
        raise AdapterError(f"{file} cannot be read: {error}", "Name a folder that PEFT wrote.") from error
    if kind != "LORA":
        raise AdapterError(f"{file} is of the kind {kind}, not LORA", "Only LoRA and DoRA can be carried over.")
    for key, harmless in _REFUSED.items():
        if config.get(key) not in harmless:
            raise AdapterError(
                f"{file} has {key} {config[key]!r}, which MLX-LM's adapters cannot hold", "Train without it."
            )
    return config


def _weights(folder: Path) -> dict[str, mx.array]:
    file = folder / WEIGHTS_FILE
    if not file.is_file() and (folder / "adapter_model.bin").is_file():
        raise AdapterError(
            f"{folder} holds adapter_model.bin, a pickle, which may run code when it is read",
            "Save it again with safe_serialization=True.",
        )
    try:
        return cast("dict[str, mx.array]", mx.load(str(file), format="safetensors"))
    except (OSError, ValueError, RuntimeError) as error:
        raise AdapterError(f"{file} cannot be read: {error}", "Name a folder that PEFT wrote.") from error


def _parted(name: str) -> tuple[str, str]:
    """Return the module and MLX-LM's name of the matrix for PEFT's name of a weight."""
    module = name.removeprefix(_PREFIX)
    for ending, part in _MATRICES.items():
        if module.endswith(f".{ending}"):
            return module.removesuffix(f".{ending}"), part
    for ending in _MAGNITUDES:
        if module.endswith(f".{ending}"):
            return module.removesuffix(f".{ending}"), "m"
    raise AdapterError(f"{name} is no LoRA matrix that MLX-LM's adapters can hold", "Train on projections only.")


def _scale_of(module: str, parts: dict[str, mx.array], config: dict[str, Any]) -> float:
    """Return alpha ÷ rank, or ÷ its root, as PEFT reckons for a module; patterns name the end of a module's name."""
    if not {"lora_a", "lora_b"} <= set(parts):
        raise AdapterError(f"The adapter has one of two matrices for {module}", "The file is incomplete.")
    rank = parts["lora_a"].shape[1]
    alpha = _by_pattern(module, config.get("alpha_pattern"), config.get("lora_alpha", _DEFAULT))
    declared = _by_pattern(module, config.get("rank_pattern"), config.get("r", _DEFAULT))
    if declared != rank:
        raise AdapterError(f"{module} has rank {rank}, and the configuration says {declared}", "The files do not fit.")
    if not float(alpha) > 0:
        raise AdapterError(f"The alpha of {module} is {alpha}, so that the adapter changes nothing", "Train it again.")
    return float(alpha) / (math.sqrt(rank) if config.get("use_rslora") else rank)


def _by_pattern(module: str, patterns: dict[str, Any] | None, default: Any) -> Any:
    for pattern, value in (patterns or {}).items():
        if re.fullmatch(rf"(?:.*\.)?(?:{pattern})", module):
            return value
    return default
