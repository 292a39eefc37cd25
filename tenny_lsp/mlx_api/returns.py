"""What MLX's calls return where its annotations say nothing, or something else."""

import sys
from functools import cache
from importlib.resources import files

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


@cache
def load_returns() -> dict[str, str]:
    """Returns public name → annotation of what calling it returns; of a class, what calling its instances does."""
    table = tomllib.loads((files("tenny_lsp") / "data" / "returns.toml").read_text("utf-8"))
    return {
        f"mlx.{module}.{name}": annotation
        for annotation, modules in table.items()
        for module, names in modules.items()
        for name in names
    }


def returns_of(name: str) -> str | None:
    """Returns the annotation of what calling a public name returns; None where MLX's own can be trusted."""
    return load_returns().get(name)
