"""Measure how well a base predicts the name that follows ``mx.`` or ``nn.`` in MLX code."""

import random
import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from statistics import mean

from tenny_lsp.mlx_api.index import ApiIndex
from tenny_lsp.mlx_api.naming import CUSTOMARY_ALIASES, qualified_name

#: Returns the log-probability of each name to follow a text.
Score = Callable[[str, Sequence[str]], Awaitable[list[float]]]

_USE = re.compile(rf"(?<![\w.])((?:{'|'.join(CUSTOMARY_ALIASES.values())})(?:\.[a-z]+)*)\.([A-Za-z_]\w*)")
_CONTEXT_CHARACTERS = 2000


@dataclass(frozen=True, slots=True)
class MemberUse:
    """A place in source code where something of MLX is named.

    Args:
        text (str): What stands before the name, its last dot included.
        module (str): The module's public name.
        name (str): What the author wrote.
    """

    text: str
    module: str
    name: str


def places_in(code: Sequence[str], index: ApiIndex, most: int) -> list[MemberUse]:
    """Return at most ``most`` places of source files, spread over all of them, the same every time."""
    found = []
    for text in code:
        for use in _USE.finditer(text):
            module = index.resolve(qualified_name(use[1]))
            if module and module.kind == "module" and use[2] in dict(index.members(module)):
                before = text[: use.start(2)]
                found.append(MemberUse(before[-_CONTEXT_CHARACTERS:], module.name, use[2]))
    return random.Random(0).sample(found, min(most, len(found)))


async def reciprocal_rank(places: Sequence[MemberUse], index: ApiIndex, score: Score) -> float:
    """Return the mean reciprocal rank of the authors' names among all members of their modules."""
    ranks = []
    for place in places:
        module = index.resolve(place.module)
        assert module is not None
        names = sorted({name for name, _ in index.members(module) if not name.startswith("_")} | {place.name})
        scores = dict(zip(names, await score(place.text, names), strict=True))
        ranks.append(1 + sum(value > scores[place.name] for value in scores.values()))
    return mean(1 / rank for rank in ranks)
