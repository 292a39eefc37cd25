"""Decide how a prompt is given to a model: as the text that it is, or as a message in the base's chat template."""

import json
import re
from pathlib import Path
from typing import Any, Literal, Protocol, get_args

from tenny_lsp.errors import AdapterError
from tenny_lsp.model.adapter_files import CARD_FILE
from tenny_lsp.model.protocol import Abilities

#: ``raw``: the text as it is. ``chat``: one message of the user's.
PromptFormat = Literal["raw", "chat"]

#: A special token of a chat template, written out.
_MARKER = re.compile(r"<\|(\w+)\|>|<(/?(?:s|pad|bos|eos|unk))>")


class ChatTokenizer(Protocol):
    """A tokenizer with a chat template, of any library."""

    def apply_chat_template(self, conversation: Any, *, tokenize: bool, **options: Any) -> Any:
        """Return the text of messages in the template."""


def prompt_format(adapter: Path | None, can: Abilities) -> PromptFormat:
    """Return the format that an adapter was trained with; without an adapter, what suits the base.

    Args:
        adapter (Path | None): The adapter's folder. One without a card, or whose card does not say, is raw.
        can (Abilities): What the base can do.

    Raises:
        AdapterError: The card cannot be read, or names a format that nobody knows.
    """
    if adapter is None:
        return "chat" if can.chat else "raw"
    card = adapter / CARD_FILE
    try:
        found = json.loads(card.read_bytes()).get("prompt_format", "raw") if card.exists() else "raw"
    except (OSError, ValueError, AttributeError) as error:
        raise AdapterError(f"The adapter's card {card} cannot be read: {error}", "Train it again.") from error
    known = next((known for known in get_args(PromptFormat) if known == found), None)
    if known is None:
        raise AdapterError(f"{card} names a prompt format that Tenny does not know: {found!r}", "Train it again.")
    return known  # type: ignore[no-any-return]


def chat_text(tokenizer: ChatTokenizer, prompt: str) -> str:
    """Return a prompt as the one message of a conversation, up to where the answer begins.

    A special token that is written out in the prompt is text: spaces keep the tokenizer from obeying it.

    Raises:
        ValueError: The tokenizer has no chat template.
    """
    plain = _MARKER.sub(lambda mark: f"< {mark[0][1:-1]} >", prompt)
    message = {"role": "user", "content": plain}
    # Models that may think aloud first are told not to; the templates of others ignore it.
    text: str = tokenizer.apply_chat_template(
        [message], tokenize=False, add_generation_prompt=True, enable_thinking=False
    )
    return text
