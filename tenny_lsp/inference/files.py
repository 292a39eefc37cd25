"""Read the other files that imports lead to, of the workspace and of the API's own source, when they are needed."""

import os
from collections.abc import Mapping
from pathlib import Path

from tenny_lsp.source.buffer import Buffer

#: Bytes of the longest file that is read; a longer one is data, not code.
_LONGEST = 1_000_000


class Files:
    """Python files, parsed when a name leads to them.

    Args:
        roots (tuple[Path, ...]): The folders of the workspace: imports are looked for in them, and no higher.
        within (tuple[Path, ...]): Folders, without links in their paths, outside of which no file is read, whatever
            leads there. Default: any file is.
    """

    def __init__(self, roots: tuple[Path, ...] = (), within: tuple[Path, ...] = ()) -> None:
        self._roots, self._within = roots, within
        self._read: dict[Path, tuple[tuple[int, int], Buffer]] = {}

    def buffer(self, path: Path) -> Buffer | None:
        """Return a file as it is now, parsed again only if it has changed; None when it cannot be read."""
        if self._within and not any(Path(os.path.realpath(path)).is_relative_to(folder) for folder in self._within):
            return None
        try:
            about = path.stat()
            stamp = (about.st_mtime_ns, about.st_size)
            if path not in self._read or self._read[path][0] != stamp:
                if about.st_size > _LONGEST:
                    return None
                self._read[path] = stamp, Buffer(path.read_text("utf-8"))
        except (OSError, ValueError):
            return None
        return self._read[path][1]

    def are_unchanged(self, read: Mapping[Path, Buffer]) -> bool:
        """Return whether files are still what they were when they were read."""
        return all(self.buffer(path) is buffer for path, buffer in read.items())

    def find(self, target: str, origin: Path) -> tuple[Path, list[str]] | None:
        """Return the file that an import leads to, and the names that remain to be looked up in it.

        Args:
            target (str): A module path, or a name in a module; with leading dots when it is relative.
            origin (Path): The file that imports it.
        """
        dots = len(target) - len(target.lstrip("."))
        parts = target.lstrip(".").split(".") if target.lstrip(".") else []
        folders = [origin.parents[dots - 1]] if 0 < dots <= len(origin.parents) else self._folders(origin)
        for folder in folders if dots or parts else ():
            for count in range(len(parts), -1 if dots else 0, -1):
                module = folder.joinpath(*parts[:count])
                for file in (module.parent / f"{module.name}.py", module / "__init__.py"):
                    if file.is_file() and file != origin:
                        return file, parts[count:]
        return None

    def _folders(self, origin: Path) -> list[Path]:
        """Return where an absolute import of a file is looked for, the nearest folder first."""
        around = list(origin.parents)
        root = next((folder for folder in around if folder in self._roots), None)
        if root is None:
            return around[:1]
        return [*around[: around.index(root) + 1], root / "src"]
