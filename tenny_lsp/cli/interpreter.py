"""The MLX of the interpreter that ``--python`` names."""

from pathlib import Path
from typing import TYPE_CHECKING

from tenny_lsp.errors import ApiIndexError

if TYPE_CHECKING:
    from tenny_lsp.mlx_api.index import ApiIndex


def index_of(python: Path | None) -> "ApiIndex":
    """Return the index of an interpreter's MLX; where none is named, of this one's, else the shipped snapshot.

    Raises:
        ApiIndexError: The interpreter that is named cannot be run, or has no MLX.
    """
    from tenny_lsp.mlx_api.environment import find_installed
    from tenny_lsp.mlx_api.index import load_mlx_index

    if python is None:
        return load_mlx_index()
    find_installed("mlx", python)
    index = load_mlx_index(python)
    if index.is_substitute or index.from_snapshot:
        raise ApiIndexError(f"The MLX of {python} could not be read", "Install it there again: pip install mlx.")
    return index
