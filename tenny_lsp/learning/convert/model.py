"""Convert a model's folder in Hugging Face's format to MLX's: quantised, dequantised or in another dtype."""

import json
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import mlx.core as mx
from mlx.utils import tree_map_with_path
from mlx_lm.convert import mixed_quant_predicate_builder
from mlx_lm.utils import dequantize_model, load, quantize_model, save

from tenny_lsp.errors import BaseModelError, StorageError
from tenny_lsp.learning.adapter import check_base
from tenny_lsp.learning.convert.meta import consolidated_files, read_consolidated, tokenizer_files
from tenny_lsp.learning.convert.options import ConvertOptions
from tenny_lsp.learning.convert.torch_files import read_torch_file
from tenny_lsp.learning.folders import check_new, write_folder
from tenny_lsp.model.base_config import supplement
from tenny_lsp.model.identity import refuse_code

#: What newer releases of transformers write before the names of GPT-2's weights, and MLX-LM does not know.
_GPT2_PREFIX = "transformer."


def convert_model(source: Path, output: Path, options: ConvertOptions) -> None:
    """Write a model's folder anew.

    Args:
        source (Path): A folder with ``config.json``, a tokenizer, and weights as safetensors or in PyTorch's files.
        output (Path): The folder to write; it must not be there.
        options (ConvertOptions): What becomes of the weights.

    Raises:
        BaseModelError: The source is incomplete, brings code of its own, holds more than tensors, or is of an
            architecture that MLX-LM does not know; or the options do not fit.
        StorageError: The output is there already, or cannot be written.
    """
    options.check()
    check_new(output)
    if not consolidated_files(source):  # those have no configuration that could name any
        refuse_code(source)
    with tempfile.TemporaryDirectory(prefix="tenny-convert-") as beside:
        try:
            folder = _with_safetensors(source, Path(beside) / "model")
        except (OSError, RuntimeError) as error:  # MLX reports a full disk as a mere RuntimeError
            raise StorageError(f"{source} cannot be copied to {beside}: {error}", "Free some space there.") from error
        check_base(folder)
        try:
            loaded: Any = load(str(folder), return_config=True, lazy=True, model_config=supplement(folder))
        except (OSError, ValueError, RuntimeError, KeyError, TypeError, AttributeError, ImportError) as error:
            raise BaseModelError(
                f"The model in {source} cannot be loaded: {error}", "Is its architecture one that mlx-lm knows?"
            ) from error
        model, tokenizer, config = loaded
        model, config = _changed(model, config, options)
        write_folder(output, lambda new: save(new, str(folder), model, tokenizer, config))


def _is_tied(folder: Path) -> bool:
    config = _config(folder)
    return bool(config.get("tie_word_embeddings", str(config.get("model_type")).startswith(("gemma", "gpt2"))))


def _config(folder: Path) -> dict[str, Any]:
    values = json.loads((folder / "config.json").read_bytes())
    return values if isinstance(values, dict) else {}


def _changed(model: Any, config: dict[str, Any], options: ConvertOptions) -> tuple[Any, dict[str, Any]]:
    if options.dtype is not None:
        _cast(model, getattr(mx, options.dtype))
        # transformers has renamed the first to the second, and reads either.
        names = {"torch_dtype", *({"dtype"} & config.keys())}
        config = config | dict.fromkeys(names, options.dtype)
    is_quantized = "quantization" in config
    if options.dequantize:
        config = {key: value for key, value in config.items() if not key.startswith("quantization")}
        return dequantize_model(model), config
    if not options.quantize:
        return model, config
    if is_quantized:
        raise BaseModelError("The model is quantised already", "Dequantise it first: --dequantize.")
    predicate: Callable[..., Any] | None = None
    if options.recipe is not None:
        predicate = mixed_quant_predicate_builder(options.recipe, model, options.group_size or 64)
    changed: tuple[Any, dict[str, Any]] = quantize_model(
        model, config, options.group_size, options.bits, mode=options.mode, quant_predicate=predicate
    )
    return changed


def _cast(model: Any, dtype: mx.Dtype) -> None:
    """Cast the floating weights, but for those that the architecture keeps as they are."""
    may_cast = getattr(model, "cast_predicate", lambda _: True)

    def cast_one(name: str, value: mx.array) -> mx.array:
        return value.astype(dtype) if may_cast(name) and mx.issubdtype(value.dtype, mx.floating) else value

    model.update(tree_map_with_path(cast_one, model.parameters()))


def _with_safetensors(source: Path, beside: Path) -> Path:
    """Return a folder whose weights MLX-LM loads: the source, or a copy of what PyTorch or other names hold."""
    files, read = sorted(source.glob("model*.safetensors")), _safetensors
    if files and not any(name.startswith(_GPT2_PREFIX) for file in files for name in _safetensors(file)):
        return source
    if not files:
        files, read = sorted(source.glob("pytorch_model*.bin")), read_torch_file
    if not files and (consolidated := consolidated_files(source)):
        return _of_meta(source, consolidated, beside)
    if not files:
        others = ", ".join(file.name for file in sorted(source.glob("*.pth"))) or "none"
        raise BaseModelError(
            f"{source} has no weights that can be converted (found: {others})",
            "Give a folder with model.safetensors or pytorch_model.bin in Hugging Face's layout.",
        )
    beside.mkdir()
    for file in source.iterdir():
        if file.is_file() and file not in files and not file.name.endswith(".index.json"):
            shutil.copy(file, beside)
    weight_map: dict[str, str] = {}
    for number, file in enumerate(files, 1):
        tensors = {name.removeprefix(_GPT2_PREFIX): value for name, value in read(file).items()}
        if _is_tied(source):
            tensors.pop("lm_head.weight", None)  # PyTorch saves the embeddings a second time, under this name
        name = f"model-{number:05d}-of-{len(files):05d}.safetensors"
        mx.save_safetensors(str(beside / name), tensors, {"format": "pt"})
        weight_map |= dict.fromkeys(tensors, name)
    index = {"metadata": {}, "weight_map": weight_map}
    (beside / "model.safetensors.index.json").write_text(json.dumps(index), encoding="utf-8")
    return beside


def _of_meta(source: Path, files: list[Path], beside: Path) -> Path:
    """Write a folder in Hugging Face's format from the files that Meta and Mistral publish."""
    weights, config = read_consolidated(source, files, read_torch_file if files[0].suffix == ".pth" else _safetensors)
    texts = {"config.json": json.dumps(config, indent=2), **tokenizer_files(source)}
    beside.mkdir()
    for file in source.glob("tokenizer*"):
        shutil.copy(file, beside)
    for name, text in texts.items():
        (beside / name).write_text(text, encoding="utf-8")
    mx.save_safetensors(str(beside / "model.safetensors"), weights, {"format": "pt"})
    return beside


def _safetensors(file: Path) -> dict[str, mx.array]:
    """Return the tensors of a file, which are not read before they are used."""
    try:
        return cast("dict[str, mx.array]", mx.load(str(file)))
    except (OSError, ValueError, RuntimeError) as error:
        raise BaseModelError(f"{file} cannot be read: {error}", "Download the model again.") from error
