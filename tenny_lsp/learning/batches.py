"""Turn dataset rows into padded batches and loss positions, with NumPy only: no MLX is imported."""

import itertools
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from tenny_lsp.errors import BaseModelError
from tenny_lsp.learning.formats import Row
from tenny_lsp.model.prompt_format import ChatTokenizer, PromptFormat, chat_text

LOGGER = logging.getLogger(__name__)

Ids = npt.NDArray[np.int32]


class Encoder(ChatTokenizer, Protocol):
    """A tokenizer of any library."""

    @property
    def eos_token_id(self) -> int | None:
        """The id that ends a completion."""

    def encode(self, text: str, **options: Any) -> list[int]:
        """Return the ids of ``text``."""


@dataclass(frozen=True, slots=True)
class TokenizedRow:
    """A tokenised row.

    Attributes:
        tokens: Ids of the prompt, of the completion and of its end.
        start: Index of the first token that takes part in the loss, in ``[1, len(tokens))``.
    """

    tokens: tuple[int, ...]
    start: int


@dataclass(frozen=True, slots=True)
class Share:
    """A process's part of every batch: each ``size``-th row from the ``rank``-th on."""

    rank: int
    size: int


WHOLE = Share(0, 1)


@dataclass(frozen=True, slots=True)
class Batch:
    """Padded rows of similar length.

    Attributes:
        inputs: Token ids, ``(B, T) int32``, padded on the right.
        positions: Indices into the flattened inputs whose next token is learned, ``(N,) int32``.
        targets: The tokens that follow them, ``(N,) int32``.
        weights: 1 where a position counts, 0 where it only pads ``N``, ``(N,) float32``.
        token_count: Tokens that are not padding, prompts included, in the rows of all processes.
    """

    inputs: Ids
    positions: Ids
    targets: Ids
    weights: npt.NDArray[np.float32]
    token_count: int


def encode_rows(
    rows: Sequence[Row],
    tokenizer: Encoder,
    *,
    max_seq_length: int,
    mask_prompt: bool = True,
    prompt_format: PromptFormat = "raw",
) -> list[TokenizedRow]:
    """Tokenise rows, none to more than ``max_seq_length`` tokens; log how many are cut.

    Prompt and completion are encoded apart, as they are when the model is asked, and the completion is ended
    by the tokenizer's end-of-sequence token.

    Args:
        rows (Sequence[Row]): The rows.
        tokenizer (Encoder): The base model's tokenizer.
        max_seq_length (int): The longest example, in tokens.
        mask_prompt (bool): Whether only the completion is learned. Default: ``True``.
        prompt_format (PromptFormat): ``chat``: prompts are messages in the tokenizer's chat template.

    Raises:
        BaseModelError: The tokenizer has no end-of-sequence token, or no chat template where one is asked for.
    """
    end = tokenizer.eos_token_id
    if end is None:
        raise BaseModelError(
            "The base model's tokenizer has no end-of-sequence token",
            "Add eos_token to its tokenizer_config.json: without it an answer would never end.",
        )
    examples, cut = [], 0
    for row in rows:
        prompt, answer = _encoded_prompt(row, tokenizer, prompt_format), row.completion
        # T5's tokenizer and some others end every text, the prompt too.
        while prompt and prompt[-1] == end:
            prompt.pop()
        if prompt_format == "chat":
            answer = answer.strip()
        completion = [*tokenizer.encode(answer, add_special_tokens=False), end]
        cut += len(prompt) + len(completion) > max_seq_length
        examples.append(_truncated(prompt, completion, max_seq_length, mask_prompt))
    if cut:
        LOGGER.warning("%d of %d rows are longer than %d tokens and were cut", cut, len(examples), max_seq_length)
    return examples


def _encoded_prompt(row: Row, tokenizer: Encoder, prompt_format: PromptFormat) -> list[int]:
    if prompt_format == "raw" or not row.prompt:
        return tokenizer.encode(row.prompt)
    try:
        text = chat_text(tokenizer, row.prompt)
    except ValueError as error:
        raise BaseModelError(
            f"The base model's tokenizer has no chat template: {error}",
            "Train with --prompt-format raw, or on a base that was made for chat.",
        ) from error
    # The template has every special token that the base was trained with, the first one too.
    return tokenizer.encode(text, add_special_tokens=False)


def _truncated(prompt: list[int], completion: list[int], longest: int, mask_prompt: bool) -> TokenizedRow:
    """Return the example, its completion cut at the end and then, if need be, its prompt in front."""
    completion = completion[: max(longest - len(prompt), longest // 2)]
    prompt = prompt[max(0, len(prompt) + len(completion) - longest) :]
    return TokenizedRow((*prompt, *completion), max(1, len(prompt) if mask_prompt else 1))


def epoch(
    examples: Sequence[TokenizedRow], batch_size: int, *, seed: int, pad_to: int = 8, share: Share = WHOLE
) -> Iterator[Batch]:
    """Yield every example once, in batches of similar length and in an order given by the seed.

    Args:
        examples (Sequence[TokenizedRow]): At least one.
        batch_size (int): Rows in a batch; the batch of the longest rows may hold fewer.
        seed (int): Decides which rows of one length share a batch, and the order of the batches.
        pad_to (int): Lengths are rounded up to a multiple of it: fewer shapes to compile. Default: ``8``.
        share (Share): Which rows of each batch are this process's. Default: all.
    """
    random = np.random.default_rng(seed)
    lengths = np.array([padded_length(len(example.tokens) - 1, pad_to) for example in examples])
    shuffled = random.permutation(len(examples))
    order = shuffled[np.argsort(lengths[shuffled], kind="stable")]
    groups = [order[start : start + batch_size] for start in range(0, len(order), batch_size)]
    for group in random.permutation(len(groups)):
        rows = [examples[index] for index in groups[group]]
        own = rows[share.rank :: share.size]
        # Every process takes part in every batch.
        batch = collate(own, pad_to) if own else without_loss(collate(rows[:1], pad_to))
        yield replace(batch, token_count=sum(len(row.tokens) for row in rows))


def collate(examples: Sequence[TokenizedRow], pad_to: int = 8) -> Batch:
    """Pad the examples to one batch; padding is never a loss position."""
    width = padded_length(max(len(example.tokens) for example in examples) - 1, pad_to)
    inputs = np.zeros((len(examples), width), np.int32)
    positions: list[int] = []
    targets: list[int] = []
    for index, example in enumerate(examples):
        inputs[index, : len(example.tokens) - 1] = example.tokens[:-1]
        positions += range(index * width + example.start - 1, index * width + len(example.tokens) - 1)
        targets += example.tokens[example.start :]
    padding = padded_length(len(positions), pad_to) - len(positions)
    return Batch(
        inputs,
        np.array(positions + [0] * padding, np.int32),
        np.array(targets + [0] * padding, np.int32),
        np.array([1.0] * len(positions) + [0.0] * padding, np.float32),
        sum(len(example.tokens) for example in examples),
    )


def without_loss(batch: Batch) -> Batch:
    """Return a batch that is computed like another one and in which nothing is learned."""
    return replace(batch, weights=np.zeros_like(batch.weights))


def padded_length(length: int, pad_to: int) -> int:
    """Return ``length`` rounded up to a multiple of ``pad_to``."""
    return -(-length // pad_to) * pad_to


def epochs(
    examples: Sequence[TokenizedRow], batch_size: int, *, seed: int, pad_to: int, share: Share = WHOLE
) -> Iterator[tuple[int, Batch]]:
    """Yield the batches of one epoch after another, each in an order of its own, with the epoch counted from 0."""
    for number in itertools.count():
        for batch in epoch(examples, batch_size, seed=seed + number, pad_to=pad_to, share=share):
            yield number, batch
