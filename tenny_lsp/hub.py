"""Models by their hub names: where an earlier download of one lies. Nothing is ever downloaded here."""

import re
from pathlib import Path

from tenny_lsp.errors import BaseModelError

_NAME = re.compile(r"[\w.-]+/[\w.-]+")


def is_hub_name(model: str) -> bool:
    """Tells whether a model is named as a hub names it, ``owner/name``, rather than by a folder that there is."""
    return _NAME.fullmatch(model) is not None and not Path(model).exists()


def downloaded(name: str) -> Path:
    """Returns the folder that a model of a hub was downloaded to, by Hugging Face's tools or by ``train``.

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
