"""Read the rows of a training: from the files of a folder, or from a dataset of the hub. Imports no MLX."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from tenny_lsp.errors import DatasetError
from tenny_lsp.learning.formats import Conversation, Row, read_rows, row_of
from tenny_lsp.learning.options import HubDataset, TrainOptions
from tenny_lsp.learning.roasts import read_roasts, roast_rows
from tenny_lsp.model.identity import file_sha256

_HUB_NAME = re.compile(r"[\w.-]+/[\w.-]+")
#: What datasets call the rows to validate on.
_VALIDATION = ("validation", "valid", "dev")


@dataclass(frozen=True, slots=True)
class TrainingRows:
    """The rows of a training.

    Attributes:
        rows: By split: ``"train"``, and ``"valid"`` and ``"test"`` if any.
        path: Where they come from.
        sha256: File or split → the hash of its content.
    """

    rows: dict[str, list[Row | Conversation]]
    path: str
    sha256: dict[str, str]


def read_dataset(options: TrainOptions) -> TrainingRows:
    """Return the rows to train on, those to validate on if there are any, and those of the test if asked for.

    Raises:
        DatasetError: A file or split is missing, empty or unreadable, or a row is none; the message names it.
    """
    hub = options.hf_dataset
    if hub is None and not options.data.exists() and _HUB_NAME.fullmatch(options.data.as_posix()):
        hub = HubDataset(options.data.as_posix())
    if hub is not None:
        return _of_hub(hub, options)
    files = {"train": _file(options.data, "train")}
    valid = _file(options.data, "valid")
    if valid.is_file() and valid.stat().st_size:
        files["valid"] = valid
    if options.test:
        files["test"] = _file(options.data, "test")
    return TrainingRows(
        {name: _rows(file, options) for name, file in files.items()},
        str(options.data),
        {file.name: file_sha256(file) for file in files.values()},
    )


def _file(folder: Path, split: str) -> Path:
    """Return a split's file: JSON lines, or CSV or Markdown where there are none."""
    found = [folder / f"{split}{suffix}" for suffix in (".jsonl", ".csv", ".md")]
    return next((file for file in found if file.is_file()), found[0])


def _rows(file: Path, options: TrainOptions) -> list[Row | Conversation]:
    if file.suffix == ".md":
        return [row for roast in read_roasts(file) for row in roast_rows(roast)]
    return read_rows(file, options.separator, options.columns)


def _of_hub(hub: HubDataset, options: TrainOptions) -> TrainingRows:
    if find_spec("datasets") is None:
        raise DatasetError(
            f"{hub.path} is no folder, and a dataset of the hub needs the package datasets",
            "Give the folder that build-dataset wrote, or install tenny-lsp[hub] with pip or uv.",
        )
    import datasets

    names = {"train": hub.train_split}
    try:
        valid = hub.valid_split or _validation(datasets.get_dataset_split_names(hub.path, hub.name))
        names |= {"valid": valid} if valid else {}
        names |= {"test": hub.test_split} if options.test else {}
        found = {name: datasets.load_dataset(hub.path, hub.name, split=split) for name, split in names.items()}
    except Exception as error:  # its errors are of many libraries, for networks, files and formats
        raise DatasetError(
            f"The dataset {hub.path} cannot be loaded: {error}", "Is its name that of a folder, or of the hub?"
        ) from error
    rows = {name: _hub_rows(part, f"{hub.path}, {names[name]}", options) for name, part in found.items()}
    return TrainingRows(rows, hub.path, {f"{name}.{names[name]}": _hash(part) for name, part in rows.items()})


def _validation(splits: Iterable[str]) -> str | None:
    return next((name for name in _VALIDATION if name in splits), None)


def _hub_rows(part: Iterable[Any], place: str, options: TrainOptions) -> list[Row | Conversation]:
    values = (_without_none(value) for value in part)
    rows = [
        row_of(value, f"{place}, row {number}", options.separator, options.columns)
        for number, value in enumerate(values, 1)
    ]
    if not rows:
        raise DatasetError(f"{place} holds no rows", "Choose another split.")
    return rows


def _without_none(value: Any) -> Any:
    """Return a value without the keys that its row lacks: a table gives every row the keys of all."""
    if isinstance(value, dict):
        return {key: _without_none(item) for key, item in value.items() if item is not None}
    return [_without_none(item) for item in value] if isinstance(value, list) else value


def _hash(rows: list[Row | Conversation]) -> str:
    lines = "".join(f"{row!r}\n" for row in rows)
    return sha256(lines.encode("utf-8", "surrogatepass")).hexdigest()
