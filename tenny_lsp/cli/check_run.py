"""Run a check: list the pitfalls of files, and put right those that are listed and safe to put right."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from tenny_lsp.cli.check_files import SourceFile, python_files, read_source, write_source
from tenny_lsp.cli.check_formats import print_diff
from tenny_lsp.cli.check_listing import CheckReport, Lines, ListedPitfall, UncheckedFile, syntax_error
from tenny_lsp.inference.engine import Engine
from tenny_lsp.inference.files import Files
from tenny_lsp.pitfalls.check import pitfalls
from tenny_lsp.pitfalls.fixes import fixed_as_listed
from tenny_lsp.source.buffer import Buffer

if TYPE_CHECKING:
    from tenny_lsp.cli.check_settings import SettingsOfFiles
    from tenny_lsp.mlx_api.index import ApiIndex


@dataclass(frozen=True, slots=True)
class FixedText:
    """A file's new text.

    Args:
        source (SourceFile): The file.
        text (str): Its text with the fixes.
        pitfalls (int): How many pitfalls these put right.
    """

    source: SourceFile
    text: str
    pitfalls: int


class CheckRun:
    """A check of files and folders.

    Args:
        paths (Sequence[Path]): The files and folders.
        settings (SettingsOfFiles): What is checked of each file.
        index (ApiIndex): The MLX that the code is for.
        force_exclude (bool): Whether a file or folder may be excluded though it is named itself.
    """

    def __init__(
        self, paths: Sequence[Path], settings: "SettingsOfFiles", index: "ApiIndex", *, force_exclude: bool = False
    ) -> None:
        self.report = CheckReport()
        self._settings = settings
        self._index = index
        named = [path for path in paths if not (force_exclude and settings.is_inside_excluded(path))]
        folders = [Path(os.path.realpath(path)) for path in named if os.path.isdir(path)]  # noqa: PTH112 - as there
        self._files = Files(tuple(folders))
        self._sources = list[SourceFile]()
        self._listed = list[list[ListedPitfall]]()
        self._read(named)
        self._list()

    def changes(self) -> list[FixedText]:
        """Return the new texts of the files with pitfalls that are listed and safe to put right."""
        changed = []
        for source, listed in zip(self._sources, self._listed, strict=True):
            if any(one.is_safe_to_fix for one in listed):
                rules, _ = self._settings.rules_for(source.path)
                evaluator_of = partial(self._engine, source)
                found = [one.pitfall for one in listed]
                text, count = fixed_as_listed(Buffer(source.text), found, rules, evaluator_of)
                changed.append(FixedText(source, text, count))
        return [change for change in changed if change.text != change.source.text]

    def fix(self) -> None:
        """Put right what is listed and safe to put right, and list what is left.

        Every new text is made before any is written: else what one file means could change what is found in another.
        """
        for change in self.changes():
            failed = write_source(change.source, change.text)
            if failed is not None:
                self.report.unchecked.append(failed)
                continue
            change.source.text = change.text
            self.report.count(change.pitfalls)
        if self.report.fixed_files:
            self._list()

    def print_diff(self) -> None:
        """Print what ``fix`` would change, and change nothing."""
        for change in self.changes():
            print_diff(change.source, change.text)
            self.report.count(change.pitfalls)

    def _read(self, named: Sequence[Path]) -> None:
        files: dict[str, tuple[Path, bool]] = {}
        for path, is_named in python_files(named, self._settings.is_excluded, self.report.unchecked.append):
            files.setdefault(os.path.realpath(path), (path, is_named))
        for path, is_named in files.values():
            source = read_source(path, is_named=is_named)
            if isinstance(source, UncheckedFile):
                self.report.unchecked.append(source)
            else:
                self._sources.append(source)
        self.report.checked = len(self._sources)

    def _list(self) -> None:
        self._listed = [self._pitfalls_of(source) for source in self._sources]
        self.report.found = [one for listed in self._listed for one in listed]

    def _pitfalls_of(self, source: SourceFile) -> list[ListedPitfall]:
        rules, lists_errors = self._settings.rules_for(source.path)
        mentions_mlx = "mlx" in source.text
        lines = Lines(source.text)
        if lists_errors and (mentions_mlx or source.is_named) and (error := syntax_error(source.text)) is not None:
            return [ListedPitfall(source.path, lines, error)]
        found = pitfalls(self._engine(source, Buffer(source.text)), rules) if mentions_mlx else []
        return [ListedPitfall(source.path, lines, pitfall) for pitfall in found]

    def _engine(self, source: SourceFile, buffer: Buffer) -> Engine:
        return Engine(buffer, self._index, self._files, Path(os.path.realpath(source.path)))
