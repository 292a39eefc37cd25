"""Keep the code that attrs generates for the protocol's classes: compiling it is half of what importing them takes.

``lsprotocol.types`` has 554 classes. attrs writes the methods of each as source and compiles it with ``compile``, a
name that it looks up in its module at each call. While the classes are made it is bound to a function that has what
earlier starts compiled, and compiles what they have not.
"""

import hashlib
import importlib.util
import marshal
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import CodeType
from typing import Any

from attr import _make as attrs_classes
from platformdirs import user_cache_path

#: The bytes of the digest that a file begins with: marshal reads no damaged file without harm.
_DIGEST = hashlib.sha256().digest_size


@contextmanager
def generated_code_kept(file: Path | None = None) -> Iterator[None]:
    """Keep what attrs compiles while classes are made, and compile nothing that has been kept.

    Args:
        file (Path, optional): Where it is kept. Default: in the platform's cache folder, a file for each Python.
    """
    file = file or _default_file()
    kept = _read(file)
    used: dict[tuple[str, str, str], CodeType] = {}

    def compiled(source: str, filename: str, mode: str, *arguments: Any) -> CodeType:
        key = (source, filename, mode)
        code = kept.get(key)
        used[key] = code if code is not None else compile(source, filename, mode, *arguments)
        return used[key]

    namespace = vars(attrs_classes)
    namespace["compile"] = compiled
    try:
        yield
    finally:
        del namespace["compile"]
    if used.keys() != kept.keys():
        _write(file, used)


def _default_file() -> Path:
    folder = user_cache_path("tenny-lsp", appauthor=False)
    return folder / f"protocol-{sys.implementation.cache_tag}-{importlib.util.MAGIC_NUMBER.hex()}.bin"


def _read(file: Path) -> dict[tuple[str, str, str], CodeType]:
    try:
        data = file.read_bytes()
    except OSError:
        return {}
    if hashlib.sha256(data[_DIGEST:]).digest() != data[:_DIGEST]:
        return {}
    read: dict[tuple[str, str, str], CodeType] = marshal.loads(data[_DIGEST:])
    return read


def _write(file: Path, codes: dict[tuple[str, str, str], CodeType]) -> None:
    """Replace the file in one step: another server may be reading it. Without a file everything is compiled again."""
    data = marshal.dumps(codes)
    partial = file.with_suffix(f".{os.getpid()}.partial")
    with suppress(OSError):
        file.parent.mkdir(parents=True, exist_ok=True)
        partial.write_bytes(hashlib.sha256(data).digest() + data)
        partial.replace(file)
    with suppress(OSError):
        partial.unlink(missing_ok=True)
