"""Load a base model and add LoRA layers to it."""

from inspect import signature
from pathlib import Path
from typing import Any, cast

import mlx.core as mx
from mlx.utils import tree_flatten
from mlx_lm.tuner.utils import linear_to_lora_layers
from mlx_lm.utils import dequantize_model, hf_repo_to_path, load

from tenny_lsp.errors import AdapterError, BaseModelError, TrainingError
from tenny_lsp.learning.adapter import check_adapter_weights, check_base
from tenny_lsp.learning.batches import Encoder
from tenny_lsp.learning.options import TrainOptions
from tenny_lsp.locations import base_folder, fetched_base, is_hub_name
from tenny_lsp.model.adapter_files import CONFIG_FILE
from tenny_lsp.model.identity import refuse_code
from tenny_lsp.model.runtime import prepare


def load_base(name: str | None) -> tuple[Path, Any, Encoder]:
    """Load a base: return its folder, model and tokenizer. Only a hub name may download.

    Raises:
        BaseModelError: The base is incomplete or cannot be loaded.
    """
    from_hub = name is not None and is_hub_name(name) and fetched_base(name) is None
    folder = Path() if from_hub else base_folder(name or "")
    if not from_hub:
        check_base(folder)
        refuse_code(folder)
    elif "trust_remote_code" not in signature(load).parameters:
        raise BaseModelError(
            f"This mlx-lm would run any code that {name} brings",
            "Use Python 3.11 or newer, or download the model and give its folder with --model.",
        )
    try:
        model, tokenizer = load(name if from_hub else str(folder))
        if from_hub:
            folder = hf_repo_to_path(name)
    except (OSError, ValueError, RuntimeError, KeyError, TypeError, AttributeError, ImportError) as error:
        raise BaseModelError(
            f"The base model {name or folder} cannot be loaded: {error}",
            "Give a folder in Hugging Face's or MLX's format, or a hub name, with --model.",
        ) from error
    if (dtype := prepare().dtype) is not None:
        model.set_dtype(getattr(mx, dtype))
        model = dequantize_model(model)  # a packed product of many rows is several times slower than OpenBLAS
    return folder, model, tokenizer


def add_lora(model: Any, options: TrainOptions, base: Path) -> None:
    """Freeze the model and add LoRA layers, fresh ones or those of the adapter to resume from.

    Raises:
        TrainingError: The model has fewer layers.
        AdapterError: The adapter to resume from does not fit.
    """
    layer_count = len(model.layers)
    if options.num_layers > layer_count:
        raise TrainingError(f"num_layers is {options.num_layers}, and the base has {layer_count}", "Give -1 for all.")
    mx.random.seed(options.seed)
    model.freeze()
    parameters = {"rank": options.rank, "scale": options.scale, "dropout": options.dropout}
    linear_to_lora_layers(model, options.num_layers, parameters)
    if (file := options.resume_adapter_file) is None:
        return
    check_adapter_weights(file, base)
    weights = cast("dict[str, mx.array]", mx.load(str(file)))
    wanted = {name: value.shape for name, value in trainable_weights(model).items()}
    if {name: value.shape for name, value in weights.items()} != wanted:
        raise AdapterError(
            f"{file} does not fit this base with rank {options.rank} and num_layers {options.num_layers}",
            f"Give --rank and --num-layers as they are in the {CONFIG_FILE} beside it.",
        )
    model.load_weights(list(weights.items()), strict=False)


def trainable_weights(model: Any) -> dict[str, mx.array]:
    """Return the weights that training changes, by the names an adapter file gives them."""
    return dict(cast("list[tuple[str, mx.array]]", tree_flatten(model.trainable_parameters())))
