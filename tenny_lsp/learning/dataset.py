"""Build a dataset from installed packages: train, valid and test rows, and a manifest of their origin."""

import json
import re
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from hashlib import sha256
from itertools import repeat
from pathlib import Path

from tenny_lsp.errors import DatasetError, StorageError
from tenny_lsp.learning.formats import Format, Row, row_line
from tenny_lsp.learning.pitfall_rows import pitfall_rows
from tenny_lsp.learning.questions import entry_rows, first_of_their_name, foreign_rows
from tenny_lsp.learning.roasts import read_roasts, roast_rows
from tenny_lsp.learning.split import Split, split_of
from tenny_lsp.mlx_api.docstring import SENTENCE_END
from tenny_lsp.mlx_api.excerpt import excerpt
from tenny_lsp.mlx_api.foreign import load_foreign_names
from tenny_lsp.mlx_api.index import load_index
from tenny_lsp.mlx_api.naming import customary_name

SPLITS: tuple[Split, ...] = ("train", "valid", "test")
MANIFEST = "manifest.json"
#: The longest excerpt that stands beside another entry's.
_NEIGHBOUR_CHARACTERS = 200
#: Kinds whose answers are code: a part of it is worth nothing.
_CODE_KINDS = ("example", "pitfall")
#: Where an answer may be cut: after a sentence, or after one of several parameters.
_END = re.compile(SENTENCE_END.pattern + r"|;(?=\s)")


@dataclass(frozen=True, slots=True)
class DatasetOptions:
    """How to build a dataset.

    Args:
        packages (tuple[str, ...]): Installed packages, by import name.
        python (Path, optional): The interpreter whose packages are meant.
        format (Format): ``completions`` writes prompt and completion, ``text`` one string.
        seq_limit (int): The longest row in characters; a longer answer ends at its last whole sentence, and one
            without a sentence so short is left out.
        test_size (float): Share of names kept for test, in [0, 1).
        valid_size (float): Share of names kept for validation, in [0, 1).
        seed (int): Another seed splits otherwise.
        jobs (int): Packages read at once.
        roasts (tuple[Path, ...]): Files of roasts, in JSON lines or Markdown.
        with_documentation (bool): Whether prompts carry the documentation that holds the answer, as hovers' do.
    """

    packages: tuple[str, ...] = ("mlx",)
    python: Path | None = None
    format: Format = "completions"
    seq_limit: int = 2048
    test_size: float = 0.05
    valid_size: float = 0.05
    seed: int = 0
    jobs: int = 1
    with_documentation: bool = True
    roasts: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True)
class Dataset:
    """Summary of a dataset that was written.

    Args:
        folder (Path): The folder it was written to.
        counts (dict[Split, Counter[str]]): Rows by split and kind.
        names (dict[Split, int]): Names (entries and foreign names) by split.
        versions (dict[str, str]): Package → version.
        shortened (int): Rows whose answer was cut to fit ``seq_limit``.
        left_out (int): Rows that could not be cut to fit it.
    """

    folder: Path
    counts: dict[Split, Counter[str]]
    names: dict[Split, int]
    versions: dict[str, str]
    shortened: int
    left_out: int


def build_dataset(output: Path, options: DatasetOptions) -> Dataset:
    """Write ``train.jsonl``, ``valid.jsonl``, ``test.jsonl`` and, last, ``manifest.json`` into a folder.

    The same packages, options and seed give the same bytes.

    Raises:
        ApiIndexError: A package is not installed or cannot be read.
        DatasetError: A size is out of range, or the packages document nothing.
        StorageError: The folder cannot be written; files of an earlier dataset stay as they were.
    """
    _check(options)
    versions, rows = _all_rows(options)
    fitted = [row for row in (_shortened(row, options.seq_limit) for row in rows) if row]
    splits: dict[Split, list[Row]] = {split: [] for split in SPLITS}
    for row in fitted:
        splits[_split(row.source, options)].append(row)
    if not splits["train"]:
        raise DatasetError(
            f"{', '.join([*options.packages, *map(str, options.roasts)])} gave no rows to train on",
            "Name a package with docstrings, or make --test-size and --valid-size smaller.",
        )
    _write(output, splits, versions, options)
    return Dataset(
        folder=output,
        counts={split: Counter(row.kind for row in part) for split, part in splits.items()},
        names={split: len({row.source for row in part}) for split, part in splits.items()},
        versions=versions,
        shortened=len(set(fitted) - set(rows)),
        left_out=len(rows) - len(fitted),
    )


def _check(options: DatasetOptions) -> None:
    kept = 1 - options.test_size - options.valid_size
    if not (options.test_size >= 0 and options.valid_size >= 0 and kept > 0):  # a nan is no share either
        raise DatasetError(
            f"A test size of {options.test_size} and a valid size of {options.valid_size} leave nothing to train on",
            "Give shares from 0 that add up to less than 1.",
        )
    if options.seq_limit < 64:
        raise DatasetError(f"A seq limit of {options.seq_limit} holds no row", "Give at least 64 characters.")


def _split(source: str, options: DatasetOptions) -> Split:
    return split_of(source, seed=options.seed, test_size=options.test_size, valid_size=options.valid_size)


def _all_rows(options: DatasetOptions) -> tuple[dict[str, str], list[Row]]:
    packages = list(dict.fromkeys(options.packages))
    if options.jobs > 1 and len(packages) > 1:
        with ProcessPoolExecutor(min(options.jobs, len(packages))) as pool:
            read = list(pool.map(_package_rows, packages, repeat(options)))
    else:
        read = [_package_rows(package, options) for package in packages]
    versions = {package: version for package, (version, _) in zip(packages, read, strict=True)}
    rows = [row for _, part in read for row in part]
    if "mlx" in packages:
        rows += [
            row
            for foreign in load_foreign_names().values()
            for row in foreign_rows(foreign, with_documentation=options.with_documentation)
        ]
        rows += pitfall_rows(load_index("mlx", options.python))
    rows += [row for file in options.roasts for roast in read_roasts(file) for row in roast_rows(roast)]
    first: dict[str, Row] = {}  # in two packages, a bare name means the first one's
    for row in rows:
        first.setdefault(row.prompt, row)
    return versions, list(first.values())


def _package_rows(package: str, options: DatasetOptions) -> tuple[str, list[Row]]:
    index = load_index(package, options.python)
    first = first_of_their_name(index)
    neighbours: dict[Split, list[str]] = {split: [] for split in SPLITS}
    for entry in index:
        short = excerpt(entry, customary_name(entry.name), characters=_NEIGHBOUR_CHARACTERS)
        neighbours[_split(entry.name, options)].append(short)
    rows = [
        row
        for entry in index
        for row in entry_rows(
            entry,
            neighbours[_split(entry.name, options)],
            is_first_of_its_name=entry.name in first,
            with_documentation=options.with_documentation,
        )
    ]
    return index.version, rows


def _shortened(row: Row, limit: int) -> Row | None:
    room = limit - len(row.prompt)
    if len(row.completion) <= room:
        return row
    if row.kind in _CODE_KINDS:
        return None
    ends = [match.start() for match in _END.finditer(row.completion) if match.end() <= room]
    if not ends:
        return None
    mark = row.completion[ends[-1]].replace(";", ".")
    return replace(row, completion=row.completion[: ends[-1]] + mark)


def _write(output: Path, splits: dict[Split, list[Row]], versions: dict[str, str], options: DatasetOptions) -> None:
    contents = {
        f"{split}.jsonl": "".join(row_line(row, options.format) for row in part).encode()
        for split, part in splits.items()
    }
    manifest = {
        "packages": versions,
        "roasts": [file.name for file in options.roasts],
        "format": options.format,
        "seed": options.seed,
        "seq_limit": options.seq_limit,
        "documentation": options.with_documentation,
        "test_size": options.test_size,
        "valid_size": options.valid_size,
        "rows": {split: len(part) for split, part in splits.items()},
        "kinds": dict(sorted(Counter(row.kind for part in splits.values() for row in part).items())),
        "sha256": {name: sha256(content).hexdigest() for name, content in contents.items()},
    }
    contents[MANIFEST] = (json.dumps(manifest, indent=2) + "\n").encode()
    partial = [output / f"{name}.partial" for name in contents]
    try:
        output.mkdir(parents=True, exist_ok=True)
        for path, content in zip(partial, contents.values(), strict=True):
            path.write_bytes(content)
        (output / MANIFEST).unlink(missing_ok=True)  # an interrupted swap must not look like a whole dataset
        for path in partial:
            path.replace(path.with_suffix(""))
    except OSError as error:
        raise StorageError(
            f"The dataset could not be written to {output}: {error.strerror}",
            "Free some space or choose another folder with --output.",
        ) from error
    finally:
        for path in partial:
            with suppress(OSError):
                path.unlink()
