"""What a feature may ask of a model, whoever speaks: a worker, an endpoint or a fake in a test."""

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from typing import Protocol


class TextModel(Protocol):
    """A source of text.

    Cancelling the task that awaits a method stops the work behind it.
    """

    @property
    def identity(self) -> str:
        """A hash of everything that decides an answer but the prompt: base, adapter and decoding.

        Raises:
            BaseModelError: The base model is incomplete.
            AdapterError: The adapter is incomplete.
        """

    def stream(self, prompt: str, *, max_tokens: int = 96) -> AsyncIterator[str]:
        """Yields the completion of ``prompt`` piece by piece; greedy, at most ``max_tokens`` tokens.

        The completion of a question ends before the model asks the next one. White space is left as it is.

        Raises:
            BaseModelError: The base model cannot be loaded.
            AdapterError: The adapter cannot be loaded, or was made for another base.
            ModelUnavailable: The model is not running and could not be started, or was late.
        """

    async def complete(self, prompt: str, *, max_tokens: int = 96) -> str:
        """Returns the whole completion of ``prompt``, without white space around it.

        Raises:
            BaseModelError: The base model cannot be loaded.
            AdapterError: The adapter cannot be loaded, or was made for another base.
            ModelUnavailable: The model is not running and could not be started, or was late.
        """

    def write(self, text: str, *, max_tokens: int = 96) -> AsyncGenerator[str, None]:
        """Yields how a text goes on, piece by piece; greedy, at most ``max_tokens`` tokens.

        What is written is code: no adapter has a say. Closing the generator stops the work.

        Raises:
            BaseModelError: The base model cannot be loaded.
            ModelUnavailable: The model is not running and could not be started, or was late.
        """

    async def score(self, text: str, names: Sequence[str]) -> list[float]:
        """Returns the log-probability of each name to be written after a text, and to end there.

        What is read is code: no adapter has a say.

        Raises:
            BaseModelError: The base model cannot be loaded.
            ModelUnavailable: The model is not running and could not be started, cannot score, or was late.
        """

    async def close(self) -> None:
        """Ends whatever is behind the model; unfinished answers end in ModelUnavailable."""
