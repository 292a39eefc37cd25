"""Find what a question mentions in code, and what of MLX that speaks for."""

from collections.abc import Iterator

from tenny_lsp.mlx_api.entry import ApiEntry
from tenny_lsp.mlx_api.foreign import ForeignName, replacement_for, replacement_for_last_part
from tenny_lsp.mlx_api.identifiers import bare_names, dotted_names, last_part, quoted_names
from tenny_lsp.mlx_api.index import ApiIndex
from tenny_lsp.mlx_api.naming import qualified_name
from tenny_lsp.mlx_api.search import Search

#: What a subject scores for being mentioned in code; what its words score lies between 5 and 30.
_IN_FULL = 12.0
_BY_LAST_PART = 20.0
#: What replaces the name that is mentioned.
_AS_REPLACEMENT = 30.0
#: A guide to that name: its question has it in code; a guide that has it somewhere else.
_IN_QUESTION, _ELSEWHERE = 35.0, 8.0


def scores_of_names(question: str, search: Search) -> dict[str, float]:
    """Return the names of the subjects that a question mentions in code, and what each scores for it."""
    index, scores = search.index, dict[str, float]()
    for name in dotted_names(question):
        if not replacement_for(name) and (entry := index.resolve(qualified_name(name))):
            scores[entry.name] = _IN_FULL
    for entry, _ in replacing(question, index):
        scores.setdefault(entry.name, _AS_REPLACEMENT)
    for name in bare_names(question):
        for entry in index.named(name)[:2]:
            scores.setdefault(entry.name, _BY_LAST_PART)
    return {**scores, **_scores_of_guides(question, search)}


def _scores_of_guides(question: str, search: Search) -> dict[str, float]:
    """Return what each guide scores that mentions a name of the question, the most for the one to that name.

    That is a guide that has the name as the question has it, ``scheduler.step``; or, where none has, one whose question
    has its last part.
    """
    scores: dict[str, float] = {}
    in_questions = {guide.name: set(quoted_names(guide.question)) for guide in search.guides}
    quoted = {guide.name: in_questions[guide.name].union(*map(quoted_names, guide.wordings)) for guide in search.guides}
    for name in _names(question):
        last = last_part(name)
        exact = {guide for guide, names in quoted.items() if "." in name and name in names}
        own = exact or {guide for guide, names in in_questions.items() if last in map(last_part, names)}
        for guide, names in quoted.items():
            if last in map(last_part, names):
                is_own = guide in own and not _is_mlxs(name, search.index)
                scores[guide] = max(scores.get(guide, 0.0), _IN_QUESTION if is_own else _ELSEWHERE)
    return scores


def replacing(question: str, index: ApiIndex) -> Iterator[tuple[ApiEntry, ForeignName]]:
    """Yield the entries that replace another library's names in a question, with those."""
    for foreign in _foreign_names(question, index):
        if foreign.mlx and (entry := index.resolve(foreign.mlx)):
            yield entry, foreign


def without_equivalent(question: str, index: ApiIndex) -> ForeignName | None:
    """Return the first of another library's names in a question that MLX has nothing for."""
    return next((foreign for foreign in _foreign_names(question, index) if foreign.mlx is None), None)


def _foreign_names(question: str, index: ApiIndex) -> Iterator[ForeignName]:
    """Yield other libraries' names in a question: in full, or by the last part where MLX has no such name."""
    for name in _names(question):
        if (foreign := replacement_for(name)) or (
            not _is_resolved(name, index) and (foreign := replacement_for_last_part(name))
        ):
            yield foreign


def _names(question: str) -> list[str]:
    return [*dotted_names(question), *bare_names(question)]


def _is_resolved(name: str, index: ApiIndex) -> bool:
    return index.resolve(qualified_name(name)) is not None or ("." not in name and bool(index.named(name)))


def _is_mlxs(name: str, index: ApiIndex) -> bool:
    """Return whether MLX has a name, or the same under another owner: ``torch.where``."""
    foreign = replacement_for(name)
    return _is_resolved(name, index) or (
        foreign is not None and last_part(foreign.mlx or "") == last_part(foreign.name)
    )
