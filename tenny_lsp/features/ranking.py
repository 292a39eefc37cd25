"""Rank completion candidates by usage counts and by the model's scores."""

import math
from collections.abc import Awaitable, Callable, Mapping, Sequence

from tenny_lsp.mlx_api.index import ApiIndex
from tenny_lsp.mlx_api.usage import load_usage, members_of, normalized
from tenny_lsp.mlx_api.usage_contexts import ARRAY, uses_before
from tenny_lsp.source.completion_context import CompletionContext

#: Asks the model, within the caller's deadline: (text, what may follow) → log-probabilities; None when it is late.
Score = Callable[[str, Sequence[str]], Awaitable[Mapping[str, float] | None]]

#: How many of the likeliest names the model is asked about.
ASKED = 32
#: How much of the probability is the model's to give; the rest is the counts'.
MODEL_SHARE = 0.4
_NEVER = 1e-300
#: The model reads so many characters before the name, at most twice as many: the start moves in steps, so that what it
#: has read stays read from one keystroke to the next.
_READ = 320


def counted(text: str, context: CompletionContext, owner: str, names: Sequence[str], index: ApiIndex) -> list[float]:
    """Return the log-probabilities of names after a dot, by how MLX code is written."""
    end = context.start - 1 if owner == ARRAY else context.receiver
    use, earlier = uses_before(text[:end], owner, members_of(index))
    return load_usage().scores(use, earlier, names)


def mixed(
    scores: Sequence[float], names: Sequence[str], asked: Mapping[str, float], share: float = MODEL_SHARE
) -> list[float]:
    """Return the log-probabilities of the counts mixed with the model's; of those it was asked, all its share."""
    said = dict(zip(asked, normalized(list(asked.values())), strict=True))
    opinions = (math.exp(said[name]) if name in said else 0.0 for name in names)
    counts = map(math.exp, scores)
    return [
        math.log(share * opinion + (1 - share) * count or _NEVER)
        for opinion, count in zip(opinions, counts, strict=True)
    ]


def read_before(text: str, start: int) -> str:
    """Return what the model reads of the text before a name: whole lines, from a start that seldom moves."""
    first = text.rfind("\n", 0, max(0, (start // _READ - 1) * _READ)) + 1
    return text[first:start]


async def asked(
    text: str, context: CompletionContext, names: Sequence[str], scores: Sequence[float], score: Score
) -> Mapping[str, float] | None:
    """Return what the model says of the likeliest names; None when it is late."""
    likeliest = sorted(zip(scores, names, strict=True), key=lambda pair: (-pair[0], pair[1]))[:ASKED]
    return await score(read_before(text, context.start), [name for _, name in likeliest])
