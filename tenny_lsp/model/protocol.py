"""What a feature may ask of a model, whoever speaks: a worker, an endpoint or a fake in a test."""

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Abilities:
    """What a base model can do, beyond ranking names and reading documentation.

    Args:
        write (bool): Whether it may say things in words of its own: paraphrase documentation, write remarks. A model
            that cannot may only repeat documentation and choose among remarks that were written by hand.
        complete (bool): Whether inline completions by it are worth showing unasked.
    """

    write: bool = True
    complete: bool = True


ALL_ABILITIES = Abilities()
#: Those of the base that Tenny carries, which is too small for words of its own.
EMBEDDED_ABILITIES = Abilities(write=False, complete=False)


@dataclass(frozen=True, slots=True)
class Sampling:
    """How completions are drawn.

    Args:
        count (int): How many.
        max_tokens (int): The limit of each.
        temperature (float): Below 1 the likely tokens are drawn more often.
        top_p (float): Only the likeliest tokens are drawn whose probabilities add up to this.
        seed (int): The same seed draws the same.
        stop (tuple[str, ...]): Each ends before the first of these.
    """

    count: int = 8
    max_tokens: int = 48
    temperature: float = 0.8
    top_p: float = 0.95
    seed: int = 0
    stop: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Sampled:
    """One of several completions of a prompt.

    Args:
        text (str): The completion, without white space around it.
        likelihood (float): The mean of its tokens' log-probabilities.
        is_finished (bool): Whether it has come to its end; otherwise its limit has cut it.
    """

    text: str
    likelihood: float = 0.0
    is_finished: bool = True


@dataclass(frozen=True, slots=True)
class ModelState:
    """What a model is doing.

    Args:
        phase (str): ``idle``, ``loading``, ``ready``, ``resting`` (it has crashed and may start again when it is next
            needed) or ``failed`` (it has crashed too often for that).
        reason (str): What happened, of the last two.
    """

    phase: str
    reason: str = ""


class TextModel(Protocol):
    """A source of text.

    Cancelling the task that awaits a method stops the work behind it.
    """

    @property
    def can(self) -> Abilities:
        """What it can do."""

    @property
    def state(self) -> ModelState:
        """What it is doing."""

    def watch(self, told: Callable[[], None]) -> None:
        """Has ``told`` called whenever ``state`` is another."""

    async def load(self) -> None:
        """Loads it, so that the first question need not wait for that.

        Raises:
            BaseModelError: The base model cannot be loaded.
            ModelUnavailable: The model is not running and could not be started.
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

    def candidates(self, prompt: str, sampling: Sampling) -> AsyncIterator[Sampled]:
        """Yields several completions of ``prompt``, each when it has ended.

        Raises:
            BaseModelError: The base model cannot be loaded.
            AdapterError: The adapter cannot be loaded, or was made for another base.
            ModelUnavailable: The model is not running and could not be started, or was late.
        """

    async def choose(self, prompt: str, answers: Sequence[str]) -> list[float]:
        """Returns how probable each of some answers is to be the completion of ``prompt``; they add up to 1.

        Raises:
            BaseModelError: The base model cannot be loaded.
            AdapterError: The adapter cannot be loaded, or was made for another base.
            ModelUnavailable: The model is not running and could not be started, cannot score, or was late.
        """

    def with_adapter(self, adapter: Path | None) -> "TextModel":
        """Returns the same model speaking through another adapter; closing either closes both."""

    async def close(self) -> None:
        """Ends whatever is behind the model; unfinished answers end in ModelUnavailable."""
