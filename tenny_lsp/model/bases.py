"""Describe base models: what each is called, where it comes from, under which licence, and what it can do."""

import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from tenny_lsp.errors import BaseModelError
from tenny_lsp.model.adapter_files import CARD_FILE
from tenny_lsp.model.protocol import ALL_ABILITIES, Abilities


@dataclass(frozen=True, slots=True)
class BaseCard:
    """What is known of a base: the ``card.json`` in its folder.

    Args:
        name (str): What users call it: ``smollm2``, or a hub's ``owner/name``.
        origin (str): Where it comes from, and what it was made from.
        licence (str): The name of its licence.
        sha256 (str): The hash of its weights.
        can (Abilities): What it can do.
    """

    name: str
    origin: str
    licence: str
    sha256: str
    can: Abilities = ALL_ABILITIES

    def values(self) -> dict[str, Any]:
        """Return the card as JSON values."""
        return asdict(self)


def read_base_card(folder: Path) -> BaseCard | None:
    """Return the card of a base; None when its folder has none: nobody has fetched it with Tenny.

    Raises:
        BaseModelError: The card cannot be read.
    """
    file = folder / CARD_FILE
    try:
        values = json.loads(file.read_text("utf-8"))
        given = {field.name: values[field.name] for field in fields(BaseCard)}
        known = {field.name for field in fields(Abilities)}
        can = Abilities(**{name: bool(value) for name, value in given.pop("can").items() if name in known})
        return BaseCard(**{name: str(value) for name, value in given.items()}, can=can)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise BaseModelError(
            f"The base's card {file} cannot be read: {error!r}", "Fetch the base again: `tenny-lsp fetch`."
        ) from error
