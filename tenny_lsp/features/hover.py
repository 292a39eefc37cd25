"""Make the card of a hover: facts about the name under the cursor, and what a model adds."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from tenny_lsp.features.cards import facts, lacking_card, parameter_card, value_card
from tenny_lsp.features.grounding import grounded_prose
from tenny_lsp.features.shapes import array_card
from tenny_lsp.features.subject import content_words
from tenny_lsp.inference.cursor import HeldInstance, KeywordArgument, MissingMember, NamedEntry
from tenny_lsp.inference.queries import Queries
from tenny_lsp.mlx_api.entry import ApiEntry
from tenny_lsp.mlx_api.entry_memo import memoised_by_entry
from tenny_lsp.mlx_api.excerpt import excerpt
from tenny_lsp.mlx_api.index import ApiIndex
from tenny_lsp.mlx_api.naming import customary_name
from tenny_lsp.model.prompts import hover_question, prompt_of

#: Asks the model, within the caller's deadline: prompt → answer, or None when it is not there yet.
Ask = Callable[[str], Awaitable[str | None]]

#: A sentence that repeats so large a share of its content words from the card adds nothing to it.
_MOST_REPEATED = 0.6


@dataclass(frozen=True, slots=True)
class HoverCard:
    """What a hover shows.

    Args:
        markdown (str): The card.
        start (int): Where the hovered name starts, in code points.
        end (int): Where it ends.
    """

    markdown: str
    start: int
    end: int


async def hover(queries: Queries, offset: int, ask: Ask | None = None) -> HoverCard | None:
    """Return the card of what stands at an offset in code points.

    Returns None when that is not MLX's, or not certainly so; on a variable that holds an array, too, where neither its
    shape nor its dtype is known, nor a parameter without an annotation why it is one: what a type checker says of it is
    all there is to say.

    Args:
        queries (Queries): Answers questions about the file.
        offset (int): Where the cursor is.
        ask (Ask, optional): Asks a model that writes for a sentence, which is shown below the facts if it is true and
            says what they do not. Default: facts only.
    """
    target, index = queries.target_at(offset), queries.index
    if target is None or (isinstance(target, HeldInstance) and target.entry.name == "mlx.core.array"):
        return _of_array(queries, offset)
    card: str | None
    if isinstance(target, NamedEntry):
        card = facts(target.entry, index)
        if ask is not None and (said := await _sentence(target.entry, index, ask)):
            card += f"\n\n---\n\n**Tenny:** {said}"
    elif isinstance(target, KeywordArgument):
        card = parameter_card(target.name, target.entry, index)
    elif isinstance(target, MissingMember):
        card = lacking_card(target.name, target.owner, index)
    else:
        card = value_card(target.name, target.entry, index)
    return HoverCard(card, target.start, target.end) if card is not None else None


def _of_array(queries: Queries, offset: int) -> HoverCard | None:
    """Return the card of a variable or a parameter that holds an array; None where there is nothing to tell of it."""
    found, reason = queries.shapes.array_at(offset), queries.reason_at(offset)
    if found is None and reason is not None:
        found = queries.shapes.unknown_at(offset)
    return HoverCard(array_card(found, reason), found.start, found.end) if found is not None else None


async def _sentence(entry: ApiEntry, index: ApiIndex, ask: Ask) -> str | None:
    """Return a sentence about an entry; None when there is none in time, or none that may be shown."""
    answer = await ask(_prompt(entry, index)) if entry.summary else None
    return _shown(entry, index, answer) if answer else None


@memoised_by_entry
def _prompt(entry: ApiEntry, _index: ApiIndex) -> str:
    return hover_prompt(entry)


@memoised_by_entry
def _shown(entry: ApiEntry, index: ApiIndex, answer: str) -> str | None:
    """Return what of an answer may be shown: what is true, and says what the card does not."""
    said = grounded_prose(answer, entry, index)
    return said if said and _adds(said, facts(entry, index)) else None


def _adds(sentence: str, card: str) -> bool:
    """Return whether a sentence says what a card does not: enough of its content words stand nowhere in it."""
    said = content_words(sentence)
    return len(said & content_words(card)) < _MOST_REPEATED * len(said)


def hover_prompt(entry: ApiEntry) -> str:
    """Return the prompt whose completion a hover shows: an entry's documentation, and the question what it is."""
    return prompt_of(hover_question(customary_name(entry.name)), excerpt(entry, customary_name(entry.name)))
