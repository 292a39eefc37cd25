"""How likely names are to be written after a text: one reading of the text, kept, and one batch for all names.

Everything here happens in the model's thread, as in ``tenny_lsp.worker.voice``.
"""

import re
from collections.abc import Callable, Sequence
from itertools import takewhile
from typing import Any

import mlx.core as mx
from mlx_lm.models.cache import KVCache, make_prompt_cache

#: Reading can be cancelled only between chunks of so many tokens.
_CHUNK_TOKENS = 128
#: A probability of zero has no logarithm; nothing is as unlikely as this, whole sentences included.
_LEAST = -1000.0
#: How many tokens of the last text are read at most.
_LONGEST_TOKENS = 1024
#: So many of the names are read to their end: those whose beginning is likeliest. The others count as likely as theirs.
_READ_TO_THE_END = 12
_GOES_ON = re.compile(r"[A-Za-z0-9_]|<0x(3[0-9]|4[1-9A-F]|5[0-9AF]|6[1-9A-F]|7[0-9A])>")


class Scorer:
    """Reads texts with a model and tells how they go on.

    Args:
        model (nn.Module): A language model of mlx-lm.
        tokenizer (TokenizerWrapper): Its tokenizer.
    """

    def __init__(self, model: Any, tokenizer: Any) -> None:
        self._model = model
        self._tokenizer = tokenizer
        self._read: list[int] = []
        self._cache: list[Any] = []
        self._ends: mx.array | None = None

    def forget(self) -> None:
        """Drops what has been read, as another adapter reads it otherwise."""
        self._read, self._cache = [], []

    def log_probabilities(self, text: str, names: Sequence[str], check: Callable[[], None]) -> list[float]:
        """Returns the log-probability of each name to be written after a text, and to end there.

        Args:
            text (str): What stands before the names.
            names (Sequence[str]): The names.
            check (Callable[[], None]): Called between chunks of the reading; ends it by raising.

        Raises:
            ValueError: The model's cache cannot be shared by a batch.
        """
        if not names:
            return []
        head, tails = self._tokens(text, names)
        first = log_softmax(self._after(head, check))[0, 0]  # (V,)
        values: list[float] = first[mx.array([tail[0] for tail in tails])].tolist()  # type: ignore[assignment]
        likeliest = sorted(range(len(names)), key=lambda place: -values[place])[:_READ_TO_THE_END]
        for is_long in (False, True):  # apart, for a batch is as long as its longest row
            places = [place for place in likeliest if (len(tails[place]) > 1) == is_long]
            if places:
                check()
                for place, rest in zip(places, self._rest([tails[place] for place in places]), strict=True):
                    values[place] += rest
        return [max(value, _LEAST) for value in values]

    def _rest(self, tails: list[list[int]]) -> list[float]:
        """Returns the log-probability of each row of tokens from its second token on, and to end there."""
        longest = max(map(len, tails))
        padded = mx.array([tail + [0] * (longest - len(tail)) for tail in tails])  # (N, L)
        lengths = mx.array([[len(tail)] for tail in tails])  # (N, 1)
        after = log_softmax(self._model(padded, cache=batched(self._model, self._cache, len(tails))))  # (N, L, V)
        said = mx.take_along_axis(after[:, :-1], padded[:, 1:, None], axis=-1)[..., 0]  # (N, L - 1)
        said = mx.where(mx.arange(1, longest) < lengths, said, 0.0).sum(axis=1)
        last = mx.take_along_axis(after, lengths[..., None] - 1, axis=1)[:, 0]  # (N, V)
        ended = mx.logsumexp(mx.where(self._ending(last.shape[-1]), last, -mx.inf), axis=-1)
        return (said + ended).tolist()  # type: ignore[return-value]

    def _tokens(self, text: str, names: Sequence[str]) -> tuple[list[int], list[list[int]]]:
        """Returns the tokens that stand before every name, and the rest of each.

        A tokenizer may join the end of the text with the name: text and name are split together from the last white
        space on, before which no tokenizer joins anything.
        """
        cut = max(text.rfind(" "), text.rfind("\n"), 0)
        head = self._tokenizer.encode(text[:cut])
        ends = self._tokenizer.encode(text[:cut] + "a")[len(head) + 1 :]  # what a tokenizer puts behind every text
        head = head[: len(head) - len(ends)]
        tails = [self._tokenizer.encode(text[cut:] + name, add_special_tokens=False) for name in names]
        columns = zip(*(tail[:-1] for tail in tails), strict=False)
        shared = len(list(takewhile(lambda column: len(set(column)) == 1, columns)))
        head = (head + tails[0][:shared])[-_LONGEST_TOKENS:] or self._tokenizer.encode("\n")
        return head, [tail[shared:] for tail in tails]

    def _after(self, tokens: list[int], check: Callable[[], None]) -> mx.array:
        """Returns the logits after tokens, having read only those that were not read the last time."""
        known = len(list(takewhile(lambda pair: pair[0] == pair[1], zip(tokens[:-1], self._read, strict=False))))
        if not self._cache:
            self._cache = make_prompt_cache(self._model)
            if not can_be_batched(self._cache):
                raise ValueError("a model of this architecture cannot read for many names at once")
        for layer in self._cache:
            layer.trim(len(self._read) - known)
        self._read = self._read[:known]
        while True:
            check()
            chunk = tokens[len(self._read) :][:_CHUNK_TOKENS]
            logits: mx.array = self._model(mx.array([chunk]), cache=self._cache)[:, -1:]
            mx.eval(logits)
            self._read += chunk
            if len(self._read) == len(tokens):
                return logits  # (1, 1, V)

    def _ending(self, size: int) -> mx.array:
        """Returns which tokens end a name: all that do not begin with a letter, a digit or an underscore."""
        if self._ends is None:
            texts = self._tokenizer.convert_ids_to_tokens(list(range(min(size, len(self._tokenizer)))))
            ends = [not _GOES_ON.match(text or "") for text in texts]
            self._ends = mx.array(ends + [False] * (size - len(ends)))
        return self._ends


def can_be_batched(cache: list[Any]) -> bool:
    """Tells whether what one row has read can be handed to a batch: by how this architecture keeps it."""
    return all(type(layer) is KVCache for layer in cache)


def batched(model: Any, cache: list[Any], size: int) -> list[Any]:
    """Returns a cache for a batch of ``size`` rows that have all read what one row has."""
    shared: list[Any] = make_prompt_cache(model)
    for layer, kept in zip(shared, cache, strict=True):
        layer.keys = mx.repeat(kept.keys[..., : kept.offset, :], size, axis=0)
        layer.values = mx.repeat(kept.values[..., : kept.offset, :], size, axis=0)
        layer.offset = kept.offset
    return shared


def log_softmax(logits: mx.array) -> mx.array:
    """Returns log-probabilities over the last axis, in float32."""
    logits = logits.astype(mx.float32)
    return logits - mx.logsumexp(logits, axis=-1, keepdims=True)
