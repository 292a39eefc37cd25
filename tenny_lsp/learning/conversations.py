"""Tokenise conversations by the base's chat template, and find the answers in them. Imports no MLX."""

import json
from collections.abc import Sequence
from itertools import takewhile
from typing import Any

from tenny_lsp.errors import BaseModelError, DatasetError
from tenny_lsp.learning.batches import TokenizedRow
from tenny_lsp.learning.formats import Conversation
from tenny_lsp.learning.options import Answers
from tenny_lsp.model.prompt_format import ChatTokenizer


def encode_conversation(
    conversation: Conversation, tokenizer: ChatTokenizer, answers: Answers, *, mask_prompt: bool = True
) -> TokenizedRow:
    """Return a conversation's tokens, as the template gives them, and where its answers stand.

    An answer begins where the template, asked for one, leaves off, and ends with the token that ends the turn; the
    first one after its beginning where the template writes earlier turns otherwise than the last, as those do that drop
    thoughts. Without ``mask_prompt`` everything is learned.

    Raises:
        BaseModelError: The tokenizer has no chat template, or it refuses the conversation.
        DatasetError: Nothing of the conversation can be learned.
    """
    messages = [_readable(message) for message in conversation.messages]
    tools = list(conversation.tools) or None
    places = [place for place, message in enumerate(messages) if message["role"] == "assistant"]

    def ids(part: Sequence[dict[str, Any]], **options: Any) -> list[int]:
        return _ids(tokenizer, part, tools, conversation.place, **options)

    whole = ids(messages)
    if not mask_prompt and len(whole) > 1:
        return TokenizedRow(tuple(whole), 1)
    spans, ends = [], _ends(tokenizer)
    for place in places if answers == "all" else places[-1:]:
        before = ids(messages[:place], add_generation_prompt=True) if place else []  # a greeting answers nothing
        until = ids(messages[: place + 1])
        start, end = _shared(before, whole), _shared(until, whole)
        if end < len(until):
            end = next((index + 1 for index in range(start, len(whole)) if whole[index] in ends), end)
        if end > start >= 1:
            spans.append((start, end))
    if not spans:
        raise DatasetError(
            f"{conversation.place}: the chat template leaves nothing of the answers to be learned",
            "Does the last message have content?",
        )
    return TokenizedRow(tuple(whole), spans[0][0], tuple(_trimmed(spans, whole, ends)))


def shortened(row: TokenizedRow, longest: int) -> TokenizedRow:
    """Return a row without what lies behind its last answer and, if need be, far before it."""
    if len(row.tokens) <= longest:
        return row
    last = row.learned[-1][1]
    gone = max(last - longest, 0)
    spans = [(max(start - gone, 1), end - gone) for start, end in row.learned if end - gone > 1]
    return TokenizedRow(row.tokens[gone:last], spans[0][0], tuple(spans))


def _readable(message: dict[str, Any]) -> dict[str, Any]:
    """Return a message whose tool calls hold their arguments as values: as text they would be quoted twice."""
    calls = message.get("tool_calls")
    if not isinstance(calls, list):
        return message
    return {**message, "tool_calls": [_called(call) for call in calls]}


def _called(call: Any) -> Any:
    function = call.get("function") if isinstance(call, dict) else None
    if not isinstance(function, dict) or not isinstance(function.get("arguments"), str):
        return call
    try:
        return {**call, "function": {**function, "arguments": json.loads(function["arguments"])}}
    except ValueError:
        return call


def _ids(
    tokenizer: ChatTokenizer, messages: Sequence[dict[str, Any]], tools: Any, place: str, **options: Any
) -> list[int]:
    """Return the template's tokens for messages; it writes every special token itself, the first one once."""
    try:
        found = tokenizer.apply_chat_template(list(messages), tools=tools, tokenize=True, return_dict=False, **options)
    except Exception as error:  # a template is a program, and raises what it likes
        raise BaseModelError(
            f"The base model's chat template does not take the conversation{place and f' of {place}'}: {error}",
            "Train on a base that was made for chat, or write prompt and completion.",
        ) from error
    return [int(token) for token in found]


def _shared(one: Sequence[int], other: Sequence[int]) -> int:
    """Return how many tokens two sequences have in common from the start."""
    equal = takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False))
    return sum(1 for _ in equal)


def _ends(tokenizer: ChatTokenizer) -> set[int | None]:
    """Return the tokens that end a turn."""
    several = getattr(tokenizer, "eos_token_ids", ())  # MLX-LM's wrapper knows all that end a generation
    return {getattr(tokenizer, "eos_token_id", None), *(several if isinstance(several, set) else ())}


def _trimmed(spans: Sequence[tuple[int, int]], tokens: Sequence[int], ends: set[int | None]) -> list[tuple[int, int]]:
    """Return the answers up to the token that ends each turn: the line feed that a template writes after it is none."""
    found = []
    for start, end in spans:
        last = next((place for place in range(end - 1, start - 1, -1) if tokens[place] in ends), end - 1)
        found.append((start, last + 1))
    return found
