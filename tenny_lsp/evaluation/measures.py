"""Measure a model with MLX: perplexity, and tokens per second."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import mlx.core as mx
from mlx_lm import stream_generate
from mlx_lm.utils import load_adapters

from tenny_lsp.evaluation.scores import Speed
from tenny_lsp.learning.adapter import check_adapter
from tenny_lsp.learning.batches import TokenizedRow, epoch
from tenny_lsp.learning.encoding import encode_rows
from tenny_lsp.learning.formats import read_rows
from tenny_lsp.learning.lora import load_base
from tenny_lsp.learning.objective import completion_loss
from tenny_lsp.model.prompt_format import PromptFormat
from tenny_lsp.model.runtime import prepare

_BATCH_SIZE = 8
#: Tokens of code in one window; each is predicted from those before it in the window.
CODE_WINDOW_TOKENS = 512
_SPEED_TOKENS = 128


class Measures:
    """A loaded base model to measure, bare or with an adapter.

    Args:
        base (str | None): Its folder or hub name; None for the embedded one.
        prompt_format (PromptFormat): How prompts of rows are given to it.

    Raises:
        BaseModelError: The base is incomplete or cannot be loaded.
    """

    def __init__(self, base: str | None, prompt_format: PromptFormat = "raw") -> None:
        self._format: PromptFormat = prompt_format
        tokenizer: Any
        self._folder, self._model, tokenizer = load_base(base)
        self._tokenizer = tokenizer
        self._loss = completion_loss(self._model)
        self._model.eval()

    def load_adapter(self, adapter: Path) -> None:
        """Load an adapter onto the base; it cannot be removed.

        Raises:
            AdapterError: It is incomplete or was made for another base.
        """
        check_adapter(adapter, self._folder)
        load_adapters(self._model, str(adapter))
        if (dtype := prepare().dtype) is not None:
            self._model.set_dtype(getattr(mx, dtype))
        self._model.eval()

    def perplexity_of_rows(self, file: Path) -> float:
        """Return the perplexity of the completions in a file of dataset rows, per token."""
        rows = encode_rows(read_rows(file), self._tokenizer, max_seq_length=2048, prompt_format=self._format)
        return math.exp(self._nats(rows))

    def perplexity_of_code(self, texts: Sequence[str]) -> float:
        """Return the perplexity of source files, per token, in windows that each begin without context."""
        examples = []
        for text in texts:
            tokens = self._tokenizer.encode(text, verbose=False)  # longer than the model reads at once
            for start in range(0, len(tokens) - 1, CODE_WINDOW_TOKENS):
                window = tokens[start : start + CODE_WINDOW_TOKENS + 1]
                if len(window) > 1:
                    examples.append(TokenizedRow(tuple(window), 1))
        return math.exp(self._nats(examples))

    def speed(self, prompt: str) -> Speed:
        """Measure how fast a prompt is read and continued."""
        ends = mx.array(sorted(self._tokenizer.eos_token_ids))

        def without_end(logprobs: mx.array) -> mx.array:  # or a model with little to say would be measured on little
            logprobs[..., ends] = -math.inf
            return mx.argmax(logprobs, axis=-1)

        for tokens in (8, _SPEED_TOKENS):  # the first time warms up
            *_, last = stream_generate(self._model, self._tokenizer, prompt, max_tokens=tokens, sampler=without_end)
        return Speed(prefill_tokens_per_s=last.prompt_tps, decode_tokens_per_s=last.generation_tps)

    def _nats(self, examples: Sequence[TokenizedRow]) -> float:
        """Return the mean loss of the examples' learned tokens."""
        total, count = 0.0, 0.0
        for batch in epoch(examples, _BATCH_SIZE, seed=0, pad_to=1):
            parts = (batch.inputs, batch.positions, batch.targets, batch.weights)
            loss, tokens = self._loss(self._model, *map(mx.array, parts))
            total += cast("float", (loss * tokens).item())
            count += cast("float", tokens.item())
        return total / count
