"""A TextModel that speaks through a worker process. Imports no MLX."""

import contextlib
import math
import sys
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from tenny_lsp.model import wire
from tenny_lsp.model.identity import identity
from tenny_lsp.model.keeper import Keeper, KeeperOptions
from tenny_lsp.model.prompts import QUESTION_STOP, SEPARATOR, completion
from tenny_lsp.model.protocol import ALL_ABILITIES, Abilities, ModelState, Sampled, Sampling


@dataclass(frozen=True, slots=True)
class WorkerOptions:
    """What the worker loads and how it answers.

    Args:
        base (Path): The base model's folder.
        adapter (Path | None): The adapter's folder. ``None``: the bare base speaks.
        can (Abilities): What the base can do.
        python (str): The interpreter that has MLX.
        temperature (float): 0 is greedy. Above 0, tokens are drawn with the same seed every time.
        deadline_s (float): An answer that is not complete by then is cancelled; loading is not counted.
        keeping (KeeperOptions): When the process is given up, restarted and unloaded.
    """

    base: Path
    adapter: Path | None = None
    can: Abilities = ALL_ABILITIES
    python: str = sys.executable
    temperature: float = 0.0
    deadline_s: float = 30.0
    keeping: KeeperOptions = field(default_factory=KeeperOptions)


class WorkerModel:
    """A ``TextModel`` over the worker's pipe. Nothing is started before the first question.

    Args:
        options (WorkerOptions): What to load.
        command (Sequence[str] | None): Another worker than Tenny's own.
        clock (Callable[[], float]): Seconds, for the back-off.
        keeper (Keeper | None): A worker process to share; ``with_adapter`` does.
    """

    def __init__(
        self,
        options: WorkerOptions,
        *,
        command: Sequence[str] | None = None,
        clock: Callable[[], float] = time.monotonic,
        keeper: Keeper | None = None,
    ) -> None:
        self._options = options
        self._keeper = keeper or Keeper(command or _worker_command(options), options.keeping, clock)

    @property
    def identity(self) -> str:
        """A hash of everything that decides an answer but the prompt: base, adapter and decoding.

        Raises:
            BaseModelError: The base is incomplete.
            AdapterError: The adapter is incomplete.
        """
        decoding = f"temperature={self._options.temperature}"
        return identity(self._options.base, self._options.adapter, decoding)

    @property
    def can(self) -> Abilities:
        """What the base can do."""
        return self._options.can

    @property
    def state(self) -> ModelState:
        """What the worker is doing."""
        return self._keeper.state

    def watch(self, told: Callable[[], None]) -> None:
        """Has ``told`` called whenever ``state`` is another."""
        self._keeper.watch(told)

    async def load(self) -> None:
        """Starts the worker, if need be, and waits until it has loaded its base.

        Raises:
            BaseModelError: The base cannot be loaded.
            ModelUnavailable: The worker is not running and could not be started.
        """
        await self.start()

    @property
    def _adapter(self) -> str | None:
        return str(self._options.adapter.resolve()) if self._options.adapter else None

    @property
    def pid(self) -> int | None:
        """The worker's process id, None while none runs."""
        return self._keeper.pid

    def with_adapter(self, adapter: Path | None) -> "WorkerModel":
        """Returns the same worker speaking through another adapter; closing either closes both."""
        options = replace(self._options, adapter=adapter)
        return WorkerModel(options, keeper=self._keeper)

    async def start(self) -> wire.Ready:
        """Returns what the worker has loaded, starting it if need be.

        Raises:
            BaseModelError: The base cannot be loaded.
            ModelUnavailable: The worker is not running and could not be started.
        """
        async with self._keeper.lend() as process:
            return await process.until_ready(self._options.keeping.load_deadline_s)

    async def stream(self, prompt: str, *, max_tokens: int = 96) -> AsyncGenerator[str, None]:
        """Yields the completion of ``prompt`` piece by piece, at most ``max_tokens`` tokens.

        Raises:
            BaseModelError: The base cannot be loaded.
            AdapterError: The adapter cannot be loaded, or was made for another base.
            ModelUnavailable: The worker is not running and could not be started, or was late.
        """
        stop = QUESTION_STOP if prompt.endswith(SEPARATOR) else ()
        async with contextlib.aclosing(self._generate(prompt, max_tokens, self._adapter, stop)) as pieces:
            async for piece in pieces:
                yield piece

    async def write(self, text: str, *, max_tokens: int = 96) -> AsyncGenerator[str, None]:
        """Yields how a text goes on, piece by piece, by the bare base, at most ``max_tokens`` tokens.

        Raises:
            BaseModelError: The base cannot be loaded.
            ModelUnavailable: The worker is not running and could not be started, or was late.
        """
        async with contextlib.aclosing(self._generate(text, max_tokens, None, ())) as pieces:
            async for piece in pieces:
                yield piece

    async def complete(self, prompt: str, *, max_tokens: int = 96) -> str:
        """Returns the whole completion of ``prompt``, without white space around it.

        Raises:
            BaseModelError: The base cannot be loaded.
            AdapterError: The adapter cannot be loaded, or was made for another base.
            ModelUnavailable: The worker is not running and could not be started, or was late.
        """
        pieces = self.stream(prompt, max_tokens=max_tokens)
        async with contextlib.aclosing(pieces):
            return "".join([piece async for piece in pieces]).strip()

    async def score(self, text: str, names: Sequence[str]) -> list[float]:
        """Returns the log-probability of each name to be written after a text, and to end there, by the bare base.

        Raises:
            BaseModelError: The base cannot be loaded.
            ModelUnavailable: The worker is not running and could not be started, cannot score, or was late.
        """
        request = wire.Score(id=0, text=_encodable(text), names=tuple(names))
        async with self._keeper.lend() as process:
            return list(await process.score(request, self._options.deadline_s))

    async def candidates(self, prompt: str, sampling: Sampling) -> AsyncGenerator[Sampled, None]:
        """Yields several completions of ``prompt``, each when it has ended.

        Raises:
            BaseModelError: The base cannot be loaded.
            AdapterError: The adapter cannot be loaded, or was made for another base.
            ModelUnavailable: The worker is not running and could not be started, or was late.
        """
        request = wire.Sample(id=0, prompt=_encodable(prompt), adapter=self._adapter, **asdict(sampling))
        deadline_s = self._options.deadline_s
        async with self._keeper.lend() as process, contextlib.aclosing(process.events(request, deadline_s)) as events:
            async for event in events:
                if isinstance(event, wire.Sampled):
                    yield Sampled(event.text, event.likelihood, event.is_finished)

    async def choose(self, prompt: str, answers: Sequence[str]) -> list[float]:
        """Returns how probable each of some answers is to be the completion of ``prompt``; they add up to 1.

        Raises:
            BaseModelError: The base cannot be loaded.
            AdapterError: The adapter cannot be loaded, or was made for another base.
            ModelUnavailable: The worker is not running and could not be started, cannot score, or was late.
        """
        names = tuple(completion(answer) for answer in answers)
        request = wire.Score(id=0, text=_encodable(prompt), names=names, adapter=self._adapter)
        async with self._keeper.lend() as process:
            logarithms = await process.score(request, self._options.deadline_s)
        weights = [math.exp(value - max(logarithms)) for value in logarithms]
        return [weight / sum(weights) for weight in weights]

    async def _generate(
        self, prompt: str, max_tokens: int, adapter: str | None, stop: tuple[str, ...]
    ) -> AsyncGenerator[str, None]:
        request = wire.Generate(0, _encodable(prompt), max_tokens, adapter, stop, self._options.temperature)
        async with (
            self._keeper.lend() as process,
            contextlib.aclosing(process.answer(request, self._options.deadline_s)) as pieces,
        ):
            async for piece in pieces:
                yield piece

    async def close(self) -> None:
        """Ends the worker, whatever it is doing. Every unfinished answer ends in ModelUnavailable."""
        await self._keeper.close()


def _worker_command(options: WorkerOptions) -> list[str]:
    return [options.python, "-m", "tenny_lsp.worker.worker", "--model", str(options.base.resolve())]


def _encodable(text: str) -> str:
    """Returns a text without the lone surrogates of a broken buffer, which are no text to any tokenizer."""
    return text.encode(errors="replace").decode()
