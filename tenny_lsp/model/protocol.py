"""The model as features see it: implemented by a worker, an endpoint, or a fake in a test."""

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
        judge (bool): Whether it tells which remark fits a comment better than the words that both share do.
        chat (bool): Whether it has learned to answer messages; without an adapter it is asked through its template.
        score (bool): Whether it says how likely a text is: ranks names, chooses among remarks.
        follow (bool): Whether it makes remarks when it is told to, without an adapter that was trained on them.
    """

    write: bool = True
    complete: bool = True
    judge: bool = False
    chat: bool = False
    score: bool = True
    follow: bool = False


ALL_ABILITIES = Abilities()
#: Those of the base that Tenny carries, which is too small for words of its own.
EMBEDDED_ABILITIES = Abilities(write=False, complete=False)


@dataclass(frozen=True, slots=True)
class Sampling:
    """How completions are sampled.

    Args:
        count (int): The number of completions.
        max_tokens (int): The most tokens of each.
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
        phase (str): ``idle``, ``loading``, ``ready``, ``backing off`` (it has crashed and may start again when it is
            next needed), ``failed`` (it has crashed too often for that) or ``unreachable`` (its server does not
            answer).
        reason (str): The error, in the last three phases.
    """

    phase: str
    reason: str = ""


class TextModel(Protocol):
    """A language model.

    Cancelling the task that awaits a method stops the work behind it.

    A fake need only have what its test calls:

        class Fake:
            identity = "fake"
            can = EMBEDDED_ABILITIES
            state = ModelState("ready")

            def __init__(self, answers: dict[str, str]) -> None:
                self._answers = answers

            async def complete(self, prompt: str, *, max_tokens: int = 96) -> str:
                return self._answers[prompt]

            async def score(self, text: str, names: Sequence[str]) -> list[float]:
                return [float(-place) for place in range(len(names))]
    """

    @property
    def can(self) -> Abilities:
        """What it can do."""

    @property
    def state(self) -> ModelState:
        """What it is doing."""

    def watch(self, on_change: Callable[[], None]) -> None:
        """Register a callback for changes of ``state``."""

    def begin_to_load(self) -> None:
        """Begin to load it while a question is still being prepared; what goes wrong is told by the question."""

    async def load(self) -> None:
        """Load it ahead of the first question, which otherwise waits for that.

        Raises:
            BaseModelError: The base model cannot be loaded.
            ModelUnavailable: The model is not running and could not be started.
        """

    @property
    def identity(self) -> str:
        """A hash of everything that decides an answer, except the prompt: base, adapter and decoding.

        Raises:
            BaseModelError: The base model is incomplete.
            AdapterError: The adapter is incomplete.
        """

    async def complete(self, prompt: str, *, max_tokens: int = 96) -> str:
        """Return the completion of ``prompt``, without white space around it; greedy, at most ``max_tokens`` tokens.

        The completion of a question ends before the model asks the next one.

        Raises:
            BaseModelError: The base model cannot be loaded.
            AdapterError: The adapter cannot be loaded, or was made for another base.
            ModelUnavailable: The model is not running and could not be started, or was late.
        """

    def write(self, text: str, *, max_tokens: int = 96) -> AsyncGenerator[str, None]:
        """Yield the continuation of a text, piece by piece; greedy, at most ``max_tokens`` tokens.

        The text is code, so no adapter is used. Closing the generator stops the work.

        Raises:
            BaseModelError: The base model cannot be loaded.
            ModelUnavailable: The model is not running and could not be started, or was late.
        """

    async def score(self, text: str, names: Sequence[str]) -> list[float]:
        """Return the log-probability that each name is written after a text and ends there.

        The text is code, so no adapter is used.

        Raises:
            BaseModelError: The base model cannot be loaded.
            ModelUnavailable: The model is not running and could not be started, cannot score, or was late.
        """

    def candidates(self, prompt: str, sampling: Sampling) -> AsyncIterator[Sampled]:
        """Yield several completions of ``prompt``, each when it is complete.

        Raises:
            BaseModelError: The base model cannot be loaded.
            AdapterError: The adapter cannot be loaded, or was made for another base.
            ModelUnavailable: The model is not running and could not be started, or was late.
        """

    async def choose(self, prompt: str, answers: Sequence[str]) -> list[float]:
        """Return the probability of each answer to be the completion of ``prompt``; they add up to 1.

        Raises:
            BaseModelError: The base model cannot be loaded.
            AdapterError: The adapter cannot be loaded, or was made for another base.
            ModelUnavailable: The model is not running and could not be started, cannot score, or was late.
        """

    async def compare(self, prompts: Sequence[str], answer: str) -> list[float]:
        """Return the log-probability that an answer is the whole completion of each of several prompts.

        Raises:
            BaseModelError: The base model cannot be loaded.
            AdapterError: The adapter cannot be loaded, or was made for another base.
            ModelUnavailable: The model is not running and could not be started, cannot score, or was late.
        """

    def with_adapter(self, adapter: Path | None) -> "TextModel":
        """Return the same model with another adapter; closing either closes both."""

    async def close(self) -> None:
        """End whatever is behind the model; unfinished answers raise ModelUnavailable."""
