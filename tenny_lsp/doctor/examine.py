"""Examine all components, in the order in which they need each other."""

import platform
import sys
from pathlib import Path

from tenny_lsp import __version__
from tenny_lsp.doctor.component import Component, without_private_names
from tenny_lsp.doctor.editors import examine_editors
from tenny_lsp.doctor.mlx import examine_mlx
from tenny_lsp.doctor.models import examine_models
from tenny_lsp.doctor.storage import examine_storage
from tenny_lsp.doctor.times import examine_times
from tenny_lsp.mlx_api.index import ApiIndex, load_mlx_index


def examine(python: Path | None = None) -> list[Component]:
    """Return what is found of each component, without private paths.

    Args:
        python (Path, optional): The interpreter whose MLX the facts are about. Default: the one that runs this.
    """
    index = load_mlx_index(python)
    mlx = examine_mlx()
    has_mlx = all(component.state == "works" for component in mlx)
    found = [_python(), Component("Tenny", "works", f"{__version__} in {Path(__file__).parents[1]}"), *mlx]
    found += [_index(index, python), *examine_models(), *examine_storage(), *examine_editors()]
    return [without_private_names(component) for component in [*found, *examine_times(index, has_mlx)]]


def is_well(components: list[Component]) -> bool:
    """Return whether nothing that is needed is broken."""
    return all(component.state != "broken" for component in components)


def _python() -> Component:
    version = platform.python_version()
    return Component("Python", "works", f"{version}, {sys.executable}", values={"version": version})


def _index(index: ApiIndex, python: Path | None) -> Component:
    values = {"version": index.version, "names": len(index), "from_snapshot": index.from_snapshot}
    of = f"{len(index)} names of MLX {index.version}"
    if index.from_snapshot:
        detail, step = (
            f"{of}, from the shipped snapshot: no MLX could be read",
            f"{python or sys.executable} -m pip install mlx",
        )
        return Component("index", "broken" if python else "absent", detail, step, values)
    if index.is_substitute:
        detail = f"{of}, of this Python: {python} has no MLX that can be read"
        return Component("index", "broken", detail, f"{python} -m pip install mlx", values)
    return Component("index", "works", f"{of}, read in {index.folder}", values=values)
