"""Tell the shapes and dtypes of arrays: as a hover's card, and as hints in the text."""

from collections.abc import Iterator
from dataclasses import dataclass

from tenny_lsp.inference.queries import Queries
from tenny_lsp.inference.reasons import Reason
from tenny_lsp.inference.shapes.dimension import Unknown
from tenny_lsp.inference.shapes.places import FoundArray
from tenny_lsp.inference.shapes.values import Array, array_text

#: An expression that is longer is not shown as where an array comes from.
_LONGEST_SOURCE = 80


@dataclass(frozen=True, slots=True)
class ShapeHint:
    """A hint in the text.

    Args:
        offset (int): What it stands behind, in code points.
        text (str): What it says.
        is_typed (bool): Whether it says what a variable holds, and not what a call returns.
    """

    offset: int
    text: str
    is_typed: bool


def array_card(found: FoundArray, reason: Reason | None = None) -> str:
    """Return the card of a variable that holds an array.

    Args:
        found (FoundArray): Its shape and dtype, and the expression they come from.
        reason (Reason, optional): The parameter because of which it is taken for an array, if it is.
    """
    source = found.source if found.source != found.name and len(found.source) <= _LONGEST_SOURCE else ""
    card = f"```python\n{', '.join(filter(None, (f'{found.name}: mx.array', array_text(found.array))))}\n```"
    card = f"{card}\n\nfrom `{source}`" if source and "`" not in source else card
    if reason is None:
        return card
    return f"{card}\n\nan array{f', as `{reason.parameter}` is' if reason.parameter else ''}: {reason.text}"


def hints(queries: Queries, start: int, end: int) -> Iterator[ShapeHint]:
    """Yield the hints between two offsets: behind assigned variables, and behind calls of layers and modules."""
    for found in queries.shapes.arrays_in(start, end):
        if _is_worth_telling(found.array):
            text = array_text(found.array)
            yield ShapeHint(found.end, f": {text}" if found.name else f"→ {text}", bool(found.name))


def _is_worth_telling(array: Array) -> bool:
    """Return whether more is known of a shape than how many dimensions it has."""
    if array.shape is None:
        return False
    return not array.shape or any(not isinstance(dimension, Unknown) for dimension in array.shape)
