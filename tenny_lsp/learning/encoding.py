"""Turn dataset rows into tokens, and say which of them are learned. Imports no MLX."""

import logging
from collections.abc import Sequence
from typing import Any, Protocol

from tenny_lsp.errors import BaseModelError
from tenny_lsp.learning.batches import TokenizedRow
from tenny_lsp.learning.conversations import encode_conversation, shortened
from tenny_lsp.learning.formats import Conversation, Row
from tenny_lsp.learning.options import Answers
from tenny_lsp.model.prompt_format import ChatTokenizer, PromptFormat, chat_text

LOGGER = logging.getLogger(__name__)


class Encoder(ChatTokenizer, Protocol):
    """A tokenizer of any library."""

    @property
    def eos_token_id(self) -> int | None:
        """The id that ends a completion."""

    def encode(self, text: str, **options: Any) -> list[int]:
        """Return the ids of ``text``."""


def encode_rows(
    rows: Sequence[Row | Conversation],
    tokenizer: Encoder,
    *,
    max_seq_length: int,
    mask_prompt: bool = True,
    prompt_format: PromptFormat = "raw",
    answers: Answers = "all",
) -> list[TokenizedRow]:
    """Tokenise rows, none to more than ``max_seq_length`` tokens; log how many are cut.

    Prompt and completion are encoded apart, as they are when the model is asked, and the completion is ended
    by the tokenizer's end-of-sequence token.

    Args:
        rows (Sequence[Row | Conversation]): The rows.
        tokenizer (Encoder): The base model's tokenizer.
        max_seq_length (int): The longest example, in tokens.
        mask_prompt (bool): Whether only completions and answers are learned. Default: ``True``.
        prompt_format (PromptFormat): ``chat``: prompts are messages in the tokenizer's chat template.
        answers (Answers): Which answers of a conversation are learned.

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
    prompts: dict[str, list[int]] = {}  # documentation is asked about in several rows
    for row in rows:
        if isinstance(row, Conversation):
            whole = encode_conversation(row, tokenizer, answers, mask_prompt=mask_prompt)
            cut += len(whole.tokens) > max_seq_length
            examples.append(shortened(whole, max_seq_length))
            continue
        if row.prompt not in prompts:
            prompts[row.prompt] = _encoded_prompt(row.prompt, tokenizer, prompt_format, end)
        prompt, answer = prompts[row.prompt], row.completion
        if prompt_format == "chat":
            answer = answer.strip()
        completion = [*tokenizer.encode(answer, add_special_tokens=False), end]
        cut += len(prompt) + len(completion) > max_seq_length
        examples.append(_truncated(prompt, completion, max_seq_length, mask_prompt))
    if cut:
        LOGGER.warning("%d of %d rows are longer than %d tokens and were cut", cut, len(examples), max_seq_length)
    return examples


def _encoded_prompt(prompt: str, tokenizer: Encoder, prompt_format: PromptFormat, end: int) -> list[int]:
    if prompt_format == "raw" or not prompt:
        ids = tokenizer.encode(prompt)
    else:
        # The template has every special token that the base was trained with, the first one too.
        ids = tokenizer.encode(_as_message(prompt, tokenizer), add_special_tokens=False)
    # T5's tokenizer and some others end every text, the prompt too.
    while ids and ids[-1] == end:
        ids.pop()
    return ids


def _as_message(prompt: str, tokenizer: Encoder) -> str:
    try:
        return chat_text(tokenizer, prompt)
    except ValueError as error:
        raise BaseModelError(
            f"The base model's tokenizer has no chat template: {error}",
            "Train with --prompt-format raw, or on a base that was made for chat.",
        ) from error


def _truncated(prompt: list[int], completion: list[int], longest: int, mask_prompt: bool) -> TokenizedRow:
    """Return the example, its completion cut at the end and then, if need be, its prompt in front."""
    completion = completion[: max(longest - len(prompt), longest // 2)]
    prompt = prompt[max(0, len(prompt) + len(completion) - longest) :]
    return TokenizedRow((*prompt, *completion), max(1, len(prompt) if mask_prompt else 1))
