"""Convert a GGUF file to a folder in Hugging Face's format that MLX-LM loads."""

from dataclasses import dataclass
from pathlib import Path

import mlx.core as mx

from tenny_lsp.errors import StorageError
from tenny_lsp.learning.convert.gguf_config import describe_types, model_parts, quantization, read_config
from tenny_lsp.learning.convert.gguf_header import GgufHeader, read_header
from tenny_lsp.learning.convert.gguf_tensors import read_tensors
from tenny_lsp.learning.convert.gguf_tokenizer import copy_tokenizer, write_json, write_tokenizer


@dataclass(frozen=True, slots=True)
class GgufModel:
    """What a GGUF file says of its model.

    Attributes:
        name: The model's own name, or the file's.
        architecture: ``"llama"``, ``"qwen2"`` or ``"qwen3"``.
        licence: The licence's name, or empty.
        quantization: What the matrices are made of: ``"4 bits, embeddings 8 bits"``.
    """

    name: str
    architecture: str
    licence: str
    quantization: str


def convert_gguf(file: Path, folder: Path, *, tokenizer: Path | None = None) -> GgufModel:
    """Write a GGUF file's model and tokenizer into a folder; no weight changes, and one file gives the same bytes.

    Args:
        file (Path): The GGUF file.
        folder (Path): An existing, empty folder.
        tokenizer (Path | None): A folder whose tokenizer to take in place of the file's own. Default: ``None``.

    Raises:
        BaseModelError: The file is damaged, or something in it cannot be converted; the message names it.
        StorageError: The folder cannot be written to.
    """
    header = read_header(file)
    config = read_config(header)
    parts = model_parts(header, config)
    if (bits := quantization(header, parts)) is not None:
        config["quantization"] = bits
    try:
        if tokenizer is None:
            ids = write_tokenizer(header, folder, config["vocab_size"])
        else:
            ids = copy_tokenizer(tokenizer, header, folder, config["vocab_size"])
        write_json(folder / "config.json", config | ids.fields())
        write_json(folder / "generation_config.json", ids.fields())
        _save(read_tensors(header, parts), folder / "model.safetensors")
    except OSError as error:
        raise StorageError(
            f"The model cannot be written to {folder}: {error}", "Free some space, or choose another folder."
        ) from error
    return GgufModel(
        name=_text(header, "general.name") or file.stem,
        architecture=config["model_type"],
        licence=_text(header, "general.license"),
        quantization=describe_types(header, parts),
    )


def _save(tensors: dict[str, mx.array], file: Path) -> None:
    try:
        mx.save_safetensors(str(file), tensors, {"format": "mlx"})
    except RuntimeError as error:
        raise OSError(str(error)) from error


def _text(header: GgufHeader, key: str) -> str:
    value = header.metadata.get(key, "")
    return value if isinstance(value, str) else ""
