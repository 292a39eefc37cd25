"""Continue a prompt greedily, several tokens a step where the text repeats what it has read.

An answer from documentation copies much of it. What followed the last few tokens where they stood before is a draft:
one step reads it whole and keeps what the model would have said itself. A step of nine tokens takes hardly longer than
one of a single token, for what takes the time is to read the weights.

Everything here runs in the model's thread, as in ``tenny_lsp.worker.voice``.
"""

from collections.abc import Callable, Iterator
from typing import Any

import mlx.core as mx
from mlx_lm.models.cache import can_trim_prompt_cache, make_prompt_cache, trim_prompt_cache

#: Tokens of the prompt that are read at a time; only between them can it be cancelled.
CHUNK_TOKENS = 128
#: So many tokens must have stood together before, and so many that followed them are tried.
_MATCHED, _DRAFTED = 3, 8


def greedy_tokens(model: Any, prompt: list[int], check: Callable[[], None]) -> Iterator[int]:
    """Yield the likeliest tokens after a prompt, without end.

    Args:
        model (nn.Module): A language model of mlx-lm.
        prompt (list[int]): The prompt's tokens, one at least.
        check (Callable[[], None]): Called before each step; it may raise, to end the work.
    """
    cache = make_prompt_cache(model)
    may_draft = can_trim_prompt_cache(cache)
    for start in range(0, len(prompt) - 1, CHUNK_TOKENS):
        check()
        model(mx.array([prompt[start : min(start + CHUNK_TOKENS, len(prompt) - 1)]]), cache=cache)
        mx.eval([layer.state for layer in cache])
    text = list(prompt)
    while True:
        check()
        draft = drafted(text) if may_draft else []
        logits = model(mx.array([[text[-1], *draft]]), cache=cache)
        likeliest: list[int] = mx.argmax(logits[0], axis=-1).tolist()  # type: ignore[assignment]
        right = next((place for place, token in enumerate(draft) if token != likeliest[place]), len(draft))
        if wrong := len(draft) - right:
            trim_prompt_cache(cache, wrong)
        text += likeliest[: right + 1]
        yield from likeliest[: right + 1]


def drafted(text: list[int]) -> list[int]:
    """Return the tokens that followed the last tokens of a text where those stood together last; empty: nowhere."""
    end = text[-_MATCHED:]
    for start in range(len(text) - _MATCHED - 1, -1, -1):
        if text[start : start + _MATCHED] == end:
            return text[start + _MATCHED : start + _MATCHED + _DRAFTED]
    return []
