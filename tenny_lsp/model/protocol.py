"""What a feature may ask of a model, whoever speaks: a worker, an endpoint or a fake in a test."""

from collections.abc import AsyncIterator
from typing import Protocol


class TextModel(Protocol):
    """A source of text.

    Cancelling the task that awaits a method stops the work behind it.
    """

    @property
    def identity(self) -> str:
        """A hash of everything that decides an answer but the prompt: base, adapter and decoding."""

    def stream(self, prompt: str, *, max_tokens: int = 96) -> AsyncIterator[str]:
        """Yields the completion of ``prompt`` piece by piece; greedy, at most ``max_tokens`` tokens.

        Raises:
            ModelUnavailable: The model is not running and could not be started.
        """

    async def complete(self, prompt: str, *, max_tokens: int = 96) -> str:
        """Returns the whole completion of ``prompt``; greedy, at most ``max_tokens`` tokens.

        Raises:
            ModelUnavailable: The model is not running and could not be started.
        """
