"""Put tokenised rows into padded batches with their loss positions, with NumPy only: no MLX is imported."""

import itertools
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

LOGGER = logging.getLogger(__name__)

Ids = npt.NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class TokenizedRow:
    """A tokenised row.

    Attributes:
        tokens: Ids of the prompt, of the completion and of its end.
        start: Index of the first token that takes part in the loss, in ``[1, len(tokens))``.
        spans: Where in a conversation tokens take part, as (first, one past the last); none: from ``start`` on.
    """

    tokens: tuple[int, ...]
    start: int
    spans: tuple[tuple[int, int], ...] = ()

    @property
    def learned(self) -> tuple[tuple[int, int], ...]:
        """The parts whose tokens take part in the loss."""
        return self.spans or ((self.start, len(self.tokens)),)


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
        for start, end in example.learned:
            positions += range(index * width + start - 1, index * width + end - 1)
            targets += example.tokens[start:end]
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
