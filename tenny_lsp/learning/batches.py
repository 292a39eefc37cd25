"""Dataset rows become padded batches and loss positions; NumPy only, so that it can be read without MLX."""

import json
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from tenny_lsp.errors import BaseModelError, DatasetError
from tenny_lsp.model.prompts import SEPARATOR

LOGGER = logging.getLogger(__name__)

Ids = npt.NDArray[np.int32]


class Encoder(Protocol):
    """What is asked of a tokenizer, whichever library made it."""

    @property
    def eos_token_id(self) -> int | None:
        """The id that ends a completion."""

    def encode(self, text: str, **options: Any) -> list[int]:
        """Returns the ids of ``text``."""


@dataclass(frozen=True, slots=True)
class Row:
    """One prompt and the completion that is to be learned."""

    prompt: str
    completion: str


@dataclass(frozen=True, slots=True)
class Example:
    """A row in tokens.

    Attributes:
        tokens: Ids of the prompt, of the completion and of its end.
        start: Place of the first token that takes part in the loss, in ``[1, len(tokens))``.
    """

    tokens: tuple[int, ...]
    start: int


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows of nearly one length.

    Attributes:
        inputs: Token ids, ``(B, T) int32``, padded on the right.
        positions: Places in the flattened inputs whose next token is learned, ``(N,) int32``.
        targets: The tokens that follow them, ``(N,) int32``.
        weights: 1 where a position counts, 0 where it only fills ``N`` up, ``(N,) float32``.
        token_count: Tokens that are not padding, prompts included.
    """

    inputs: Ids
    positions: Ids
    targets: Ids
    weights: npt.NDArray[np.float32]
    token_count: int


def read_rows(path: Path) -> list[Row]:
    """Returns the rows of a JSONL file: each has a prompt and a completion, or one text that holds both.

    Text without an answer is learned as a whole.

    Raises:
        DatasetError: The file is missing, empty or not UTF-8, or a line is not such a row.
    """
    if not path.is_file():
        raise DatasetError(f"{path} does not exist", "Write it with `tenny-lsp build-dataset`.")
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise DatasetError(f"{path} cannot be read: {error}", "Is it a JSONL file in UTF-8?") from error
    rows = [_row(line, f"{path}, line {number}") for number, line in enumerate(lines, 1) if line.strip()]
    if not rows:
        raise DatasetError(f"{path} holds no rows", "Write it again with `tenny-lsp build-dataset`.")
    return rows


def _row(line: str, place: str) -> Row:
    expected = 'A row is {"prompt": "…", "completion": "…"} or {"text": "Q: …\\nA: …"}.'
    try:
        value = json.loads(line)
    except json.JSONDecodeError as error:
        raise DatasetError(f"{place} is not JSON: {error}", expected) from error
    if not isinstance(value, dict):
        raise DatasetError(f"{place} is not an object", expected)
    text = value.get("text")
    if isinstance(text, str):
        question, separator, answer = text.partition(SEPARATOR)
        row = Row(question + separator, answer) if separator else Row("", text)
    else:
        missing = [key for key in ("prompt", "completion") if not isinstance(value.get(key), str)]
        if missing:
            raise DatasetError(f"{place} has no text under {' and '.join(missing)}", expected)
        row = Row(value["prompt"], value["completion"])
    if not row.completion.strip():
        raise DatasetError(f"{place} has nothing to learn: its completion is empty", expected)
    return row


def encode_rows(
    rows: Sequence[Row], tokenizer: Encoder, *, max_seq_length: int, mask_prompt: bool = True
) -> list[Example]:
    """Returns the rows in tokens, none longer than ``max_seq_length``; what is cut off is logged.

    Prompt and completion are encoded apart, as they are when the model is asked, and the completion is ended
    by the tokenizer's end-of-sequence token.

    Args:
        rows (Sequence[Row]): The rows.
        tokenizer (Encoder): The base model's tokenizer.
        max_seq_length (int): The longest example, in tokens.
        mask_prompt (bool): Whether only the completion is learned. Default: ``True``.

    Raises:
        BaseModelError: The tokenizer has no end-of-sequence token.
    """
    end = tokenizer.eos_token_id
    if end is None:
        raise BaseModelError(
            "The base model's tokenizer has no end-of-sequence token",
            "Add eos_token to its tokenizer_config.json: without it an answer would never end.",
        )
    examples, cut = [], 0
    for row in rows:
        prompt = tokenizer.encode(row.prompt)
        # T5's tokenizer and some others end every text, the prompt too.
        while prompt and prompt[-1] == end:
            prompt.pop()
        completion = [*tokenizer.encode(row.completion, add_special_tokens=False), end]
        cut += len(prompt) + len(completion) > max_seq_length
        examples.append(_fit(prompt, completion, max_seq_length, mask_prompt))
    if cut:
        LOGGER.warning("%d of %d rows are longer than %d tokens and were cut", cut, len(examples), max_seq_length)
    return examples


def _fit(prompt: list[int], completion: list[int], longest: int, mask_prompt: bool) -> Example:
    """Returns the example, its completion cut at the end and then, if need be, its prompt in front."""
    completion = completion[: max(longest - len(prompt), longest // 2)]
    prompt = prompt[max(0, len(prompt) + len(completion) - longest) :]
    return Example((*prompt, *completion), max(1, len(prompt) if mask_prompt else 1))


def epoch(examples: Sequence[Example], batch_size: int, *, seed: int, pad_to: int = 8) -> Iterator[Batch]:
    """Yields every example once, in batches of nearly equal lengths and in an order given by the seed.

    Args:
        examples (Sequence[Example]): At least one.
        batch_size (int): Rows in a batch; the batch of the longest rows may hold fewer.
        seed (int): Decides which rows of one length share a batch, and the order of the batches.
        pad_to (int): Lengths are rounded up to a multiple of it: fewer shapes to compile. Default: ``8``.
    """
    random = np.random.default_rng(seed)
    lengths = np.array([padded_length(len(example.tokens) - 1, pad_to) for example in examples])
    shuffled = random.permutation(len(examples))
    order = shuffled[np.argsort(lengths[shuffled], kind="stable")]
    groups = [order[start : start + batch_size] for start in range(0, len(order), batch_size)]
    for group in random.permutation(len(groups)):
        yield collate([examples[index] for index in groups[group]], pad_to)


def collate(examples: Sequence[Example], pad_to: int = 8) -> Batch:
    """Returns the examples as one batch; no padding is ever a loss position."""
    width = padded_length(max(len(example.tokens) for example in examples) - 1, pad_to)
    inputs = np.zeros((len(examples), width), np.int32)
    positions: list[int] = []
    targets: list[int] = []
    for index, example in enumerate(examples):
        inputs[index, : len(example.tokens) - 1] = example.tokens[:-1]
        positions += range(index * width + example.start - 1, index * width + len(example.tokens) - 1)
        targets += example.tokens[example.start :]
    filling = padded_length(len(positions), pad_to) - len(positions)
    return Batch(
        inputs,
        np.array(positions + [0] * filling, np.int32),
        np.array(targets + [0] * filling, np.int32),
        np.array([1.0] * len(positions) + [0.0] * filling, np.float32),
        sum(len(example.tokens) for example in examples),
    )


def padded_length(length: int, pad_to: int) -> int:
    """Returns ``length`` rounded up to a multiple of ``pad_to``."""
    return -(-length // pad_to) * pad_to


def forever(examples: Sequence[Example], batch_size: int, *, seed: int, pad_to: int) -> Iterator[Batch]:
    """Yields the batches of one epoch after another, each in an order of its own."""
    number = 0
    while True:
        yield from epoch(examples, batch_size, seed=seed + number, pad_to=pad_to)
        number += 1
