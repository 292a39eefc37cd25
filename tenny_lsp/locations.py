"""Find base models and adapters on disk: shipped, trained by the user, or downloaded from a hub."""

import re
from pathlib import Path

from platformdirs import user_data_path

from tenny_lsp.errors import BaseModelError
from tenny_lsp.model.adapter_files import WEIGHTS_FILE

_PACKAGE = Path(__file__).parent
#: The adapter that answers questions about MLX.
MLX_DOCS = "mlx-docs"
#: The adapter that remarks on comments.
CYNIC = "cynic"
_HUB_NAME = re.compile(r"[\w.-]+/[\w.-]+")


def expanded(path: str) -> Path:
    """Return a path as a user writes it in a setting, ``~`` included; one of an unknown user is left as it is."""
    try:
        return Path(path).expanduser()
    except RuntimeError:
        return Path(path)


def embedded_base() -> Path:
    """Return the folder of the base model that Tenny carries."""
    return _PACKAGE / "base"


def trained_adapter(base: str = "", name: str = MLX_DOCS) -> Path:
    """Return the folder where ``tenny-lsp train`` keeps an adapter unless it is told another.

    Args:
        base (str): The base it is for, a folder or a hub name; empty: the embedded one. Each has a folder of its own.
        name (str): What it is for, ``MLX_DOCS`` or ``CYNIC``.
    """
    own = f"{name}-{Path(base).name}" if base else name
    return user_data_path("tenny-lsp", appauthor=False) / "adapters" / own


def find_adapter(base: str = "", name: str = MLX_DOCS) -> Path | None:
    """Return the folder of a base's adapter: the user's own, else the one Tenny carries, else None.

    Args:
        base (str): The base, a folder or a hub name; empty: the embedded one, the only one Tenny carries adapters for.
        name (str): What the adapter is for, ``MLX_DOCS`` or ``CYNIC``.
    """
    shipped = () if base else (_PACKAGE / "adapters" / name, _PACKAGE.parent / "adapters" / name)
    candidates = (trained_adapter(base, name), *shipped)
    return next((folder for folder in candidates if (folder / WEIGHTS_FILE).is_file()), None)


def is_hub_name(model: str) -> bool:
    """Return whether a model is named as a hub names it, ``owner/name``, rather than by a folder that there is."""
    return _HUB_NAME.fullmatch(model) is not None and not Path(model).exists()


def downloaded(name: str) -> Path:
    """Return the folder that a model of a hub was downloaded to, by Hugging Face's tools or by ``train``.

    Raises:
        BaseModelError: It is not on this machine.
    """
    from huggingface_hub import try_to_load_from_cache  # a third of a second, for those who name a model so

    config = try_to_load_from_cache(name, "config.json")
    if not isinstance(config, str):
        raise BaseModelError(
            f"{name} is neither a folder nor a model that has been downloaded",
            f"Run `hf download {name}`, or train on it: only these may go to the hub.",
        )
    return Path(config).parent
