"""Hover: what the name under the cursor is, from the installed MLX, and what the model says of it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from tenny_lsp.features.grounding import grounded_prose
from tenny_lsp.features.signature import signature_text
from tenny_lsp.mlx_api.entry import ApiEntry, Item
from tenny_lsp.mlx_api.excerpt import excerpt
from tenny_lsp.mlx_api.index import ApiIndex
from tenny_lsp.mlx_api.markdown import inline, markdown
from tenny_lsp.mlx_api.pages import page_of
from tenny_lsp.model.prompts import customary_name, hover_question, prompt_of
from tenny_lsp.source.buffer import Buffer
from tenny_lsp.source.inference import entry_at

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


async def hover(buffer: Buffer, offset: int, index: ApiIndex, ask: Ask | None) -> HoverCard | None:
    """Returns the card of the MLX name at an offset in code points.

    Returns None when there is no name, when it is not MLX's, or when that is not certain.
    """
    found = entry_at(buffer, offset, index)
    if found is None:
        return None
    card = facts(found.entry, index)
    if ask is not None and found.entry.summary:
        answer = await ask(hover_prompt(found.entry))
        prose = grounded_prose(answer, found.entry, index) if answer else None
        if prose:
            card += f"\n\n---\n\n**Tenny:** {prose}"
    return HoverCard(card, found.start, found.end)


def hover_prompt(entry: ApiEntry) -> str:
    """Returns the prompt whose completion a hover shows: an entry's documentation, and what it is."""
    return prompt_of(hover_question(entry.name), excerpt(entry, customary_name(entry.name)))


def facts(entry: ApiEntry, index: ApiIndex) -> str:
    """Returns what is known of an entry as Markdown; none of it has passed through a model."""
    lead = [markdown(text) for title, text in entry.body if not title]
    titled = [f"**{title}**\n\n{markdown(text)}" for title, text in entry.body if title and text.strip()]
    blocks = [
        f"```python\n{signature_text(entry)}\n```",
        inline(entry.summary),
        *lead,
        _parameters(entry.parameters),
        _returns(entry.returns),
        *titled,
        _source(entry, index),
    ]
    return "\n\n".join(block for block in blocks if block)


def _parameters(items: tuple[Item, ...]) -> str:
    lines = [f"- `{item.name}`{_annotation(item)}: {_indented(markdown(item.text))}".rstrip(": ") for item in items]
    return "**Parameters**\n\n" + "\n".join(lines) if lines else ""


def _returns(items: tuple[Item, ...]) -> str:
    said = [f"{_annotation(item)}: {markdown(item.text)}" if item.annotation else markdown(item.text) for item in items]
    if len(said) == 1:
        return f"**Returns**{said[0] if items[0].annotation else ' ' + said[0]}"
    return "**Returns**\n\n" + "\n".join(f"- {text.strip()}" for text in said) if said else ""


def _annotation(item: Item) -> str:
    annotation = item.annotation[1:-1] if item.annotation.startswith("(") else item.annotation
    return f" (`{annotation}`)" if annotation else ""


def _indented(text: str) -> str:
    return text.replace("\n", "\n  ")


def _source(entry: ApiEntry, index: ApiIndex) -> str:
    page = page_of(entry.name) if index.package == "mlx" else None
    name = f"[{entry.name}]({page})" if page else f"`{entry.name}`"
    version = f"{index.package} {index.version}" + (" (not installed: shipped snapshot)" * index.from_snapshot)
    return f"{name} · {version} · `{entry.path}:{entry.line}`" if entry.line else f"{name} · {version}"
