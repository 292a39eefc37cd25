"""What MLX's calls return, where MLX's own annotations are missing or wrong."""

from functools import cache

from tenny_lsp.data import read_toml


@cache
def load_returns() -> dict[str, str]:
    """Return public name → annotation of what calling it returns; of a class, what calling its instances does."""
    table = read_toml("returns.toml")
    return {
        f"mlx.{module}.{name}": annotation
        for annotation, modules in table.items()
        for module, names in modules.items()
        for name in names
    }


def returns_of(name: str) -> str | None:
    """Return the annotation of what calling a public name returns; None where MLX's own can be trusted."""
    return load_returns().get(name)
