"""Where the base model and the adapters lie, in a checkout and in an installed package alike."""

from pathlib import Path

from platformdirs import user_data_path

_PACKAGE = Path(__file__).parent
#: The adapter that answers questions about MLX.
MLX_DOCS = "mlx-docs"
#: The adapter that speaks of comments.
CYNIC = "cynic"


def expanded(path: str) -> Path:
    """Returns a path as a user writes it in a setting, ``~`` included; one of an unknown user is left as it is."""
    try:
        return Path(path).expanduser()
    except RuntimeError:
        return Path(path)


def embedded_base() -> Path:
    """Returns the folder of the base model that Tenny carries."""
    return _PACKAGE / "base"


def trained_adapter(base: str = "", name: str = MLX_DOCS) -> Path:
    """Returns the folder where ``tenny-lsp train`` keeps an adapter unless it is told another.

    Args:
        base (str): The base it is for, a folder or a hub name; empty: the embedded one. Each has a folder of its own.
        name (str): What it is for, ``MLX_DOCS`` or ``CYNIC``.
    """
    own = f"{name}-{Path(base).name}" if base else name
    return user_data_path("tenny-lsp", appauthor=False) / "adapters" / own


def find_adapter(base: str = "", name: str = MLX_DOCS) -> Path | None:
    """Returns the folder of a base's adapter: the user's own, else the one Tenny carries, else None.

    Args:
        base (str): The base, a folder or a hub name; empty: the embedded one, the only one Tenny carries adapters for.
        name (str): What the adapter is for, ``MLX_DOCS`` or ``CYNIC``.
    """
    shipped = () if base else (_PACKAGE / "adapters" / name, _PACKAGE.parent / "adapters" / name)
    candidates = (trained_adapter(base, name), *shipped)
    return next((folder for folder in candidates if (folder / "adapters.safetensors").is_file()), None)
