"""Answer a question about MLX from its documentation, and say where the answer stands."""

import re
from dataclasses import dataclass
from typing import Any

from tenny_lsp.features.grounding import unfounded, unread
from tenny_lsp.features.mentions import replacing, scores_of_names, without_equivalent
from tenny_lsp.features.signature import one_line
from tenny_lsp.mlx_api.docstring import SENTENCE_END
from tenny_lsp.mlx_api.entry import ApiEntry
from tenny_lsp.mlx_api.examples import example_of
from tenny_lsp.mlx_api.excerpt import excerpt, replacement
from tenny_lsp.mlx_api.foreign import ForeignName
from tenny_lsp.mlx_api.identifiers import with_attributes_named, without_owners
from tenny_lsp.mlx_api.index import ApiIndex
from tenny_lsp.mlx_api.markdown import sentences
from tenny_lsp.mlx_api.naming import customary_name
from tenny_lsp.mlx_api.pages import page_of
from tenny_lsp.mlx_api.recipes import load_recipes
from tenny_lsp.mlx_api.search import Search, Subject, count_of_field_words
from tenny_lsp.model.prompts import prompt_of
from tenny_lsp.model.protocol import TextModel
from tenny_lsp.pitfalls.explanations import explanations

#: Of a question about another library's name these say no more than that; of others they may be what is asked for.
_REPLACING = re.compile(r"\b(replac\w*|counterpart\w*|port\w*|translat\w*|corresponds?|becomes?)\b", re.IGNORECASE)
_MOST_SOURCES = 5


@dataclass(frozen=True, slots=True)
class Source:
    """What a question is about.

    Args:
        subject (Subject): The entry, or the recipe or explanation.
        foreign (ForeignName | None): The other library's name in the question that an entry replaces.
    """

    subject: Subject
    foreign: ForeignName | None = None

    @property
    def name(self) -> str:
        """The entry's name as MLX code spells it, or the question that a recipe answers."""
        return customary_name(self.subject.name) if isinstance(self.subject, ApiEntry) else self.subject.question

    @property
    def summary(self) -> str:
        """What an entry is; empty for a recipe, whose name says it."""
        return sentences(self.subject.summary) if isinstance(self.subject, ApiEntry) else ""

    @property
    def page(self) -> str | None:
        """The address of the page that documents it."""
        return page_of(self.subject.name) if isinstance(self.subject, ApiEntry) else self.subject.page


@dataclass(frozen=True, slots=True)
class Answer:
    """What is said to a question.

    Args:
        prose (str | None): The answer; None when nothing is known of what is asked.
        sources (tuple[Source, ...]): Where it stands, the likeliest first.
        is_generated (bool): Whether a model wrote the prose; otherwise it is the documentation's own.
        code (str): Code that shows it; empty where there is none.
    """

    prose: str | None
    sources: tuple[Source, ...]
    is_generated: bool = False
    code: str = ""


def search_in(index: ApiIndex) -> Search:
    """Return the search in an index, in the recipes and in the explanations of the pitfalls."""
    return Search(index, [*load_recipes(), *explanations(index)])


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
    sources = tuple(sources_of(question, search))
    unknown = without_equivalent(question, search.index)
    if unknown and not any(source.foreign for source in sources) and not (sources and _is_guide(sources[0])):
        return Answer(replacement(unknown, "").strip(), sources)
    if not sources:
        return Answer(None, ())
    first = sources[0].subject
    if not isinstance(first, ApiEntry):
        return Answer(first.prose, sources, code=_code_of(first))
    if model is not None:
        prose = await model.complete(ask_prompt(question, sources), max_tokens=max_tokens)
        whole = [match.end() for match in SENTENCE_END.finditer(prose)]
        wrong = [*unfounded(prose, [first], search.index), *(() if model.can.write else unread(prose, [first]))]
        if whole and not wrong:
            return Answer(prose[: whole[-1]], sources, is_generated=True, code=_code_of(first))
    return Answer(_documented(first, sources[0].foreign), sources, code=_code_of(first))


def prose_of(answer: Answer, index: ApiIndex) -> str:
    """Return what an answer says; where nothing is known of what is asked, that."""
    return answer.prose or f"Nothing in the documentation of MLX {index.version} is about that."


def markdown_of(answer: Answer, index: ApiIndex) -> str:
    """Return what an answer says, and its code as a block of Markdown."""
    block = f"\n\n```python\n{answer.code}\n```" if answer.code else ""
    return prose_of(answer, index) + block


def answer_values(answer: Answer) -> dict[str, Any]:
    """Return an answer as JSON values."""
    sources = [{"name": source.subject.name, "page": source.page} for source in answer.sources]
    return {"answer": answer.prose, "code": answer.code, "generated": answer.is_generated, "sources": sources}


def sources_of(question: str, search: Search) -> list[Source]:
    """Return what a question is about, the likeliest first: its words count, and more the names in it."""
    question = with_attributes_named(question)
    foreign = {entry.name: name for entry, name in replacing(question, search.index)}
    names = scores_of_names(question, search)
    words = without_owners(question)
    if not names and not count_of_field_words(words):
        return []
    if foreign:
        words = _REPLACING.sub("", words)
    found = search.about(words, _MOST_SOURCES, names)
    return [Source(subject, foreign.get(subject.name)) for subject in found]


def ask_prompt(question: str, sources: tuple[Source, ...]) -> str:
    """Return the prompt: the first entry's documentation and the question. Given two, a tiny model mixes them up."""
    source = next(source for source in sources if isinstance(source.subject, ApiEntry))
    assert isinstance(source.subject, ApiEntry)
    name = customary_name(source.subject.name)
    documentation = replacement(source.foreign, name) if source.foreign else excerpt(source.subject, name)
    return prompt_of(question, documentation)


def _is_guide(source: Source) -> bool:
    return not isinstance(source.subject, ApiEntry)


def _documented(entry: ApiEntry, foreign: ForeignName | None) -> str:
    if foreign:
        return replacement(foreign, customary_name(entry.name)).strip()
    return f"{one_line(entry)}: {sentences(entry.summary)}"


def _code_of(subject: Subject) -> str:
    """Return code that shows what an answer says; empty where there is none."""
    if not isinstance(subject, ApiEntry):
        return subject.code
    example = example_of(subject)
    return example.text if example is not None else ""
