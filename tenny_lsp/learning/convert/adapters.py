"""Convert adapters: lora.py's ``.npz`` and PEFT's folders to MLX-LM's format, and that to PEFT's."""

import json
import math
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, cast

import mlx.core as mx

from tenny_lsp.errors import AdapterError
from tenny_lsp.learning.adapter import check_adapter, check_adapter_weights, check_base, check_replaceable, save_adapter
from tenny_lsp.learning.convert.lora_layers import configuration
from tenny_lsp.learning.convert.npz import read_npz
from tenny_lsp.learning.convert.peft import is_peft, read_peft, write_peft
from tenny_lsp.learning.folders import check_new, new_folder, write_folder
from tenny_lsp.learning.lora import apply_adapter, load_unchanged
from tenny_lsp.model.adapter_files import CONFIG_FILE, WEIGHTS_FILE
from tenny_lsp.model.identity import base_sha256, refuse_code


def import_adapter(source: Path, output: Path, base: Path, base_name: str, *, scale: float | None) -> dict[str, Any]:
    """Write an adapter of lora.py or PEFT in MLX-LM's format, and return its configuration.

    Args:
        source (Path): lora.py's ``.npz`` file, or PEFT's folder.
        output (Path): The adapter's folder; replaced if it holds an adapter.
        base (Path): The folder of the base that it was trained on.
        base_name (str): The base's name, for the card.
        scale (float | None): What the output of lora.py's layers is multiplied with: its files do not say.

    Raises:
        AdapterError: The source is no such adapter, was made for another base, or cannot be carried over.
        BaseModelError: The base is incomplete or cannot be loaded.
        StorageError: The output cannot be written.
    """
    check_replaceable(output)
    if not source.exists():
        raise AdapterError(f"{source} does not exist", "Name a folder of PEFT's, or lora.py's .npz file.")
    if source.is_dir():
        if not is_peft(source):
            raise AdapterError(f"{source} holds no adapter of PEFT", "Name its folder, or lora.py's .npz file.")
        if scale is not None:
            raise AdapterError("PEFT's configuration says what the scale is", "Leave --scale away.")
        weights, scale = read_peft(source)
    elif scale is None:
        raise AdapterError(
            f"{source} does not say by what the adapter's output is multiplied",
            "Give --scale; lora.py's default is 20.",
        )
    else:
        weights = read_npz(source)
    if not (math.isfinite(scale) and scale > 0):
        raise AdapterError(f"The scale is {scale}", "It must be above 0.")
    if wrong := next((name for name, value in weights.items() if not mx.isfinite(value).all().item()), None):
        raise AdapterError(f"{source} holds what is no number in {wrong}", "Train it again.")
    check_base(base)
    refuse_code(base)
    model, *_ = load_unchanged(base, lazy=True)
    config = configuration(weights, layer_count=len(model.layers), scale=scale)
    card = {
        "base": {"name": base_name, "sha256": base_sha256(base)},
        "converted_from": source.name,
        "date": datetime.now(timezone.utc).date().isoformat(),
    }
    with new_folder(output.resolve()) as beside:
        save_adapter(beside, lambda stream: mx.save_safetensors(stream, weights), config, card)
        apply_adapter(model, beside, called=source)
        check_adapter_weights(beside / WEIGHTS_FILE, base)
    return config


def export_adapter(adapter: Path, output: Path, base: Path, base_name: str) -> None:
    """Write an adapter in PEFT's format.

    Args:
        adapter (Path): The adapter's folder.
        output (Path): The folder to write; it must not be there.
        base (Path): The base it was made for.
        base_name (str): The base's name, for PEFT's configuration.

    Raises:
        AdapterError: The adapter is damaged, of another base, or none of LoRA or DoRA.
        StorageError: The output is there already, or cannot be written.
    """
    check_new(output)
    check_adapter(adapter, base)
    config = json.loads((adapter / CONFIG_FILE).read_bytes())
    weights = cast("dict[str, mx.array]", mx.load(str(adapter / WEIGHTS_FILE)))
    write_folder(output, lambda folder: write_peft(folder, weights, config, base_name))
