"""Hash a base and an adapter without loading either, and check that they belong together.

A file is read again only when its size or modification time has changed.
"""

import json
from functools import lru_cache
from hashlib import sha256
from pathlib import Path

from tenny_lsp.errors import AdapterError, BaseModelError
from tenny_lsp.model.adapter_files import CARD_FILE, CONFIG_FILE, WEIGHTS_FILE

_TOKENIZER_FILES = ("config.json", "generation_config.json", "tokenizer.json", "tokenizer_config.json")
#: The safetensors format's own limit; a broken file must not be read whole.
_MAX_HEADER_BYTES = 100_000_000


def base_fingerprint(folder: Path) -> str:
    """Return a hash of a base model's weights, configuration and tokenizer.

    Weights may be gigabytes: their size, modification time and safetensors header stand for them.

    Raises:
        BaseModelError: The folder has no configuration or no weights.
    """
    weights = weight_files(folder)
    if not weights or not (folder / "config.json").is_file():
        missing = "config.json" if weights else "model.safetensors"
        raise BaseModelError(
            f"{folder} is not a base model: {missing} is missing",
            "Name a folder in Hugging Face's format whose weights are safetensors.",
        )
    total = sha256()
    try:
        for path in weights:
            state = path.stat()
            header = _header_sha256(path, state.st_size, state.st_mtime_ns)
            total.update(f"{path.name} {state.st_size} {state.st_mtime_ns} {header}\n".encode())
        for path in (folder / name for name in _TOKENIZER_FILES):
            total.update(f"{path.name} {file_sha256(path) if path.is_file() else '-'}\n".encode())
    except OSError as error:
        raise BaseModelError(f"{error.filename} cannot be read: {error.strerror}", "Make it readable.") from error
    return total.hexdigest()


def refuse_code(base: Path) -> None:
    """Raise if a base brings code of its own, which older releases of mlx-lm would run.

    Raises:
        BaseModelError: Its configuration names a file of code, or cannot be read.
    """
    config = base / "config.json"
    try:
        values = json.loads(config.read_bytes())
    except (OSError, ValueError) as error:
        raise BaseModelError(f"{config} cannot be read: {error}", "Fetch or convert the model again.") from error
    if isinstance(values, dict) and "model_file" in values:
        raise BaseModelError(
            f"The base model {base} brings code of its own ({values['model_file']}), which is never run",
            "Choose a base of an architecture that mlx-lm knows.",
        )


def adapter_fingerprint(folder: Path) -> str:
    """Return a hash of an adapter's weights and configuration, each read in full.

    Raises:
        AdapterError: One of the two files is missing or cannot be read.
    """
    total = sha256()
    try:
        for name in (CONFIG_FILE, WEIGHTS_FILE):
            total.update(file_sha256(folder / name).encode())
    except OSError as error:
        raise AdapterError(
            f"The adapter {folder} cannot be read: {error.filename}: {error.strerror}",
            f"Train it again, or name a folder with {WEIGHTS_FILE} and {CONFIG_FILE}.",
        ) from error
    return total.hexdigest()


def identity(base: Path, adapter: Path | None, decoding: str) -> str:
    """Return a hash of everything that decides an answer, except the prompt.

    Args:
        base (Path): The base model's folder.
        adapter (Path | None): The adapter's folder.
        decoding (str): How tokens are chosen, as a text: ``temperature=0.0``.

    Raises:
        BaseModelError: The base is incomplete.
        AdapterError: The adapter is incomplete.
    """
    adapter_part = adapter_fingerprint(adapter) if adapter else "-"
    return sha256(f"{base_fingerprint(base)} {adapter_part} {decoding}".encode()).hexdigest()


def weight_files(folder: Path) -> list[Path]:
    """Return the files of a base's weights, in their order; whoever opened a pipe of that name would wait for ever."""
    return sorted(path for path in folder.glob("model*.safetensors") if path.is_file())


def base_sha256(folder: Path) -> str:
    """Return the hash of a base's weights; of several files, that of their hashes in the files' order.

    Raises:
        OSError: They cannot be read.
    """
    hashes = [file_sha256(path) for path in weight_files(folder)]
    return hashes[0] if len(hashes) == 1 else sha256("\n".join(hashes).encode()).hexdigest()


def base_name_of(adapter: Path) -> str:
    """Return the name of the base that an adapter was made for, by its card; empty where that does not say."""
    try:
        name = json.loads((adapter / CARD_FILE).read_bytes())["base"]["name"]
    except (OSError, ValueError, KeyError, TypeError):
        return ""
    return name if isinstance(name, str) else ""


def check_card(adapter: Path, base: Path) -> None:
    """Raise if an adapter's card names another base; an adapter without a card passes.

    Raises:
        AdapterError: The adapter was made for another base, or its card cannot be read.
    """
    card = adapter / CARD_FILE
    try:
        made_for = json.loads(card.read_bytes()).get("base") if card.exists() else None
        expected = made_for.get("sha256") if isinstance(made_for, dict) else None
        fits = expected in (None, base_sha256(base))
    except (OSError, ValueError, AttributeError) as error:
        raise AdapterError(f"The adapter's card {card} cannot be read: {error}", "Train it again.") from error
    if not fits:
        raise AdapterError(
            f"The adapter {adapter} was made for another base than {base}",
            "Choose the base it was trained on, or train an adapter for this one.",
        )


def file_sha256(path: Path) -> str:
    """Return the hash of a file's bytes in hexadecimal.

    Raises:
        OSError: The file cannot be read.
    """
    state = path.stat()
    return _content_sha256(path, state.st_size, state.st_mtime_ns)


@lru_cache(maxsize=64)
def _content_sha256(path: Path, size: int, mtime_ns: int) -> str:  # noqa: ARG001 - the cache's key
    total = sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            total.update(block)
    return total.hexdigest()


@lru_cache(maxsize=64)
def _header_sha256(path: Path, size: int, mtime_ns: int) -> str:  # noqa: ARG001 - the cache's key
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        return sha256(file.read(min(length, _MAX_HEADER_BYTES))).hexdigest()
