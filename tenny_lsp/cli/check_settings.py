"""The settings of ``check``: those of the command line, else ``[tool.tenny]`` of the nearest pyproject.toml."""

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tenny_lsp.cli.check_listing import SYNTAX_ERROR
from tenny_lsp.data import parse_toml
from tenny_lsp.errors import StorageError

if TYPE_CHECKING:
    from tenny_lsp.pitfalls.check import Rules

_FILE = "pyproject.toml"
_KEYS = ("exclude", "ignore", "per-file-ignores", "select")
_NEXT = "docs/check.md describes the settings."


@dataclass(frozen=True, slots=True)
class CheckSettings:
    """What is checked of some files.

    Args:
        folder (Path): The folder that patterns are relative to.
        select (tuple[str, ...]): The codes of the pitfalls that are listed; empty: all.
        ignore (tuple[str, ...]): The codes of those that are not.
        exclude (tuple[str, ...]): The patterns of files and folders that are passed over.
        per_file_ignores (dict[str, tuple[str, ...]]): Patterns of files, and the codes that are ignored in them.
    """

    folder: Path
    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    per_file_ignores: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def excludes(self, path: Path) -> bool:
        """Return whether a file or folder is excluded; that a folder around it is, is not looked at."""
        return any(_matches(path, self.folder, pattern) for pattern in self.exclude)

    def ignored_in(self, path: Path) -> frozenset[str]:
        """Return the codes that are ignored in a file besides those that are ignored everywhere."""
        patterns = (pattern for pattern in self.per_file_ignores if _matches(path, self.folder, pattern))
        return frozenset(code for pattern in patterns for code in self.per_file_ignores[pattern])


@dataclass(frozen=True, slots=True)
class GivenSettings:
    """The settings of the command line; each that is given replaces the same one of a file.

    Args:
        select (tuple[str, ...]): The codes of the pitfalls that are listed.
        ignore (tuple[str, ...]): The codes of those that are not.
        exclude (tuple[str, ...]): The patterns of files and folders that are passed over, seen from the working folder.
    """

    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()


class SettingsOfFiles:
    """The settings that hold for each file.

    Args:
        given (GivenSettings): The settings of the command line.
    """

    def __init__(self, given: GivenSettings) -> None:
        self._given = given
        self._by_folder: dict[Path, CheckSettings] = {}
        self._rules: dict[tuple[tuple[str, ...], frozenset[str]], Rules] = {}

    def is_excluded(self, path: Path) -> bool:
        """Return whether a file or folder is excluded by itself.

        Raises:
            StorageError: The settings cannot be read, or make no sense; so do the other functions.
        """
        path = _absolute(path)
        working = CheckSettings(Path.cwd(), exclude=self._given.exclude)
        return (working if self._given.exclude else self._of_folder(path.parent)).excludes(path)

    def is_inside_excluded(self, path: Path) -> bool:
        """Return whether a file, or any folder around it, is excluded."""
        path, working = _absolute(path), Path.cwd()
        around = (each for each in path.parents if not self._given.exclude or not working.is_relative_to(each))
        return any(self.is_excluded(each) for each in (path, *around))

    def rules_for(self, path: Path) -> "tuple[Rules, bool]":
        """Return the rules that are selected for a file, and whether syntax errors are listed."""
        from tenny_lsp.pitfalls.check import Rules

        path = _absolute(path)
        settings = self._of_folder(path.parent)
        select = self._given.select or settings.select
        ignore = settings.ignored_in(path).union(self._given.ignore or settings.ignore)
        if (select, ignore) not in self._rules:
            self._rules[select, ignore] = Rules(_of_rules(select), _of_rules(ignore))
        lists_errors = not {SYNTAX_ERROR, "all"} & ignore
        return self._rules[select, ignore], lists_errors

    def _of_folder(self, folder: Path) -> CheckSettings:
        if folder not in self._by_folder:
            settings = _read(folder / _FILE)
            if settings is None:
                is_top = folder.parent == folder
                settings = CheckSettings(folder) if is_top else self._of_folder(folder.parent)
            self._by_folder[folder] = settings
        return self._by_folder[folder]


def unknown_codes(codes: Sequence[str]) -> list[str]:
    """Return the codes that no rule has, and that are not ``all`` or that of syntax errors."""
    from tenny_lsp.pitfalls.check import Rules

    return Rules(_of_rules(codes)).unknown


def _of_rules(codes: Sequence[str] | frozenset[str]) -> list[str]:
    return [code for code in codes if code != SYNTAX_ERROR]


def _absolute(path: Path) -> Path:
    return Path(os.path.abspath(path))  # noqa: PTH100 - without "..", and links stay where they lie


def _matches(path: Path, folder: Path, pattern: str) -> bool:
    """Return whether a pattern is the name of a file or folder, or its path from the folder of the settings."""
    pattern = pattern.removeprefix("./").rstrip("/")
    if "/" not in pattern:
        return fnmatchcase(path.name, pattern)
    if not path.is_relative_to(folder):
        return False
    inside = path.relative_to(folder).as_posix()
    return fnmatchcase(inside, pattern) or (pattern.startswith("**/") and fnmatchcase(inside, pattern[3:]))


def _read(file: Path) -> CheckSettings | None:
    """Return the settings in a pyproject.toml. Returns None where there is none, or it has no ``[tool.tenny]``."""
    try:
        text = file.read_text("utf-8")
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise StorageError(f"{file} could not be read: {error.strerror}", "Make it readable.") from error
    except ValueError as error:
        raise StorageError(f"{file} is no UTF-8 text", "TOML is always UTF-8.") from error
    try:
        tool = parse_toml(text).get("tool")
    except (ValueError, RecursionError) as error:
        raise StorageError(f"{file} is not TOML: {error}", "Put it right: Tenny's settings may be in it.") from error
    if not isinstance(tool, dict) or "tenny" not in tool:
        return None
    table = tool["tenny"]
    for what, key in _mistakes(table):
        raise StorageError(f"{file}:{_line(text, key)}: {what}", _NEXT)
    ignores = {pattern: tuple(codes) for pattern, codes in table.get("per-file-ignores", {}).items()}
    select, ignore, exclude = (tuple(table.get(key, ())) for key in ("select", "ignore", "exclude"))
    return CheckSettings(file.parent, select, ignore, exclude, ignores)


def _mistakes(table: Any) -> Iterator[tuple[str, str]]:
    """Yield what is wrong with ``[tool.tenny]``, each with the key where that stands."""
    if not isinstance(table, dict):
        yield "[tool.tenny] must be a table", "tenny"
        return
    for key in table:
        if key not in _KEYS:
            yield f"[tool.tenny] has no setting `{key}`; it has {', '.join(_KEYS)}", key
    ignores = table.get("per-file-ignores", {})
    if not isinstance(ignores, dict):
        yield "`per-file-ignores` must be a table of patterns and lists of codes", "per-file-ignores"
        return
    lists = [(key, table[key]) for key in ("exclude", "ignore", "select") if key in table]
    for key, value in [*lists, *ignores.items()]:
        if not isinstance(value, list) or not all(isinstance(one, str) and one for one in value):
            yield f"`{key}` must be a list of strings", key
        elif (key, value) != ("exclude", table.get("exclude")) and (unknown := unknown_codes(value)):
            yield f"there is no pitfall called {', '.join(unknown)}", unknown[0]


def _line(text: str, word: str) -> int:
    """Return the line, from 1, where a word of ``[tool.tenny]`` stands; that of the table where it is not found."""
    table = re.search(r"\btenny\b", text)
    start = table.start() if table is not None else 0
    found = re.compile(rf"(?<![\w-]){re.escape(word)}(?![\w-])").search(text, start)
    return text.count("\n", 0, found.start() if found is not None else start) + 1
