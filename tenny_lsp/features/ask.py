"""Answer a question about MLX from its documentation, and say where the answer stands."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tenny_lsp.features.grounding import unfounded, unread
from tenny_lsp.mlx_api.docstring import SENTENCE_END
from tenny_lsp.mlx_api.entry import ApiEntry
from tenny_lsp.mlx_api.excerpt import excerpt, replacement
from tenny_lsp.mlx_api.foreign import ForeignName, replacement_for
from tenny_lsp.mlx_api.index import ApiIndex
from tenny_lsp.mlx_api.naming import customary_name, qualified_name
from tenny_lsp.mlx_api.pages import page_of
from tenny_lsp.mlx_api.search import Search
from tenny_lsp.model.prompts import prompt_of
from tenny_lsp.model.protocol import TextModel

#: Of a question about another library's name these say no more than that; of others they may be what is asked for.
_REPLACING = re.compile(r"\b(replac\w*|counterpart\w*|port\w*|translat\w*|corresponds?)\b", re.IGNORECASE)
_DOTTED = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+")
#: A bare word that only code is written with: ``log_softmax``, ``GroupNorm``, `` `mean` ``.
_IDENTIFIER = re.compile(r"\b(?:\w*_\w+|\w*[a-z][A-Z]\w*|[A-Z]\w*[A-Z]\w*)\b|(?<=`)\w+(?=`)")
_MOST_SOURCES = 5


@dataclass(frozen=True, slots=True)
class Source:
    """An entry that a question is about.

    Args:
        entry (ApiEntry): The entry.
        foreign (ForeignName | None): The other library's name in the question that it replaces.
    """

    entry: ApiEntry
    foreign: ForeignName | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What is said to a question.

    Args:
        prose (str | None): The answer; None when nothing is known of what is asked.
        sources (tuple[Source, ...]): Where it stands, the likeliest first.
        is_generated (bool): Whether a model wrote the prose; otherwise it is the documentation's own.
    """

    prose: str | None
    sources: tuple[Source, ...]
    is_generated: bool = False


async def ask(question: str, search: Search, model: TextModel | None, *, max_tokens: int = 128) -> Answer:
    """Return the answer to a question about MLX, from the entries it is about.

    Where the model says what its sources do not, or there is no model, the first source's summary answers.

    Args:
        question (str): The question.
        search (Search): Finds the entries.
        model (TextModel, optional): Who answers.
        max_tokens (int): The longest answer of the model.

    Raises:
        BaseModelError: The base model cannot be loaded.
        AdapterError: The adapter cannot be loaded, or was made for another base.
        ModelUnavailable: The model is not running and could not be started, or was late.
    """
    unknown, index = _without_equivalent(question), search.index
    sources = tuple(sources_of(question, search))
    if unknown and not any(source.foreign for source in sources):
        return Answer(replacement(unknown, "").strip(), sources)
    if not sources:
        return Answer(None, ())
    if model is not None:
        prose = await model.complete(ask_prompt(question, sources), max_tokens=max_tokens)
        whole = [match.end() for match in SENTENCE_END.finditer(prose)]
        read = [sources[0].entry]
        wrong = [*unfounded(prose, read, index), *(() if model.can.write else unread(prose, read))]
        if whole and not wrong:
            return Answer(prose[: whole[-1]], sources, is_generated=True)
    return Answer(_documented(sources[0]), sources)


def prose_of(answer: Answer, index: ApiIndex) -> str:
    """Return what an answer says; where nothing is known of what is asked, that."""
    return answer.prose or f"Nothing in the documentation of MLX {index.version} is about that."


def answer_values(answer: Answer) -> dict[str, Any]:
    """Return an answer as JSON values."""
    sources = [{"name": source.entry.name, "page": page_of(source.entry.name)} for source in answer.sources]
    return {"answer": answer.prose, "generated": answer.is_generated, "sources": sources}


def sources_of(question: str, search: Search) -> list[Source]:
    """Return what a question is about: the names it mentions first, then what its words are nearest to."""
    found: dict[str, Source] = {}
    for source in _named(question, search.index):
        found.setdefault(source.entry.name, source)
    words = _DOTTED.sub(lambda name: name[0].rpartition(".")[2], question)
    if any(source.foreign for source in found.values()):
        words = _REPLACING.sub("", words)
    for entry in search.about(words, _MOST_SOURCES):
        found.setdefault(entry.name, Source(entry))
    return list(found.values())[:_MOST_SOURCES]


def ask_prompt(question: str, sources: tuple[Source, ...]) -> str:
    """Return the prompt: the first source's documentation and the question. Given two, a tiny model mixes them up."""
    first = sources[0]
    name = customary_name(first.entry.name)
    return prompt_of(question, replacement(first.foreign, name) if first.foreign else excerpt(first.entry, name))


def _named(question: str, index: ApiIndex) -> Iterator[Source]:
    for name in _DOTTED.findall(question):
        if foreign := replacement_for(name):
            if foreign.mlx and (entry := index.resolve(foreign.mlx)):
                yield Source(entry, foreign)
        elif entry := index.resolve(qualified_name(name)):
            yield Source(entry)
    for word in _IDENTIFIER.findall(question):
        yield from map(Source, index.named(word)[:2])


def _without_equivalent(question: str) -> ForeignName | None:
    found = (replacement_for(name) for name in _DOTTED.findall(question))
    return next((foreign for foreign in found if foreign and foreign.mlx is None), None)


def _documented(source: Source) -> str:
    name = customary_name(source.entry.name)
    if source.foreign:
        return replacement(source.foreign, name).strip()
    return excerpt(source.entry, name, characters=0).strip().replace("\n", ": ", 1)
