"""Examine the folders that Tenny writes to: size, whether they can be written, and the free disk below them."""

import shutil
import tempfile
from pathlib import Path

from tenny_lsp import locations
from tenny_lsp.doctor.component import Component

#: So little is too little to write an index and answers.
_LEAST_FREE_BYTES = 100_000_000
#: What a fetched base, its adapters and MLX's own temporary files need.
_ENOUGH_FREE_BYTES = 1_000_000_000


def examine_storage() -> list[Component]:
    """Return the cache's folder, the folder of bases and adapters, and the free disk of both."""
    folders = {"cache": locations.cache_folder(), "bases and adapters": locations.data_folder()}
    return [_folder(name, folder) for name, folder in folders.items()] + [
        _free(name, folder) for name, folder in folders.items()
    ]


def _folder(name: str, folder: Path) -> Component:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"0")
        size = sum(file.lstat().st_size for file in folder.rglob("*"))
    except OSError as error:
        detail = f"{folder} cannot be written: {error.strerror or error}"
        return Component(name, "broken", detail, f"mkdir -p {folder} && chmod -R u+rwX {folder}")
    detail = f"{folder}, {size / 1e6:.0f} MB, can be written"
    return Component(name, "works", detail, values={"folder": str(folder), "bytes": size})


def _free(name: str, folder: Path) -> Component:
    below = next(parent for parent in (folder, *folder.parents) if parent.is_dir())
    free = shutil.disk_usage(below).free
    title, detail = f"free disk, {name}", f"{free / 1e9:.1f} GB at {below}"
    step = "" if free >= _ENOUGH_FREE_BYTES else f"free some space at {below}: fetching and training need about 1 GB"
    return Component(title, "broken" if free < _LEAST_FREE_BYTES else "works", detail, step, {"free_bytes": free})
