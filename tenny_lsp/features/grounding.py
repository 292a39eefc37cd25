"""Whether generated prose may be shown: it must speak of its entries, and of nothing that they and MLX do not have."""

import re
from collections.abc import Iterator, Sequence

from tenny_lsp.mlx_api.docstring import SENTENCE_END
from tenny_lsp.mlx_api.entry import ApiEntry
from tenny_lsp.mlx_api.foreign import full_name, load_foreign_names, names_elsewhere
from tenny_lsp.mlx_api.index import ApiIndex
from tenny_lsp.model.prompts import CUSTOMARY_ALIASES, qualified_name

_DOTTED = re.compile(r"\b(?:mlx|" + "|".join(CUSTOMARY_ALIASES.values()) + r")(?:\.[A-Za-z_]\w*)+")
_FOREIGN = re.compile(r"\b(?:torch|numpy|np|jax|jnp|lax|F)(?:\.[A-Za-z_]\w*)+")
_OPENING = re.compile(rf"[`*]*({_DOTTED.pattern})[`*]*[\s:.,!?-]*")
#: ``axis=0`` and ``axis (int): …``: whoever writes so says that there is such a parameter.
_PARAMETER = re.compile(r"(?<![\w.])([A-Za-z_]\w*)(?:=(?!=)| \([^()]*\):)")
#: What looks like code must stand in the documentation: ``group_size`` and `mode`.
_CODE = re.compile(r"(?<![\w.])[A-Za-z]\w*_\w+(?![\w.])|(?<=`)[A-Za-z_]\w*(?=`)")
#: Two words are forms of one where so many of their first letters agree.
_STEM_CHARACTERS = 6
#: Words of an answer's form rather than of what it says.
_GLUE = re.compile(
    "also|called|calls|does|each|equivalent|from|have|into|jax|mlx|most|numpy|only|over|pytorch|returns|same|takes|than"
    "|that|then|they|this|used|uses|using|what|when|where|which|with|your"
)
#: An editor would follow a link, load an image and obey HTML.
_ACTIVE = re.compile(r"\]\(|://|<[a-z/!]", re.IGNORECASE)


def grounded_prose(answer: str, entry: ApiEntry, index: ApiIndex, *, may_paraphrase: bool = True) -> str | None:
    """Returns what of an answer may be shown under an entry: at most two sentences, without the leading name.

    Returns None when no whole sentence is left, when the answer opens with another name than the entry's, or
    mentions what is unfounded.

    Args:
        answer (str): What the model said.
        entry (ApiEntry): What it was asked about.
        index (ApiIndex): What exists.
        may_paraphrase (bool): Whether it may use words that the entry's documentation does not. A large model puts
            things well in words of its own; a tiny one gets them wrong.
    """
    text = " ".join(answer.split())
    if next(unfounded(text, [entry], index), None) or (not may_paraphrase and next(unread(text, [entry]), None)):
        return None
    if name := opening_name(text):
        if index.resolve(name) != entry:
            return None
        text = _OPENING.sub("", text, count=1)
    ends = [match.end() for match in SENTENCE_END.finditer(text)]
    return text[: ends[min(1, len(ends) - 1)]] if ends else None


def opening_name(answer: str) -> str | None:
    """Returns the qualified name that an answer opens with; None when it opens with other words."""
    opening = _OPENING.match(answer)
    return qualified_name(opening[1]) if opening else None


def unfounded(text: str, entries: Sequence[ApiEntry], index: ApiIndex) -> Iterator[str]:
    """Yields what a text mentions and must not: each a reason not to show it.

    That is an MLX name that the index does not know, another library's name that is not known for one of the
    entries, a parameter that none of the entries has, code that stands nowhere in their documentation, a link, HTML.
    """
    yield from (name for name in _DOTTED.findall(text) if index.resolve(qualified_name(name)) is None)
    names = {entry.name for entry in entries}
    for name in _FOREIGN.findall(text):
        foreign = load_foreign_names().get(full_name(name))
        if foreign is None or foreign.mlx not in {*names, None}:
            yield name
    parameters = {p.name for entry in entries for signature in entry.signatures for p in signature.parameters}
    parameters |= {item.name for entry in entries for item in entry.parameters}
    yield from (name for name in _PARAMETER.findall(text) if name not in parameters)
    known = parameters | {word for entry in entries for word in _words(entry)}
    yield from (name for name in _CODE.findall(text) if name not in known and not index.named(name))
    yield from _ACTIVE.findall(text)


def unread(text: str, entries: Sequence[ApiEntry]) -> Iterator[str]:
    """Yields the words of a text that stand nowhere in the entries' documentation, in no form; small words may."""
    read = (text for entry in entries for text in (*_words(entry), *names_elsewhere(entry.name)))
    stems = {word[:_STEM_CHARACTERS] for text in read for word in _split(text)}
    for word in _split(text):
        is_small = len(word) < 4 and word.isalpha()
        if not is_small and not _GLUE.fullmatch(word) and word[:_STEM_CHARACTERS] not in stems:
            yield word


def _split(text: str) -> list[str]:
    return [word.lower() for word in re.findall(r"[A-Za-z]+|\d+", text)]


def _words(entry: ApiEntry) -> Iterator[str]:
    texts = [entry.name, entry.summary, *(text for _, text in entry.body)]
    texts += [item.text + " " + item.annotation for item in (*entry.parameters, *entry.returns)]
    for text in texts:
        yield from re.findall(r"\w+", text)
