"""Which arguments of MLX's functions and layers take an array and nothing else."""

from functools import cache

from tenny_lsp.data import read_toml


@cache
def load_consumers() -> dict[str, frozenset[str]]:
    """Return public name → the positions that take an array, ``items`` for a list of them; of a class, of its calls."""
    found: dict[str, set[str]] = {}
    for position, modules in read_toml("consumers.toml").items():
        for module, names in modules.items():
            for name in names:
                found.setdefault(f"mlx.{module}.{name}", set()).add(position)
    return {name: frozenset(positions) for name, positions in found.items()}
