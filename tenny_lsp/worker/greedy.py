"""Continue a prompt greedily, several tokens a step where the text repeats what it has read.

An answer from documentation copies much of it. What followed the last few tokens where they stood before is a draft:
one step reads it whole and keeps what the model would have said itself. A step of sixteen tokens takes three times as
long as one of a single token, for what takes the time is to read the weights.

Everything here runs in the model's thread, as in ``tenny_lsp.worker.voice``.
"""

from collections.abc import Callable, Iterator
from typing import Any, Protocol

import mlx.core as mx
from mlx_lm.models.cache import can_trim_prompt_cache, make_prompt_cache, trim_prompt_cache

from tenny_lsp.worker.plain_llama import is_plain_llama

#: Tokens of the prompt that are read at a time; only between them can it be cancelled.
CHUNK_TOKENS = 128
#: So many tokens must have stood together before, and so many that followed them are tried.
_MATCHED, _DRAFTED = 4, 15


class Reader(Protocol):
    """A model and the tokens that it has read."""

    @property
    def can_forget(self) -> bool:
        """Whether the last tokens can be forgotten."""

    def read(self, tokens: list[int]) -> None:
        """Read tokens behind those that have been read."""

    def likeliest(self, tokens: list[int]) -> list[int]:
        """Read tokens behind those that have been read, and return the likeliest successor of each."""

    def forget(self, count: int) -> None:
        """Forget the last tokens."""


class MlxReader:
    """Reads with MLX, any architecture of mlx-lm's.

    Args:
        model (nn.Module): A language model of mlx-lm.
    """

    def __init__(self, model: Any) -> None:
        self._model = model
        self._cache = make_prompt_cache(model)

    @property
    def can_forget(self) -> bool:
        """Whether the last tokens can be forgotten, which depends on the architecture."""
        return bool(can_trim_prompt_cache(self._cache))

    def read(self, tokens: list[int]) -> None:
        """Read tokens behind those that have been read."""
        self._model(mx.array([tokens]), cache=self._cache)
        mx.eval([layer.state for layer in self._cache])

    def likeliest(self, tokens: list[int]) -> list[int]:
        """Read tokens behind those that have been read, and return the likeliest successor of each."""
        logits = self._model(mx.array([tokens]), cache=self._cache)
        return mx.argmax(logits[0], axis=-1).tolist()  # type: ignore[return-value]

    def forget(self, count: int) -> None:
        """Forget the last tokens."""
        trim_prompt_cache(self._cache, count)


def greedy_tokens(model: Any, prompt: list[int], check: Callable[[], None]) -> Iterator[int]:
    """Yield the likeliest tokens after a prompt, without end.

    Args:
        model (nn.Module): A language model of mlx-lm.
        prompt (list[int]): The prompt's tokens, one at least.
        check (Callable[[], None]): Called before each step; it may raise, to end the work.
    """
    reader = _reader(model)
    may_draft = reader.can_forget
    for start in range(0, len(prompt) - 1, CHUNK_TOKENS):
        check()
        reader.read(prompt[start : min(start + CHUNK_TOKENS, len(prompt) - 1)])
    text = list(prompt)
    while True:
        check()
        draft = drafted(text) if may_draft else []
        likeliest = reader.likeliest([text[-1], *draft])
        right = next((place for place, token in enumerate(draft) if token != likeliest[place]), len(draft))
        if wrong := len(draft) - right:
            reader.forget(wrong)
        text += likeliest[: right + 1]
        yield from likeliest[: right + 1]


def _reader(model: Any) -> Reader:
    if not is_plain_llama(model):
        return MlxReader(model)
    # It imports NumPy, which a worker that only scores never needs.
    from tenny_lsp.worker.llama import LlamaReader

    return LlamaReader(model)


def drafted(text: list[int]) -> list[int]:
    """Return the tokens that followed the last tokens of a text where those stood together last; empty: nowhere."""
    end = text[-_MATCHED:]
    for start in range(len(text) - _MATCHED - 1, -1, -1):
        if text[start : start + _MATCHED] == end:
            return text[start + _MATCHED : start + _MATCHED + _DRAFTED]
    return []
