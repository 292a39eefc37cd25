"""Shorten an entry's documentation to a few plain lines, for a prompt."""

import re
from collections.abc import Iterator
from textwrap import shorten

from tenny_lsp.mlx_api.docstring import SENTENCE_END
from tenny_lsp.mlx_api.entry import ApiEntry, Item, Signature
from tenny_lsp.mlx_api.foreign import ForeignName, names_elsewhere
from tenny_lsp.mlx_api.markdown import sentences

#: The longest excerpt that leaves the embedded base room for a question and its answer.
MOST_CHARACTERS = 620
_CALL_CHARACTERS = 200
_SENTENCE_CHARACTERS = 160


def excerpt(entry: ApiEntry, called: str, *, characters: int = MOST_CHARACTERS) -> str:
    """Return how an entry is called, its summary, its parameters, what it returns and its names elsewhere.

    Args:
        entry (ApiEntry): The entry.
        called (str): Its name as code spells it, ``mx.mean``.
        characters (int): The longest that it may be; whole lines are left out, but never the call and the summary.
    """
    text = ""
    for line in _lines(entry, called):
        if len(text) + len(line) < characters or text.count("\n") < 2:
            text += line + "\n"
    return text


def replacement(foreign: ForeignName, called: str) -> str:
    """Return one line that says what MLX has instead of a foreign name; ``called`` is how code spells that."""
    if called:
        return f"{foreign.name} is {called} in MLX. {foreign.note}".rstrip() + "\n"
    return f"{foreign.name} has no equivalent in MLX: {foreign.note.removeprefix('No equivalent: ')}\n"


def call(entry: ApiEntry, called: str) -> str:
    """Return how an entry is called, every overload; annotations included while that stays short."""
    text = called
    for annotated in (True, False):
        calls = dict.fromkeys(f"{called}({_parts(signature, annotated)})" for signature in entry.signatures)
        text = " or ".join(calls) or called
        if len(text) <= _CALL_CHARACTERS:
            break
    return text


def _parts(signature: Signature, annotated: bool) -> str:
    parts = [part for part in signature.parts(annotated=annotated) if not part.startswith("stream")]
    return ", ".join(parts).removesuffix(", *")


def first_sentence(text: str) -> str:
    """Return the first sentence of a docstring's text, in plain words and without its full stop."""
    plain = sentences(text)
    end = SENTENCE_END.search(plain)
    return (plain[: end.start()] if end else plain).rstrip(" .:")


def parameter_line(item: Item) -> str:
    """Return what the documentation says of a parameter, on one line."""
    annotation = f" ({item.annotation})" if item.annotation else ""
    said = re.sub(r"\s*\(?Default[:s].*$", "", first_sentence(item.text))
    return f"{item.name}{annotation}: {_shortened(said)}"


def returns_line(entry: ApiEntry) -> str:
    """Return what an entry returns, on one line; an empty string where that is not documented."""
    said = "; ".join(
        ": ".join(filter(None, (item.annotation, _shortened(first_sentence(item.text))))) for item in entry.returns
    )
    if said or entry.kind == "class" or not entry.signatures:
        return said
    return entry.signatures[0].returns


def documented_parameters(entry: ApiEntry) -> list[Item]:
    """Return the documented parameters without ``stream``, which every operation has."""
    return [item for item in entry.parameters if item.name != "stream"]


def _shortened(sentence: str) -> str:
    return shorten(sentence, _SENTENCE_CHARACTERS, placeholder=" …")


def _lines(entry: ApiEntry, called: str) -> Iterator[str]:
    yield call(entry, called)
    yield sentences(entry.summary)
    yield from map(parameter_line, documented_parameters(entry))
    if said := returns_line(entry):
        yield f"Returns: {said}"
    if names := names_elsewhere(entry.name):
        yield f"Elsewhere: {', '.join(names)}"
