"""Whether generated prose may be shown: it must speak of the entry, and of nothing that MLX does not have."""

import re

from tenny_lsp.mlx_api.docstring import SENTENCE_END
from tenny_lsp.mlx_api.entry import ApiEntry
from tenny_lsp.mlx_api.index import ApiIndex
from tenny_lsp.model.prompts import CUSTOMARY_ALIASES

_ROOTS = {alias: module for module, alias in CUSTOMARY_ALIASES.items()}
_DOTTED = re.compile(r"\b(?:mlx|" + "|".join(_ROOTS) + r")(?:\.[A-Za-z_]\w*)+")
_OPENING = re.compile(rf"[`*]*({_DOTTED.pattern})[`*]*[\s:.,!?-]*")
#: An editor would follow a link, load an image and obey HTML.
_ACTIVE = re.compile(r"\]\(|://|<[a-z/!]", re.IGNORECASE)


def grounded_prose(answer: str, entry: ApiEntry, index: ApiIndex) -> str | None:
    """Returns what of an answer may be shown under an entry: at most two sentences, without the leading name.

    Returns None when no whole sentence is left, when the answer opens with another name than the entry's,
    mentions an MLX name that the index does not know, or holds a link or HTML.
    """
    text = " ".join(answer.split())
    mentioned = [index.resolve(_qualified(name)) for name in _DOTTED.findall(text)]
    if None in mentioned or _ACTIVE.search(text):
        return None
    if opening := _OPENING.match(text):
        if index.resolve(_qualified(opening[1])) != entry:
            return None
        text = text[opening.end() :]
    ends = [match.end() for match in SENTENCE_END.finditer(text)]
    return text[: ends[min(1, len(ends) - 1)]] if ends else None


def _qualified(name: str) -> str:
    root, _, rest = name.partition(".")
    return f"{_ROOTS.get(root, root)}.{rest}"
