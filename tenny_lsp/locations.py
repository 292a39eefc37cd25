"""Find base models and adapters on disk: shipped, fetched, trained by the user, or downloaded from a hub."""

import re
from pathlib import Path

from platformdirs import user_cache_path, user_data_path

from tenny_lsp.errors import BaseModelError
from tenny_lsp.model.adapter_files import WEIGHTS_FILE
from tenny_lsp.model.endpoint_address import is_address

_PACKAGE = Path(__file__).parent
#: The base that Tenny carries.
EMBEDDED = "embedded"
#: The base that ``tenny-lsp fetch`` fetches unless it is told another, and that speaks once it is there.
SMOLLM2 = "smollm2"
#: The adapter that answers questions about MLX.
MLX_DOCS = "mlx-docs"
#: The adapter that remarks on comments.
CYNIC = "cynic"
_HUB_NAME = re.compile(r"[\w.-]+/[\w.-]+")
#: The name of a base that may be fetched: a hub's, or a word.
_NAME = re.compile(r"\w[\w.-]*(?:/\w[\w.-]*)?")
#: What stands for the slash of a hub name in the name of a folder.
_SLASH = "--"
_LONGEST_PART = 255


def expanded(path: str) -> Path:
    """Return a path as a user writes it in a setting, ``~`` included; one of an unknown user is left as it is."""
    try:
        return Path(path).expanduser()
    except RuntimeError:
        return Path(path)


def may_be_path(text: str) -> bool:
    """Return whether a text can be a path at all: file systems take no NUL, and no part above 255 bytes."""
    return "\0" not in text and all(len(part.encode(errors="replace")) <= _LONGEST_PART for part in text.split("/"))


def cache_folder() -> Path:
    """Return the folder of what can be made again: indexes, answers, what was said."""
    return user_cache_path("tenny-lsp", appauthor=False)


def history_file() -> Path:
    """Return where it is kept what was said to which comment."""
    return cache_folder() / "said.json"


def embedded_base() -> Path:
    """Return the folder of the base model that Tenny carries."""
    return _PACKAGE / "base"


def fetched_folder(name: str) -> Path:
    """Return where a base is kept that has been fetched, or will be: ``smollm2``, or a hub's ``owner/name``."""
    return _bases_folder() / name.replace("/", _SLASH)


def fetched_base(name: str) -> Path | None:
    """Return the folder of a base that has been fetched under a name; None when none has, or it is no such name."""
    folder = fetched_folder(name)
    return folder if is_base_name(name) and (folder / "config.json").is_file() else None


def fetched_bases() -> dict[str, Path]:
    """Return the folders of the bases that have been fetched, by name, in the names' order."""
    folders = sorted(_bases_folder().glob("[!.]*/config.json"))
    return {config.parent.name.replace(_SLASH, "/"): config.parent for config in folders}


def base_folder(model: str) -> Path:
    """Return the folder of a base as users name it.

    Args:
        model (str): Empty or ``embedded``: the one that Tenny carries. Otherwise the name of one that has been fetched,
            a folder, or the hub name of one that was downloaded.

    Raises:
        BaseModelError: No base of that name is on this machine.
    """
    if model in ("", EMBEDDED):
        return embedded_base()
    if not may_be_path(model):
        raise BaseModelError(f"{model[:40]!r} … is no path", "`tenny-lsp models` lists the bases there are.")
    if is_address(model):
        raise BaseModelError(
            f"{model} is the address of a server, not a base on this machine",
            "`ask` and `roast` take it; in an editor it is the setting tenny.model.endpoint.",
        )
    # A folder that there is goes before a hub's name.
    if ("/" not in model or is_hub_name(model)) and (fetched := fetched_base(model)) is not None:
        return fetched
    if is_hub_name(model):
        return downloaded(model)
    if model == SMOLLM2 and not Path(model).is_dir():
        raise BaseModelError("The base smollm2 is not on this machine", "Run `tenny-lsp fetch smollm2`.")
    if is_base_name(model) and not Path(model).exists():
        raise BaseModelError(
            f"{model} is neither a base on this machine nor a folder", "`tenny-lsp models` lists the bases there are."
        )
    folder = expanded(model)
    if not folder.is_dir():
        what = "is not a folder" if folder.exists() else "does not exist"
        raise BaseModelError(
            f"The base model {model} {what}", "Name a folder, or one of the bases that `tenny-lsp models` lists."
        )
    return folder


def speaking_base() -> str:
    """Return the name of the base that answers and remarks unless another is named: smollm2 where it is fetched."""
    return EMBEDDED if fetched_base(SMOLLM2) is None else SMOLLM2


def trained_adapter(base: str = "", name: str = MLX_DOCS) -> Path:
    """Return the folder where ``tenny-lsp train`` keeps an adapter unless it is told another.

    Args:
        base (str): The base it is for, as users name it; empty: the embedded one. Each has a folder of its own.
        name (str): What it is for, ``MLX_DOCS`` or ``CYNIC``.
    """
    own = name if base in ("", EMBEDDED) else f"{name}-{Path(base).name}"
    return data_folder() / "adapters" / own


def find_adapter(base: str = "", name: str = MLX_DOCS) -> Path | None:
    """Return the folder of a base's adapter: the user's own, else the one Tenny carries, else None.

    Args:
        base (str): The base, as users name it; empty: the embedded one. Tenny carries adapters for that and for
            ``smollm2``.
        name (str): What the adapter is for, ``MLX_DOCS`` or ``CYNIC``.
    """
    own = trained_adapter(base, name)
    return own if (own / WEIGHTS_FILE).is_file() else shipped_adapter(base, name)


def shipped_adapter(base: str = "", name: str = MLX_DOCS) -> Path | None:
    """Return the folder of the adapter that Tenny carries for a base; None where it carries none.

    Args:
        base (str): The base, as users name it; empty: the embedded one.
        name (str): What the adapter is for, ``MLX_DOCS`` or ``CYNIC``.
    """
    carried = {"": "", EMBEDDED: "", SMOLLM2: SMOLLM2}.get(base)
    if carried is None:
        return None
    candidates = (root / carried / name for root in (_PACKAGE / "adapters", _PACKAGE.parent / "adapters"))
    return next((folder for folder in candidates if (folder / WEIGHTS_FILE).is_file()), None)


def is_base_name(name: str) -> bool:
    """Return whether a base may be kept under a name: a word, or a hub's ``owner/name``."""
    return _NAME.fullmatch(name) is not None and _SLASH not in name


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
            f"{name} is neither a folder nor a model that has been fetched or downloaded",
            f"Run `tenny-lsp fetch {name}`, or train on it: only these may go to the hub.",
        )
    return Path(config).parent


def data_folder() -> Path:
    """Return the folder of bases, adapters and the server's environments."""
    return user_data_path("tenny-lsp", appauthor=False)


def _bases_folder() -> Path:
    return data_folder() / "bases"
