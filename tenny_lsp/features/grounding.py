"""Whether generated prose may be shown: it must speak of the entry, and of nothing that MLX does not have."""

import re

from tenny_lsp.mlx_api.entry import ApiEntry
from tenny_lsp.mlx_api.index import ApiIndex
from tenny_lsp.model.prompts import CUSTOMARY_ALIASES

_ROOTS = {alias: module for module, alias in CUSTOMARY_ALIASES.items()}
_DOTTED = re.compile(r"\b(?:mlx|" + "|".join(_ROOTS) + r")(?:\.[A-Za-z_]\w*)+")
_SENTENCE_END = re.compile(r"[.!?](?=\s|$)")


def grounded_prose(answer: str, entry: ApiEntry, index: ApiIndex) -> str | None:
    """Returns what of an answer may be shown under an entry: at most two sentences, without the leading name.

    Returns None when the answer is empty, opens with another name than the entry's, or mentions an MLX name
    that the index does not know.
    """
    text = " ".join(answer.split())
    mentioned = [index.resolve(_qualified(name)) for name in _DOTTED.findall(text)]
    if None in mentioned:
        return None
    opening = _DOTTED.match(text)
    if opening:
        if index.resolve(_qualified(opening[0])) != entry:
            return None
        text = text[opening.end() :].lstrip(" :,-")
    ends = [match.end() for match in _SENTENCE_END.finditer(text)]
    return text[: ends[min(1, len(ends) - 1)]] if ends else None


def _qualified(name: str) -> str:
    root, _, rest = name.partition(".")
    return f"{_ROOTS.get(root, root)}.{rest}"
