"""Score names by how likely they follow a text: read the text once, then all names in one batch.

Everything here runs in the model's thread, as in ``tenny_lsp.worker.voice``.
"""

import re
from collections.abc import Callable, Sequence
from itertools import takewhile
from typing import Any

import mlx.core as mx
from mlx_lm.models.cache import KVCache, make_prompt_cache

#: Tokens of the text that are read at a time; only between them can it be cancelled.
_CHUNK_TOKENS = 128
#: The least log-probability that is returned, where a probability underflows to zero.
_LEAST = -1000.0
#: The most tokens that are read, the last of the text.
_LONGEST_TOKENS = 1024
#: The number of names that are read to their end, those with the likeliest first token; the others score by that alone.
_READ_TO_THE_END = 12
#: The beginning of a token that continues a name.
_GOES_ON = re.compile(r"[A-Za-z0-9_]|<0x(3[0-9]|4[1-9A-F]|5[0-9AF]|6[1-9A-F]|7[0-9A])>")


class Scorer:
    """Scores names with a model. The cache of the last text is reused for the beginning that the next one shares.

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

    def log_probabilities(self, text: str, names: Sequence[str], check: Callable[[], None]) -> list[float]:
        """Return the log-probability that each name is written after a text and ends there.

        Args:
            text (str): What stands before the names.
            names (Sequence[str]): The names.
            check (Callable[[], None]): Called between chunks of the text; it may raise, to end the work.

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

    def answer_log_probabilities(
        self, prompt: list[int], answers: list[list[int]], check: Callable[[], None]
    ) -> list[float]:
        """Return the log-probability that each answer follows a prompt; the tokens of an answer include its end.

        Args:
            prompt (list[int]): The prompt's tokens.
            answers (list[list[int]]): The answers' tokens, one at least of each.
            check (Callable[[], None]): Called between chunks of the prompt; it may raise, to end the work.

        Raises:
            ValueError: The model's cache cannot be shared by a batch.
        """
        first = log_softmax(self._after(prompt[-_LONGEST_TOKENS:], check))[0, 0]  # (V,)
        check()
        rest, _ = self._said(answers)
        begun = first[mx.array([answer[0] for answer in answers])]
        return (begun + rest).tolist()  # type: ignore[return-value]

    def _said(self, tails: list[list[int]]) -> tuple[mx.array, mx.array]:
        """Return the log-probability of each row's tokens but its first, ``(N,)``, and of the next, ``(N, V)``."""
        longest = max(map(len, tails))
        padded = mx.array([tail + [0] * (longest - len(tail)) for tail in tails])  # (N, L)
        lengths = mx.array([[len(tail)] for tail in tails])  # (N, 1)
        after = log_softmax(self._model(padded, cache=batched(self._model, self._cache, len(tails))))  # (N, L, V)
        said = mx.take_along_axis(after[:, :-1], padded[:, 1:, None], axis=-1)[..., 0]  # (N, L - 1)
        said = mx.where(mx.arange(1, longest) < lengths, said, 0.0).sum(axis=1)
        return said, mx.take_along_axis(after, lengths[..., None] - 1, axis=1)[:, 0]

    def _rest(self, tails: list[list[int]]) -> list[float]:
        """Return the log-probability of each row of tokens from its second on, and of the name's end after them."""
        said, last = self._said(tails)  # (N,), (N, V)
        ended = mx.logsumexp(mx.where(self._ending(last.shape[-1]), last, -mx.inf), axis=-1)
        return (said + ended).tolist()  # type: ignore[return-value]

    def _tokens(self, text: str, names: Sequence[str]) -> tuple[list[int], list[list[int]]]:
        """Return the tokens that stand before every name, and the rest of each.

        A token may hold both the end of the text and the beginning of a name, so the text after its last white space
        is tokenized with each name; no token crosses white space.
        """
        cut = max(text.rfind(" "), text.rfind("\n"), 0)
        head = self._tokenizer.encode(text[:cut])
        ends = self._tokenizer.encode(text[:cut] + "a")[len(head) + 1 :]  # what a tokenizer appends to every text
        head = head[: len(head) - len(ends)]
        tails = [self._tokenizer.encode(text[cut:] + name, add_special_tokens=False) for name in names]
        columns = zip(*(tail[:-1] for tail in tails), strict=False)
        shared = len(list(takewhile(lambda column: len(set(column)) == 1, columns)))
        head = (head + tails[0][:shared])[-_LONGEST_TOKENS:] or self._tokenizer.encode("\n")
        return head, [tail[shared:] for tail in tails]

    def _after(self, tokens: list[int], check: Callable[[], None]) -> mx.array:
        """Return the logits after tokens, ``(1, 1, V)``; tokens that were read the last time come from the cache."""
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
                return logits

    def _ending(self, size: int) -> mx.array:
        """Return which tokens end a name, ``(V,) bool``: those that do not begin with a letter, digit or underscore."""
        if self._ends is None:
            texts = self._tokenizer.convert_ids_to_tokens(list(range(min(size, len(self._tokenizer)))))
            ends = [not _GOES_ON.match(text or "") for text in texts]
            self._ends = mx.array(ends + [False] * (size - len(ends)))
        return self._ends


def compared(model: Any, prompts: list[list[int]], answer: list[int], check: Callable[[], None]) -> list[float]:
    """Return the log-probability of an answer after each of several prompts, all read in one batch.

    Args:
        model (nn.Module): A language model of mlx-lm.
        prompts (list[list[int]]): The prompts' tokens.
        answer (list[int]): The answer's tokens, its end included.
        check (Callable[[], None]): Called before the work; it may raise, to end it.
    """
    check()
    if not prompts:
        return []
    rows = [prompt[-_LONGEST_TOKENS:] + answer for prompt in prompts]
    longest = max(map(len, rows))
    padded = mx.array([row[:-1] + [0] * (longest - len(row)) for row in rows])  # (N, L - 1)
    # Where the tokens stand that the answer's follow; what pads a row comes after them.
    places = mx.array([list(range(len(row) - len(answer) - 1, len(row) - 1)) for row in rows])  # (N, A)
    logits = mx.take_along_axis(model(padded), places[..., None], axis=1)  # (N, A, V)
    said = mx.take_along_axis(log_softmax(logits), mx.array([answer] * len(rows))[..., None], axis=-1)  # (N, A, 1)
    return said.sum(axis=(1, 2)).tolist()  # type: ignore[return-value]


def can_be_batched(cache: list[Any]) -> bool:
    """Return whether the cache of one row can be repeated for a batch, which depends on the architecture."""
    return all(type(layer) is KVCache for layer in cache)


def batched(model: Any, cache: list[Any], size: int) -> list[Any]:
    """Return a cache for a batch of ``size`` rows, each a copy of the one row of ``cache``."""
    shared: list[Any] = make_prompt_cache(model)
    for layer, kept in zip(shared, cache, strict=True):
        layer.keys = mx.repeat(kept.keys[..., : kept.offset, :], size, axis=0)
        layer.values = mx.repeat(kept.values[..., : kept.offset, :], size, axis=0)
        layer.offset = kept.offset
    return shared


def log_softmax(logits: mx.array) -> mx.array:
    """Return log-probabilities over the last axis, in float32."""
    logits = logits.astype(mx.float32)
    return logits - mx.logsumexp(logits, axis=-1, keepdims=True)
