"""Load a base model and make it ready to be trained."""

import json
import logging
from collections.abc import Sequence
from contextlib import suppress
from inspect import signature
from pathlib import Path
from typing import Any, cast

import mlx.core as mx
from mlx.utils import tree_flatten
from mlx_lm.tuner.utils import linear_to_lora_layers, load_adapters
from mlx_lm.utils import dequantize_model, hf_repo_to_path, load

from tenny_lsp.errors import AdapterError, BaseModelError, TrainingError
from tenny_lsp.learning.adapter import check_adapter_weights, check_base
from tenny_lsp.learning.encoding import Encoder
from tenny_lsp.learning.options import TrainOptions
from tenny_lsp.locations import base_folder, fetched_base, is_hub_name
from tenny_lsp.model.adapter_files import CONFIG_FILE, WEIGHTS_FILE
from tenny_lsp.model.base_config import supplement
from tenny_lsp.model.identity import refuse_code
from tenny_lsp.model.runtime import prepare

LOGGER = logging.getLogger(__name__)
#: Bits of packed weights that MLX-LM's DoRA unpacks rightly.
_DORA_BITS = {2, 4, 8}
#: MLX-LM lists every tensor that does not fit.
_LONGEST_REASON = 300
#: What MLX-LM raises for files that are not what it expects.
_LOADING_ERRORS = (OSError, ValueError, RuntimeError, KeyError, TypeError, AttributeError, ImportError)


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
        model, tokenizer = load(name if from_hub else str(folder), model_config=supplement(folder))
        if from_hub:
            folder = hf_repo_to_path(name)
    except _LOADING_ERRORS as error:
        raise BaseModelError(
            f"The base model {name or folder} cannot be loaded: {error}",
            "Give a folder in Hugging Face's or MLX's format, or a hub name, with --model.",
        ) from error
    if (dtype := prepare().dtype) is not None:
        model.set_dtype(getattr(mx, dtype))
        model = dequantize_model(model)  # a packed product of many rows is several times slower than OpenBLAS
    return folder, model, tokenizer


def add_adapter(model: Any, options: TrainOptions, base: Path) -> dict[str, Any]:
    """Make a model ready to be trained: freeze it and add LoRA or DoRA layers, or unfreeze all of its layers.

    Returns MLX-LM's ``lora_parameters`` of the adapter.

    Raises:
        TrainingError: The model has fewer layers, no layer of the given keys, or is quantised where that cannot be.
        AdapterError: The adapter to resume from does not fit.
    """
    layer_count = len(model.layers)
    if options.num_layers > layer_count:
        raise TrainingError(f"--num-layers is {options.num_layers}, and the base has {layer_count}", "Give -1 for all.")
    bits = {module.bits for _, module in model.named_modules() if hasattr(module, "bits")} | _bits(base)
    mx.random.seed(options.seed)
    model.freeze()
    parameters: dict[str, Any] = {"rank": options.rank, "scale": options.scale_of(0), "dropout": options.dropout}
    if options.keys:
        parameters["keys"] = projections(model, options.keys)
    if options.train_type == "full":
        _unfreeze(model, options, bits)
    else:
        _add_layers(model, options, parameters, bits)
    if (file := options.resume_adapter_file) is not None:
        _load_weights(model, file, options, base)
    return parameters


def _bits(base: Path) -> set[int]:
    """Return the bits of a base's packed weights, which an adapter must fit also where a CPU has unpacked them."""
    config = json.loads((base / "config.json").read_text(encoding="utf-8"))
    quantization = config.get("quantization") or config.get("quantization_config") or {}
    # Layers that are packed otherwise have parts of their own.
    parts = [quantization, *(part for part in quantization.values() if isinstance(part, dict))]
    return {part["bits"] for part in parts if "bits" in part}


def load_unchanged(base: Path, *, lazy: bool = False) -> tuple[Any, Any, dict[str, Any]]:
    """Return the model, tokenizer and configuration of a base's folder, in the dtype and bits of its files.

    Args:
        base (Path): The folder, checked.
        lazy (bool): Whether weights are read only when they are used. Default: ``False``.

    Raises:
        BaseModelError: It cannot be loaded.
    """
    try:
        loaded: Any = load(str(base), lazy=lazy, return_config=True, model_config=supplement(base))
    except _LOADING_ERRORS as error:
        raise BaseModelError(
            f"The base model {base} cannot be loaded: {error}", "Name another with --model."
        ) from error
    model, tokenizer, config = loaded
    return model, tokenizer, config


def apply_adapter(model: Any, adapter: Path, *, called: Path | None = None) -> Any:
    """Return a model with the layers and weights of an adapter's folder, which become the model's own.

    Args:
        model: The model.
        adapter (Path): The adapter's folder.
        called (Path | None): What an error calls the adapter; None: its folder.

    Raises:
        AdapterError: The adapter does not fit the model, or its configuration is damaged.
    """
    try:
        adapted = load_adapters(model, str(adapter))
        names = dict(cast("list[tuple[str, mx.array]]", tree_flatten(adapted.parameters())))
        weights = cast("dict[str, mx.array]", mx.load(str(adapter / WEIGHTS_FILE)))
        if unknown := sorted(set(weights) - set(names)):  # which MLX-LM 0.31 passes over
            raise ValueError(f"it has no {unknown[0]}")
    except _LOADING_ERRORS as error:
        raise AdapterError(
            f"The adapter {called or adapter} does not fit the base: {' '.join(str(error).split())[:_LONGEST_REASON]}",
            "Use the base it was trained on (--model), or train an adapter for this one.",
        ) from error
    adapted.eval()
    return adapted


def _load_weights(model: Any, file: Path, options: TrainOptions, base: Path) -> None:
    """Load the weights to begin with; warn where they were trained with another scale.

    Raises:
        AdapterError: They do not fit.
    """
    check_adapter_weights(file, base)
    weights = cast("dict[str, mx.array]", mx.load(str(file)))
    wanted = {name: value.shape for name, value in trainable_weights(model).items()}
    if {name: value.shape for name, value in weights.items()} != wanted:
        raise AdapterError(
            f"{file} does not fit this base with --rank {options.rank} and --num-layers {options.num_layers}",
            f"Give --rank, --num-layers and --keys as they are in the {CONFIG_FILE} beside it.",
        )
    model.load_weights(list(weights.items()), strict=False)
    with suppress(OSError, ValueError, KeyError, TypeError):  # what is no adapter's folder does not say its scale
        scale = json.loads((file.parent / CONFIG_FILE).read_text(encoding="utf-8"))["lora_parameters"]["scale"]
        if options.train_type != "full" and scale != options.full_scale:
            LOGGER.warning("%s was trained with scale %g and goes on with %g", file, scale, options.full_scale)


def _unfreeze(model: Any, options: TrainOptions, bits: set[int]) -> None:
    """Unfreeze the last layers, or the whole model where all layers are meant: embeddings, norm and head too."""
    if bits:
        raise TrainingError(
            "A quantised base cannot be trained in full: its packed weights have no gradient",
            "Use --train-type lora, or a base that is not quantised.",
        )
    model.set_dtype(mx.float32)  # in half precision most updates are too small to change a weight
    if options.num_layers == -1:
        model.unfreeze()
    else:
        for layer in model.layers[-options.num_layers :]:
            layer.unfreeze()


def _add_layers(model: Any, options: TrainOptions, parameters: dict[str, Any], bits: set[int]) -> None:
    if options.train_type == "dora" and (broken := sorted(bits - _DORA_BITS)):
        raise TrainingError(
            f"DoRA cannot be trained on a base of {', '.join(map(str, broken))} bits: MLX-LM unpacks these wrongly",
            "Use --train-type lora, or a base of 4 or 8 bits.",
        )
    try:
        linear_to_lora_layers(model, options.num_layers, parameters, use_dora=options.train_type == "dora")
    except ValueError as error:
        raise TrainingError(f"The base takes no {options.train_type}: {error}", "Use --train-type lora.") from error


def projections(model: Any, keys: Sequence[str]) -> list[str]:
    """Return the paths inside a layer that keys mean: ``self_attn.q_proj`` for ``q_proj``, and for itself.

    Raises:
        TrainingError: A key means none.
    """
    paths = [
        path
        for path, module in model.layers[-1].named_modules()
        if hasattr(module, "to_lora") or ("weight" in module and module.weight.ndim == 2)
    ]
    found = []
    for key in keys:
        meant = [path for path in paths if f".{path}".endswith(f".{key}")]
        if not meant:
            raise TrainingError(f"No projection of the base is called {key}", f"There are {', '.join(sorted(paths))}.")
        found += meant
    return list(dict.fromkeys(found))


def set_scale(model: Any, scale: float) -> None:
    """Set what the output of every LoRA layer is multiplied with."""
    for _, module in model.named_modules():
        if "lora_a" in module:
            module.scale = scale  # a Python float: an array would be trained


def trainable_weights(model: Any) -> dict[str, mx.array]:
    """Return the weights that training changes, by the names an adapter file gives them."""
    return dict(cast("list[tuple[str, mx.array]]", tree_flatten(model.trainable_parameters())))
