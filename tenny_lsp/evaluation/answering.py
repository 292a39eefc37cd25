"""Ask about entries in wordings kept out of training, and judge the answers."""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from hashlib import sha256
from itertools import groupby

from rapidfuzz.distance import LCSseq

from tenny_lsp.features.grounding import grounded_prose, opening_name, unfounded
from tenny_lsp.mlx_api.entry import ApiEntry
from tenny_lsp.mlx_api.excerpt import excerpt
from tenny_lsp.mlx_api.index import ApiIndex
from tenny_lsp.mlx_api.markdown import sentences
from tenny_lsp.mlx_api.naming import customary_name
from tenny_lsp.model.prompts import UNSEEN_WORDINGS, prompt_of

#: Asks the model: prompt → answer.
Complete = Callable[[str], Awaitable[str]]


@dataclass(frozen=True, slots=True)
class Judged:
    """One answer and its scores.

    Args:
        name (str): The entry's public name.
        module (str): The module it belongs to, ``mlx.nn``.
        question (str): The question.
        answer (str): What the model said.
        rouge_l (float): The F-measure of ROUGE-L against the entry's summary, in [0, 1].
        unfounded (tuple[str, ...]): Names, parameters and code in the answer that are wrong or do not exist.
        is_shown (bool): Whether the answer passes the check that hovers make.
    """

    name: str
    module: str
    question: str
    answer: str
    rouge_l: float
    unfounded: tuple[str, ...]
    is_shown: bool


async def judge(
    entry: ApiEntry,
    index: ApiIndex,
    complete: Complete,
    *,
    with_documentation: bool = True,
    may_paraphrase: bool = True,
) -> Judged:
    """Ask the model about an entry and compare its answer with the documentation.

    Args:
        entry (ApiEntry): A documented entry.
        index (ApiIndex): What exists.
        complete (Complete): Asks the model.
        with_documentation (bool): Whether the prompt carries the documentation.
        may_paraphrase (bool): Whether words that the documentation does not use may be shown.
    """
    called = customary_name(entry.name)
    question = unseen_wording(entry.name).format(name=called)
    answer = await complete(prompt_of(question, excerpt(entry, called) if with_documentation else ""))
    wrong = list(unfounded(answer, [entry], index))
    opening = opening_name(answer)
    if opening and index.resolve(opening) != entry:
        wrong.append(opening)
    said = answer.partition(" ")[2] if opening else answer
    return Judged(
        name=entry.name,
        module=module_of(entry, index),
        question=question,
        answer=answer,
        rouge_l=rouge_l(said, sentences(entry.summary)),
        unfounded=tuple(wrong),
        is_shown=grounded_prose(answer, entry, index, may_paraphrase=may_paraphrase) is not None,
    )


def unseen_wording(name: str) -> str:
    """Return the wording a name is asked about in, the same every time."""
    return UNSEEN_WORDINGS[sha256(name.encode()).digest()[0] % len(UNSEEN_WORDINGS)]


def rouge_l(said: str, reference: str) -> float:
    """Return ROUGE-L's F-measure of two texts over their words in lower case, punctuation dropped, in [0, 1].

    Source: Lin, "ROUGE: A Package for Automatic Evaluation of Summaries", 2004, section 3.
    """
    words, expected = _words(said), _words(reference)
    if not words or not expected:
        return 0.0
    return 2 * LCSseq.similarity(words, expected) / (len(words) + len(expected))


def by_module(judged: Iterable[Judged]) -> dict[str, list[Judged]]:
    """Return the answers by module, in the modules' order."""
    ordered = sorted(judged, key=lambda one: one.module)
    return {module: list(answers) for module, answers in groupby(ordered, key=lambda one: one.module)}


def module_of(entry: ApiEntry, index: ApiIndex) -> str:
    """Return the module that an entry belongs to: ``mlx.nn`` for ``mlx.nn.Module.freeze``."""
    owner = index.resolve(entry.name.rpartition(".")[0])
    return entry.name if owner is None else owner.name if owner.kind == "module" else module_of(owner, index)


def _words(text: str) -> list[str]:
    return [word for word in (word.strip(".,:;!?()`'\"").lower() for word in text.split()) if word]
