"""Index an API: every public name of an installed package, with its signatures and documentation.

Read statically from the package's stubs and sources and kept in the platform's cache folder. The snapshot shipped with
Tenny answers where MLX is not installed, and spares the reading where the installed files are those it was read from.
"""

import contextlib
import gzip
import json
import logging
import os
import re
from collections.abc import Iterator
from dataclasses import replace
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any

from platformdirs import user_cache_path

from tenny_lsp import __version__
from tenny_lsp.data import read_bytes, read_toml
from tenny_lsp.errors import ApiIndexError
from tenny_lsp.mlx_api.entry import ApiEntry
from tenny_lsp.mlx_api.environment import Installed, find_installed

LOGGER = logging.getLogger(__name__)

#: Written into every cache file; another number makes older files unreadable, so they are rebuilt.
_SCHEMA = 2
#: The file in data/ that tools/build_snapshot.py writes.
SNAPSHOT = "mlx-api.json.gz"
_UNDOCUMENTED = "undocumented.toml"


class ApiIndex:
    """Every public name of one version of a package.

    Args:
        package (str): The package's name.
        version (str): Its version.
        entries (dict[str, dict[str, Any]]): Public name → ``ApiEntry.to_json()``.
        from_snapshot (bool): Whether these are the entries of the shipped snapshot. Default: False.
        folder (Path, optional): Where the package is installed: what entries' paths are relative to.
    """

    def __init__(
        self,
        package: str,
        version: str,
        entries: dict[str, dict[str, Any]],
        from_snapshot: bool = False,
        folder: Path | None = None,
    ) -> None:
        self.folder = folder
        self.package = package
        self.version = version
        self.from_snapshot = from_snapshot
        #: Whether these are not the entries of the interpreter that was asked for, but another's or the snapshot's.
        self.is_substitute = from_snapshot
        self._raw = entries
        self._entries: dict[str, ApiEntry] = {}
        self._by_alias = {alias: name for name, raw in entries.items() for alias in raw.get("aliases", ())}
        self._most_dots = max((name.count(".") for name in (*self._raw, *self._by_alias)), default=0)

    def __len__(self) -> int:
        return len(self._raw)

    def __iter__(self) -> Iterator[ApiEntry]:
        """Yield every entry, sorted by name."""
        return (self._entry(name) for name in self._raw)

    def resolve(self, name: str) -> ApiEntry | None:
        """Return the entry of a public name, an alias or an inherited member; None when there is none."""
        public = name if name in self._raw else self._by_alias.get(name)
        if public is not None:
            return self._entry(public)
        owner, _, member = name.rpartition(".")
        # One dot more than the deepest name is still a member that a class inherits.
        parent = self.resolve(owner) if owner and member and owner.count(".") <= self._most_dots else None
        if parent is None or parent.kind not in ("class", "module"):
            return None
        if parent.name != owner and (found := self.resolve(f"{parent.name}.{member}")):
            return found
        return next((found for base in parent.bases if (found := self.resolve(f"{base}.{member}"))), None)

    def named(self, short_name: str) -> list[ApiEntry]:
        """Return the entries with this last component, the least nested first."""
        return [self._entry(name) for name in self._by_short_name.get(short_name, ())]

    @cached_property
    def _by_short_name(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for name in sorted(self._raw, key=lambda name: (name.count("."), name)):
            found.setdefault(name.rpartition(".")[2], []).append(name)
        return found

    def members(self, owner: ApiEntry) -> Iterator[tuple[str, ApiEntry]]:
        """Yield the members of a module or class under the names they go by there, inherited ones last."""
        for name in self._children.get(owner.name, ()):
            yield name.rpartition(".")[2], self._entry(self._by_alias.get(name, name))
        for base in owner.bases:
            if (parent := self.resolve(base)) is not None:
                yield from self.members(parent)

    @cached_property
    def _children(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for name in sorted({*self._raw, *self._by_alias}):
            found.setdefault(name.rpartition(".")[0], []).append(name)
        return found

    def _entry(self, name: str) -> ApiEntry:
        if name not in self._entries:
            self._entries[name] = self._with_related(ApiEntry.from_json(self._raw[name]))
        return self._entries[name]

    def _with_related(self, entry: ApiEntry) -> ApiEntry:
        """Return the entry with the documentation of the name it refers to ("See …") where it has none."""
        if not entry.related or entry.related not in self._raw:
            return entry
        related = ApiEntry.from_json(self._raw[entry.related])
        refers_only = re.match(r"See :\w+:", entry.summary)
        own = {parameter.name for signature in entry.signatures for parameter in signature.parameters}
        return replace(
            entry,
            summary=related.summary if refers_only else entry.summary,
            body=related.body if refers_only else entry.body,
            parameters=entry.parameters or tuple(item for item in related.parameters if item.name in own),
            returns=entry.returns or related.returns,
        )

    def to_bytes(self, sources: str = "") -> bytes:
        """Return the index as it is cached and shipped, with the hash of the files that it was read from."""
        values = {"schema": _SCHEMA, "package": self.package, "version": self.version, "entries": self._raw}
        if sources:
            values["sources"] = sources
        return json.dumps(values, ensure_ascii=False, separators=(",", ":")).encode()

    @classmethod
    def from_bytes(cls, data: bytes, from_snapshot: bool = False, folder: Path | None = None) -> "ApiIndex":
        """Return the index that ``to_bytes`` wrote.

        Raises:
            ValueError, KeyError: The bytes are not an index of this version of Tenny.
        """
        values = json.loads(data)
        if not isinstance(values, dict) or values.get("schema") != _SCHEMA or type(values["entries"]) is not dict:
            raise ValueError("not an index of this version of Tenny")
        return cls(values["package"], values["version"], values["entries"], from_snapshot, folder)


def load_index(package: str = "mlx", python: Path | None = None, cache: Path | None = None) -> ApiIndex:
    """Return the index of an installed package, from the cache when it is there.

    Args:
        package (str): The name the package is imported by.
        python (Path, optional): The interpreter whose package is meant. Default: the one that runs this.
        cache (Path, optional): The cache's folder. Default: the platform's.

    Raises:
        ApiIndexError: The package is not installed, or has no stubs, or the interpreter cannot be run.
    """
    installed = find_installed(package, python)
    stubs = installed.folder / "core" / "__init__.pyi"
    if package == "mlx" and not stubs.is_file():
        raise ApiIndexError(
            f"MLX {installed.version} in {installed.folder} has no stubs (core/__init__.pyi is missing)",
            "Reinstall mlx from a wheel: pip install --force-reinstall mlx.",
        )
    path = _cache_file(installed, cache)
    try:
        return ApiIndex.from_bytes(path.read_bytes(), folder=installed.folder.parent)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        index = (_shipped(installed) if package == "mlx" else None) or extract(installed)
        _write_cache(index, path)
        return index


def load_mlx_index(python: Path | None = None, cache: Path | None = None) -> ApiIndex:
    """Return the index of an interpreter's MLX, else of this process's, else the shipped snapshot.

    Never raises: what is wrong with an installed MLX is logged.
    """
    for interpreter in dict.fromkeys((python, None)):
        try:
            index = load_index("mlx", interpreter, cache)
            index.is_substitute = interpreter != python
            return index
        except (ApiIndexError, OSError) as error:  # OSError: pip is at work on MLX right now
            LOGGER.warning("%s", error)
    snapshot = read_bytes(SNAPSHOT)
    return ApiIndex.from_bytes(gzip.decompress(snapshot), from_snapshot=True)


def extract(installed: Installed) -> ApiIndex:
    """Return the index of a package, read from its files.

    Raises:
        ApiIndexError: They cannot be read.
    """
    from tenny_lsp.mlx_api.extraction import read_entries  # griffe: not needed when the cache answers

    entries = {entry.name: entry.to_json() for entry in read_entries(installed)}
    if installed.package == "mlx":
        said_elsewhere = read_toml(_UNDOCUMENTED)
        for name in said_elsewhere.keys() & entries.keys():
            entries[name]["summary"] = said_elsewhere[name]
    return ApiIndex(installed.package, installed.version, entries, folder=installed.folder.parent)


def sources_sha256(installed: Installed) -> str:
    """Return a hash of everything that an index is read from: the names and contents of the package's files.

    Raises:
        OSError: One of them cannot be read.
    """
    total = sha256()
    for path in _sources(installed):
        content = path.read_bytes()
        name = path.relative_to(installed.folder).as_posix()
        total.update(f"{name}\0{len(content)}\0".encode(errors="surrogateescape"))
        total.update(content)
    return total.hexdigest()


def _shipped(installed: Installed) -> ApiIndex | None:
    """Return the shipped snapshot as the index of a package; None if it was read from other files."""
    values = json.loads(gzip.decompress(read_bytes(SNAPSHOT)))
    try:
        is_of_it = (values["version"], values["sources"]) == (installed.version, sources_sha256(installed))
    except OSError:
        is_of_it = False
    if not is_of_it:
        return None
    return ApiIndex(installed.package, installed.version, values["entries"], folder=installed.folder.parent)


def _sources(installed: Installed) -> Iterator[Path]:
    """Yield the files that an index is read from, sorted."""
    paths = sorted([installed.folder, *installed.folder.rglob("*.py*")])
    return (path for path in paths if path.suffix in (".py", ".pyi"))


def _cache_file(installed: Installed, cache: Path | None) -> Path:
    key = sha256(f"{__version__}|{installed.folder}".encode())
    for path in _sources(installed):
        stamp = path.lstat()
        key.update(f"|{path}|{stamp.st_mtime_ns}|{stamp.st_size}".encode(errors="surrogateescape"))
    name = f"{installed.package}-{installed.version}-{key.hexdigest()[:12]}.json"
    return (cache or user_cache_path("tenny-lsp", appauthor=False)) / "api" / name


def _write_cache(index: ApiIndex, path: Path) -> None:
    partial = path.with_suffix(f".{os.getpid()}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.write_bytes(index.to_bytes())
        partial.replace(path)
    except OSError as error:
        LOGGER.warning("The index of %s could not be cached in %s: %s", index.package, path.parent, error)
        with contextlib.suppress(OSError):
            partial.unlink()
