"""Hover: what the name under the cursor is, from the installed MLX, and what the model says of it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from tenny_lsp.features.cards import facts, lacking_card, parameter_card, value_card
from tenny_lsp.features.grounding import grounded_prose
from tenny_lsp.inference.cursor import KeywordArgument, MissingMember, NamedEntry
from tenny_lsp.inference.queries import Queries
from tenny_lsp.mlx_api.entry import ApiEntry
from tenny_lsp.mlx_api.excerpt import excerpt
from tenny_lsp.mlx_api.index import ApiIndex
from tenny_lsp.mlx_api.naming import customary_name
from tenny_lsp.model.prompts import hover_question, prompt_of
from tenny_lsp.source.buffer import Buffer

#: Asks the model, within the caller's deadline: prompt → answer, or None when it is not there yet.
Ask = Callable[[str], Awaitable[str | None]]


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


async def hover(
    buffer: Buffer,
    offset: int,
    index: ApiIndex,
    ask: Ask | None,
    queries: Queries | None = None,
    *,
    may_paraphrase: bool = True,
) -> HoverCard | None:
    """Returns the card of what stands at an offset in code points.

    Returns None when that is not MLX's, or not certainly so; on a variable that holds an array, too: what a type
    checker says of it is all there is to say. ``may_paraphrase`` is ``grounded_prose``'s.
    """
    subject = (queries or Queries(buffer, index)).target_at(offset)
    if subject is None:
        return None
    card: str | None
    if isinstance(subject, NamedEntry):
        card = facts(subject.entry, index)
        if ask is not None and (prose := await _prose(subject.entry, index, ask, may_paraphrase)):
            card += f"\n\n---\n\n**Tenny:** {prose}"
    elif isinstance(subject, KeywordArgument):
        card = parameter_card(subject.name, subject.entry, index)
    elif isinstance(subject, MissingMember):
        card = lacking_card(subject.name, subject.owner, index)
    else:
        card = value_card(subject.name, subject.entry, index)
    return HoverCard(card, subject.start, subject.end) if card is not None else None


async def _prose(entry: ApiEntry, index: ApiIndex, ask: Ask, may_paraphrase: bool) -> str | None:
    answer = await ask(hover_prompt(entry)) if entry.summary else None
    return grounded_prose(answer, entry, index, may_paraphrase=may_paraphrase) if answer else None


def hover_prompt(entry: ApiEntry) -> str:
    """Returns the prompt whose completion a hover shows: an entry's documentation, and what it is."""
    return prompt_of(hover_question(customary_name(entry.name)), excerpt(entry, customary_name(entry.name)))
