"""Check generated prose: it must speak of its entries, and of nothing that they and MLX do not have."""

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

from tenny_lsp.mlx_api.docstring import SENTENCE_END
from tenny_lsp.mlx_api.entry import ApiEntry
from tenny_lsp.mlx_api.excerpt import excerpt
from tenny_lsp.mlx_api.foreign import LIBRARIES, full_name, load_foreign_names
from tenny_lsp.mlx_api.index import ApiIndex
from tenny_lsp.mlx_api.markdown import sentences
from tenny_lsp.mlx_api.naming import CUSTOMARY_ALIASES, customary_name, qualified_name

_DOTTED = re.compile(r"\b(?:mlx|" + "|".join(CUSTOMARY_ALIASES.values()) + r")(?:\.[A-Za-z_]\w*)+")
_FOREIGN = re.compile(r"\b(?:torch|numpy|np|jax|jnp|lax|F)(?:\.[A-Za-z_]\w*)+")
_OPENING = re.compile(rf"[`*]*({_DOTTED.pattern})[`*]*[\s:.,!?-]*")
#: Who calls it what: the names must be that library's, each said once.
_CALLED = re.compile(r"\b(PyTorch|NumPy|JAX) calls it (.*?)(?=,? (?:and )?(?:PyTorch|NumPy|JAX) calls it|$)")
_PREFIXES = {name: f"{package}." for package, name in LIBRARIES.items()}
#: ``axis=0`` and ``axis (int): …``: whoever writes so says that there is such a parameter.
_PARAMETER = re.compile(r"(?<![\w.])([A-Za-z_]\w*)(?:=(?!=)| \([^()]*\):)")
#: What looks like code must stand in the documentation: ``group_size`` and `mode`.
_CODE = re.compile(r"(?<![\w.])[A-Za-z]\w*_\w+(?![\w.])|(?<=`)[A-Za-z_]\w*(?=`)")
#: Two words are forms of one where so many of their first letters agree.
_STEM_CHARACTERS = 6
_BREAK = re.compile(r"[.,;:!?()]+(?:\s+|$)|\n")
#: Words of an answer's form rather than of what it says.
_GLUE = re.compile("call|calls|it|jax|numpy|pytorch|returns|takes|use")
#: An editor would follow a link, load an image and obey HTML.
_ACTIVE = re.compile(r"\]\(|://|<[a-z/!]", re.IGNORECASE)


def grounded_prose(answer: str, entry: ApiEntry, index: ApiIndex, *, may_paraphrase: bool = True) -> str | None:
    """Return what of an answer may be shown under an entry: at most two sentences, without the leading name.

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
    """Return the qualified name that an answer opens with; None when it opens with other words."""
    opening = _OPENING.match(answer)
    return qualified_name(opening[1]) if opening else None


def unfounded(text: str, entries: Sequence[ApiEntry], index: ApiIndex) -> Iterator[str]:
    """Yield what a text mentions and must not: each a reason not to show it.

    That is an MLX name that the index does not know, another library's name that is not known for one of the
    entries, a parameter that none of the entries has, code that stands nowhere in their documentation, a link, HTML.
    """
    yield from (name for name in _DOTTED.findall(text) if index.resolve(qualified_name(name)) is None)
    names = {entry.name for entry in entries}
    for name in _FOREIGN.findall(text):
        foreign = load_foreign_names().get(full_name(name))
        if foreign is None or foreign.mlx not in {*names, None}:
            yield name
    for library, called in _CALLED.findall(text):
        said = [full_name(name) for name in _FOREIGN.findall(called)]
        if len(set(said)) < len(said) or not all(name.startswith(_PREFIXES[library]) for name in said):
            yield called
    parameters = {p.name for entry in entries for signature in entry.signatures for p in signature.parameters}
    parameters |= {item.name for entry in entries for item in entry.parameters}
    yield from (name for name in _PARAMETER.findall(text) if name not in parameters)
    known = parameters | {word for entry in entries for word in _words(entry)}
    yield from (name for name in _CODE.findall(text) if name not in known and not index.named(name))
    yield from _ACTIVE.findall(text)


def unread(text: str, entries: Sequence[ApiEntry]) -> Iterator[str]:
    """Yield the pairs of neighbouring words in a text that do not stand so in the entries' documentation.

    A tiny model copies well and errs where it stops: it makes of ``min`` "a max reduction", each word of which stands
    somewhere. Names, and words that only lead from one to the other, are passed over.
    """
    read = {pair for entry in entries for pair in _pairs(_documentation(entry))}
    for pair in _pairs(text):
        if pair not in read and not any(map(_GLUE.fullmatch, pair)):
            yield " ".join(pair)


def _pairs(text: str) -> Iterator[tuple[str, ...]]:
    """Yield each two words that follow one another, and each that stands alone, by how they begin; names part them."""
    for phrase in _BREAK.split(_FOREIGN.sub("\n", _DOTTED.sub("\n", text))):
        words = [word.lower()[:_STEM_CHARACTERS] for word in re.findall(r"[A-Za-z]+|\d+", phrase)]
        yield from pairwise(words) if len(words) > 1 else [tuple(words)] * len(words)


def _documentation(entry: ApiEntry) -> str:
    prose = [sentences(text) for _, text in entry.body]
    texts = [sentences(item.text) for item in (*entry.parameters, *entry.returns)]
    return "\n".join([excerpt(entry, customary_name(entry.name), characters=1 << 16), *prose, *texts])


def _words(entry: ApiEntry) -> Iterator[str]:
    texts = [entry.name, entry.summary, *(text for _, text in entry.body)]
    texts += [item.text + " " + item.annotation for item in (*entry.parameters, *entry.returns)]
    for text in texts:
        yield from re.findall(r"\w+", text)
