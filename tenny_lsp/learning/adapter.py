"""Check the folders of base models and adapters, and write adapters.

Imports no MLX, so that any process can check an adapter before a model is loaded.
"""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

from tenny_lsp.errors import AdapterError, BaseModelError, StorageError
from tenny_lsp.learning.folders import new_folder, recover, sync
from tenny_lsp.model.adapter_files import CARD_FILE, CONFIG_FILE, WEIGHTS_FILE
from tenny_lsp.model.identity import check_card

Shapes = dict[str, tuple[int, ...]]


def check_base(folder: Path) -> None:
    """Check that the folder holds what MLX-LM needs of a model.

    Raises:
        BaseModelError: The folder or one of its files is missing or cannot be read; the message names it.
    """
    next_step = "Download the model again, or give another folder with --model."
    if not folder.is_dir():
        raise BaseModelError(f"The base model's folder {folder} does not exist", next_step)
    tokenizer = "tokenizer.model" if (folder / "tokenizer.model").is_file() else "tokenizer.json"
    needed = {"config.json", "tokenizer_config.json", tokenizer}
    index = folder / "model.safetensors.index.json"
    if index.is_file():
        needed.update(_read_json(index, BaseModelError, next_step).get("weight_map", {}).values())
    for name in sorted(needed):
        if not (folder / name).is_file():
            raise BaseModelError(f"The base model in {folder} has no {name}", next_step)
    if not _base_files(folder):
        raise BaseModelError(f"The base model in {folder} has no model.safetensors", next_step)
    for file in _base_files(folder):
        _read_shapes(file, BaseModelError, next_step)


def check_adapter(folder: Path, base_folder: Path) -> None:
    """Check that the folder holds an adapter that was made for the base.

    Raises:
        AdapterError: A file is missing or damaged, or the adapter was made for another base.
    """
    next_step = "Train it again with `tenny-lsp train`, or choose another adapter."
    for name in (CONFIG_FILE, WEIGHTS_FILE):
        if not (folder / name).is_file():
            raise AdapterError(f"The adapter in {folder} has no {name}", next_step)
    config = _read_json(folder / CONFIG_FILE, AdapterError, next_step)
    if "num_layers" not in config or not isinstance(config.get("lora_parameters"), dict):
        raise AdapterError(f"{folder / CONFIG_FILE} does not describe a LoRA adapter", next_step)
    check_adapter_weights(folder / WEIGHTS_FILE, base_folder)


def check_adapter_weights(file: Path, base_folder: Path) -> None:
    """Check that the file holds adapter weights that fit the base.

    The card beside the file names the base, if there is one; the sizes of the layers must agree in any case.

    Raises:
        AdapterError: The file is missing or damaged, or was made for another base.
    """
    next_step = "Use the base it was trained on (--model), or train an adapter for this one."
    if file.is_dir():
        raise AdapterError(f"{file} is a folder, not a file of weights", f"Name the {WEIGHTS_FILE} in it.")
    if not file.is_file():
        raise AdapterError(f"The adapter file {file} does not exist", next_step)
    shapes = _read_shapes(file, AdapterError, next_step)
    check_card(file.parent, base_folder)
    base_shapes: Shapes = {}
    for base_file in _base_files(base_folder):
        base_shapes |= _read_shapes(base_file, BaseModelError, next_step)
    if not _shapes_fit(shapes, base_shapes):
        raise AdapterError(f"{file} was made for another base than {base_folder}", next_step)


def check_replaceable(folder: Path) -> None:
    """Check that an adapter may be written there: the folder is new, empty or holds an adapter only.

    Raises:
        StorageError: There are other files, which a new adapter would delete, or nothing can be written.
    """
    folder = folder.resolve()
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        recover(folder)
        found = {file.name for file in folder.iterdir()} if folder.exists() else set()
    except OSError as error:
        raise StorageError(f"{folder} cannot be used: {error}", "Choose another --adapter-path.") from error
    if foreign := sorted(found - {WEIGHTS_FILE, CONFIG_FILE, CARD_FILE, ".DS_Store"}):
        raise StorageError(
            f"{folder} holds files that are no adapter ({', '.join(foreign[:3])})",
            "Choose another --adapter-path, or move them away.",
        )
    if not os.access(folder.parent, os.W_OK):
        raise StorageError(f"{folder.parent} is not writable", "Choose another --adapter-path.")


def save_adapter(
    folder: Path,
    write_weights: Callable[[BinaryIO], None],
    config: dict[str, Any],
    card: dict[str, Any],
) -> None:
    """Write an adapter; the folder is replaced only when all of it is on the disk.

    Args:
        folder (Path): The adapter's folder; replaced if it exists.
        write_weights (Callable[[BinaryIO], None]): Writes the weights as safetensors.
        config (dict): MLX-LM's ``adapter_config.json``.
        card (dict): Where the adapter comes from: ``card.json``.

    Raises:
        StorageError: It could not be written; what was in the folder is still there.
    """
    folder = folder.resolve()
    try:
        with new_folder(folder) as new:
            with (new / WEIGHTS_FILE).open("wb") as stream:
                write_weights(stream)
                sync(stream)
            for name, content in ((CONFIG_FILE, config), (CARD_FILE, card)):
                with (new / name).open("wb") as stream:
                    stream.write(json.dumps(content, indent=2, ensure_ascii=False).encode() + b"\n")
                    sync(stream)
    except OSError as error:
        raise StorageError(
            f"The adapter cannot be written to {folder}: {error}",
            "Free some space or choose another --adapter-path; what was there before is untouched.",
        ) from error


def _base_files(folder: Path) -> list[Path]:
    return sorted(folder.glob("model*.safetensors"))


def _read_json(file: Path, error_type: type[AdapterError] | type[BaseModelError], next_step: str) -> dict[str, Any]:
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise error_type(f"{file} cannot be read: {error}", next_step) from error
    if not isinstance(content, dict):
        raise error_type(f"{file} is not a JSON object", next_step)
    return content


def _read_shapes(file: Path, error_type: type[AdapterError] | type[BaseModelError], next_step: str) -> Shapes:
    """Return the shapes in a safetensors file, from its header; a file cut short is an error."""
    try:
        with file.open("rb") as stream:
            header_bytes = int.from_bytes(stream.read(8), "little")
            header = json.loads(stream.read(min(header_bytes, file.stat().st_size)))
        header.pop("__metadata__", None)
        end = max((tensor["data_offsets"][1] for tensor in header.values()), default=0)
        shapes = {name: tuple(tensor["shape"]) for name, tensor in header.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
        raise error_type(f"{file} is not a safetensors file", next_step) from error
    if file.stat().st_size < 8 + header_bytes + end or not shapes:
        raise error_type(f"{file} is incomplete", next_step)
    return shapes


def _shapes_fit(adapter: Shapes, base: Shapes) -> bool:
    """Return whether the matrices of an adapter have the sizes of the base's layers they belong to."""
    for name, shape in adapter.items():
        layer, _, part = name.rpartition(".")
        weight = base.get(f"{layer}.weight", ())
        # A quantised weight is packed: only its number of outputs can be read.
        packed = f"{layer}.scales" in base
        if len(weight) != 2 or len(shape) != 2:
            continue
        if (part == "lora_b" and shape[1] != weight[0]) or (part == "lora_a" and not packed and shape[0] != weight[1]):
            return False
    return True
