"""Where the base model and the adapters lie, in a checkout and in an installed package alike."""

import json
from pathlib import Path

from platformdirs import user_data_path

_PACKAGE = Path(__file__).parent
#: The adapter that answers questions about MLX.
MLX_DOCS = "mlx-docs"


def expanded(path: str) -> Path:
    """Returns a path as a user writes it in a setting, ``~`` included; one of an unknown user is left as it is."""
    try:
        return Path(path).expanduser()
    except RuntimeError:
        return Path(path)


def embedded_base() -> Path:
    """Returns the folder of the base model that Tenny carries."""
    return _PACKAGE / "base"


def trained_adapter(name: str = MLX_DOCS) -> Path:
    """Returns the folder where ``tenny-lsp train`` keeps an adapter unless it is told another."""
    return user_data_path("tenny-lsp", appauthor=False) / "adapters" / name


def find_adapter(base: str = "", name: str = MLX_DOCS) -> Path | None:
    """Returns the folder of an adapter: the user's own, else the one Tenny carries, else None.

    Args:
        base (str): The base it is for, as it was named to ``tenny-lsp train``; empty: the embedded one.
        name (str): The adapter's name.
    """
    shipped = (_PACKAGE / "adapters" / name, _PACKAGE.parent / "adapters" / name)
    candidates = (trained_adapter(name), *shipped)
    found = next((folder for folder in candidates if (folder / "adapters.safetensors").is_file()), None)
    return found if found is None or not base or _made_for(found) == base else None


def _made_for(adapter: Path) -> str | None:
    """Returns the base that an adapter's card names; None when there is no such card."""
    try:
        name = json.loads((adapter / "card.json").read_bytes())["base"]["name"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return name if isinstance(name, str) else None
