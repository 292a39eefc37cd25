"""Make the card of a hover: facts about the name under the cursor, and the model's sentence below them."""

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


@dataclass(frozen=True, slots=True)
class Prose:
    """Writes the sentence below a card.

    Args:
        ask (Ask): Asks the model.
        may_paraphrase (bool): Whether the sentence may use words that the documentation does not; see ``grounding``.
    """

    ask: Ask
    may_paraphrase: bool = True

    async def of(self, entry: ApiEntry, index: ApiIndex) -> str | None:
        """Return a sentence about an entry; None when there is none in time, or none that may be shown."""
        answer = await self.ask(hover_prompt(entry)) if entry.summary else None
        return grounded_prose(answer, entry, index, may_paraphrase=self.may_paraphrase) if answer else None


async def hover(queries: Queries, offset: int, prose: Prose | None = None) -> HoverCard | None:
    """Return the card of what stands at an offset in code points.

    Returns None when that is not MLX's, or not certainly so; on a variable that holds an array, too: what a type
    checker says of it is all there is to say.

    Args:
        queries (Queries): Answers questions about the file.
        offset (int): Where the cursor is.
        prose (Prose, optional): Writes the sentence below the facts. Default: facts only.
    """
    target, index = queries.target_at(offset), queries.index
    if target is None:
        return None
    card: str | None
    if isinstance(target, NamedEntry):
        card = facts(target.entry, index)
        if prose is not None and (said := await prose.of(target.entry, index)):
            card += f"\n\n---\n\n**Tenny:** {said}"
    elif isinstance(target, KeywordArgument):
        card = parameter_card(target.name, target.entry, index)
    elif isinstance(target, MissingMember):
        card = lacking_card(target.name, target.owner, index)
    else:
        card = value_card(target.name, target.entry, index)
    return HoverCard(card, target.start, target.end) if card is not None else None


def hover_prompt(entry: ApiEntry) -> str:
    """Return the prompt whose completion a hover shows: an entry's documentation, and the question what it is."""
    return prompt_of(hover_question(customary_name(entry.name)), excerpt(entry, customary_name(entry.name)))
