"""Sample several completions of one prompt: read it once, then decode one batch.

Everything here runs in the model's thread, as in ``tenny_lsp.worker.voice``.
"""

from collections.abc import Callable, Iterator
from typing import Any

import mlx.core as mx
from mlx_lm.models.cache import make_prompt_cache

from tenny_lsp.model import wire
from tenny_lsp.worker.scoring import batched, can_be_batched, log_softmax

#: Tokens of the prompt that are read at a time; only between them can it be cancelled.
_CHUNK_TOKENS = 128
#: The number of likeliest tokens that are sampled from: sorting a whole vocabulary takes longer than decoding a token.
_TOP_K = 64


class _Row:
    """A completion that is being sampled."""

    def __init__(self) -> None:
        self.tokens: list[int] = []
        self.log_probability = 0.0
        self.has_ended = False

    def add(self, token: int, log_probability: float) -> None:
        self.tokens.append(token)
        self.log_probability += log_probability


def completions(
    model: Any, tokenizer: Any, prompt: list[int], request: wire.Sample, check: Callable[[], None]
) -> Iterator[wire.SampleResult]:
    """Yield the completions that a request asks for, the shortest first.

    Args:
        model (nn.Module): A language model of mlx-lm.
        tokenizer (TokenizerWrapper): Its tokenizer.
        prompt (list[int]): The prompt's tokens.
        request (wire.Sample): How to sample.
        check (Callable[[], None]): Called between tokens; it may raise, to end the work.
    """
    mx.random.seed(request.seed)
    logits, cache = _read(model, prompt, request.count, check)
    rows = [_Row() for _ in range(request.count)]
    for left in range(request.max_tokens - 1, -1, -1):
        check()
        log = log_softmax(logits)  # (N, V)
        sampled = _sample(log, request.temperature, request.top_p)  # (N,)
        chances = mx.take_along_axis(log, sampled[:, None], axis=-1)[:, 0]
        for row, token, chance in zip(rows, _numbers(sampled), _numbers(chances), strict=True):
            if row.has_ended:
                continue
            row.add(int(token), chance)
            text, is_finished = _text(tokenizer, row.tokens, request.stop)
            row.has_ended = is_finished or not left
            if row.has_ended:
                likelihood = row.log_probability / len(row.tokens)
                yield wire.SampleResult(request.id, text, likelihood, is_finished)
        going = [place for place, row in enumerate(rows) if not row.has_ended]
        if not going:
            return
        if len(going) < len(rows) and can_be_batched(cache):
            rows, sampled = [rows[place] for place in going], sampled[mx.array(going)]
            for layer in cache:
                layer.keys, layer.values = layer.keys[mx.array(going)], layer.values[mx.array(going)]
        logits = model(sampled[:, None], cache=cache)[:, -1]


def _sample(log: mx.array, temperature: float, top_p: float) -> mx.array:
    """Return a token for each row of log-probabilities: ``(N, V) float32`` to ``(N,)``."""
    if not temperature:
        return mx.argmax(log, axis=-1)
    size = min(_TOP_K, log.shape[-1])
    tokens = mx.argpartition(log, kth=-size, axis=-1)[:, -size:]
    values = mx.take_along_axis(log, tokens, axis=-1)
    order = mx.argsort(-values, axis=-1)
    tokens, values = (mx.take_along_axis(rows, order, axis=-1) for rows in (tokens, values))
    chances = mx.exp(values)
    values = mx.where(mx.cumsum(chances, axis=-1) - chances < top_p, values, -mx.inf)
    place = mx.random.categorical(values / temperature)[:, None]
    return mx.take_along_axis(tokens, place, axis=-1)[:, 0]


def _numbers(row: mx.array) -> list[float]:
    return row.tolist()  # type: ignore[return-value]


def _text(tokenizer: Any, tokens: list[int], stop: tuple[str, ...]) -> tuple[str, bool]:
    """Return the text of tokens, and whether it has ended, by an end-of-sequence token or a stop string."""
    has_end = tokens[-1] in tokenizer.eos_token_ids
    text: str = tokenizer.decode(tokens[:-1] if has_end else tokens)
    stops = [place for place in (text.find(mark) for mark in stop if mark) if place >= 0]
    return text[: min(stops, default=len(text))].rstrip("\ufffd").strip(), has_end or bool(stops)


def _read(model: Any, tokens: list[int], count: int, check: Callable[[], None]) -> tuple[mx.array, list[Any]]:
    """Return the logits after a prompt, ``(count, V)``, and the cache of a batch that has read it."""
    cache = make_prompt_cache(model)
    readers = 1 if can_be_batched(cache) else count
    for start in range(0, len(tokens), _CHUNK_TOKENS):
        check()
        logits = model(mx.array([tokens[start : start + _CHUNK_TOKENS]] * readers), cache=cache)[:, -1]
        mx.eval(logits)
    if readers == count:
        return logits, cache
    return mx.repeat(logits, count, axis=0), batched(model, cache, count)
