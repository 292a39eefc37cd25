"""A TextModel whose base runs in a worker process. Imports no MLX."""

import contextlib
import logging
import math
import sys
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path

from tenny_lsp.model import wire
from tenny_lsp.model.identity import identity
from tenny_lsp.model.keeper import Keeper, KeeperOptions
from tenny_lsp.model.link import Link
from tenny_lsp.model.process import ProcessLink
from tenny_lsp.model.prompt_format import prompt_format
from tenny_lsp.model.prompts import QUESTION_STOP, SEPARATOR
from tenny_lsp.model.protocol import ALL_ABILITIES, Abilities, ModelState, Sampled, Sampling

LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class WorkerOptions:
    """What the worker loads and how it answers.

    Args:
        base (Path): The base model's folder.
        adapter (Path | None): The adapter's folder. ``None``: the bare base answers.
        can (Abilities): What the base can do.
        python (str): The interpreter that has MLX.
        temperature (float): 0 is greedy. Above 0, tokens are drawn with the same seed every time.
        deadline_s (float): Seconds after which an unfinished answer is cancelled; loading is not counted.
        is_shared (bool): Whether other servers of the user may use the same worker, if it has the same base.
        keeping (KeeperOptions): When the worker is restarted, unloaded and given up.
    """

    base: Path
    adapter: Path | None = None
    can: Abilities = ALL_ABILITIES
    python: str = sys.executable
    temperature: float = 0.0
    deadline_s: float = 30.0
    is_shared: bool = False
    keeping: KeeperOptions = field(default_factory=KeeperOptions)


class WorkerModel:
    """A ``TextModel`` over the worker's pipe. The worker is started at the first request.

    Args:
        options (WorkerOptions): What to load.
        command (Sequence[str] | None): The command line of a worker that is not shared. ``None``: that of Tenny's own.
        clock (Callable[[], float]): Returns seconds, for the back-off.
        keeper (Keeper | None): A worker to share, as ``with_adapter`` does.
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
        start = partial(ProcessLink.start, command) if command else partial(_started, options)
        self._keeper = keeper or Keeper(start, options.keeping, clock)

    @property
    def identity(self) -> str:
        """A hash of everything that decides an answer, except the prompt: base, adapter and decoding.

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

    def watch(self, on_change: Callable[[], None]) -> None:
        """Register a callback for changes of ``state``."""
        self._keeper.watch(on_change)

    def begin_to_load(self) -> None:
        """Begin to start the worker, if need be, without waiting; what goes wrong is told by the next request."""
        self._keeper.begin()

    async def load(self) -> None:
        """Start the worker, if need be, and wait until it has loaded its base.

        Raises:
            BaseModelError: The base cannot be loaded.
            ModelUnavailable: The worker is not running and could not be started.
        """
        async with self._keeper.lease():
            pass

    @property
    def _adapter(self) -> str | None:
        return str(self._options.adapter.resolve()) if self._options.adapter else None

    def with_adapter(self, adapter: Path | None) -> "WorkerModel":
        """Return a model that shares this one's worker and answers with another adapter; closing either closes both."""
        options = replace(self._options, adapter=adapter)
        return WorkerModel(options, keeper=self._keeper)

    def write(self, text: str, *, max_tokens: int = 96) -> AsyncGenerator[str, None]:
        """Yield the continuation of a text by the bare base, piece by piece, at most ``max_tokens`` tokens.

        Raises:
            BaseModelError: The base cannot be loaded.
            ModelUnavailable: The worker is not running and could not be started, or was late.
        """
        request = wire.Generate(0, _encodable(text), max_tokens, temperature=self._options.temperature)
        return self._generate(request)

    async def complete(self, prompt: str, *, max_tokens: int = 96) -> str:
        """Return the whole completion of ``prompt``, without white space around it.

        Raises:
            BaseModelError: The base cannot be loaded.
            AdapterError: The adapter cannot be loaded, or was made for another base.
            ModelUnavailable: The worker is not running and could not be started, or was late.
        """
        stop = QUESTION_STOP if prompt.endswith(SEPARATOR) else ()
        temperature, is_chat = self._options.temperature, self._is_chat()
        request = wire.Generate(0, _encodable(prompt), max_tokens, self._adapter, stop, temperature, is_chat=is_chat)
        async with contextlib.aclosing(self._generate(request)) as pieces:
            return "".join([piece async for piece in pieces]).strip()

    def generate(
        self, prompt: str, *, max_tokens: int, temperature: float = 0.0, top_p: float = 1.0, seed: int = 0
    ) -> AsyncGenerator[str, None]:
        """Yield the completion of ``prompt`` as it is, piece by piece, without the tokens that end it.

        Args:
            prompt (str): The prompt; the adapter's card says whether it is put into the chat template.
            max_tokens (int): The longest completion.
            temperature (float): 0 takes the likeliest token every time.
            top_p (float): Tokens are drawn from the likeliest that have this probability together, in (0, 1].
            seed (int): Decides the draws.

        Raises:
            BaseModelError: The base cannot be loaded.
            AdapterError: The adapter cannot be loaded, or was made for another base.
            ModelUnavailable: The worker is not running and could not be started, or was late.
        """
        parts = (0, _encodable(prompt), max_tokens, self._adapter, (), temperature, seed, self._is_chat(), top_p)
        return self._generate(wire.Generate(*parts))

    async def score(self, text: str, names: Sequence[str]) -> list[float]:
        """Return the log-probability, by the bare base, that each name is written after a text and ends there.

        Raises:
            BaseModelError: The base cannot be loaded.
            ModelUnavailable: The worker is not running and could not be started, cannot score, or was late.
        """
        request = wire.Score(id=0, text=_encodable(text), names=tuple(names))
        async with self._keeper.lease() as process:
            return list(await process.score(request, self._options.deadline_s))

    async def candidates(self, prompt: str, sampling: Sampling) -> AsyncGenerator[Sampled, None]:
        """Yield several completions of ``prompt``, each when it is complete.

        Raises:
            BaseModelError: The base cannot be loaded.
            AdapterError: The adapter cannot be loaded, or was made for another base.
            ModelUnavailable: The worker is not running and could not be started, or was late.
        """
        text, is_chat = _encodable(prompt), self._is_chat()
        request = wire.Sample(id=0, prompt=text, adapter=self._adapter, is_chat=is_chat, **asdict(sampling))
        deadline_s = self._options.deadline_s
        async with self._keeper.lease() as process, contextlib.aclosing(process.events(request, deadline_s)) as events:
            async for event in events:
                if isinstance(event, wire.SampleResult):
                    yield Sampled(event.text, event.likelihood, event.is_finished)

    async def choose(self, prompt: str, answers: Sequence[str]) -> list[float]:
        """Return the probability of each answer to be the whole completion of ``prompt``; they add up to 1.

        Raises:
            BaseModelError: The base cannot be loaded.
            AdapterError: The adapter cannot be loaded, or was made for another base.
            ModelUnavailable: The worker is not running and could not be started, cannot score, or was late.
        """
        texts = tuple(map(_encodable, answers))
        request = wire.Choose(0, _encodable(prompt), texts, self._adapter, self._is_chat())
        async with self._keeper.lease() as process:
            logarithms = await process.score(request, self._options.deadline_s)
        weights = [math.exp(value - max(logarithms)) for value in logarithms]
        return [weight / sum(weights) for weight in weights]

    async def compare(self, prompts: Sequence[str], answer: str) -> list[float]:
        """Return the log-probability that an answer is the whole completion of each of several prompts.

        Raises:
            BaseModelError: The base cannot be loaded.
            AdapterError: The adapter cannot be loaded, or was made for another base.
            ModelUnavailable: The worker is not running and could not be started, cannot score, or was late.
        """
        texts = tuple(map(_encodable, prompts))
        request = wire.Compare(0, texts, _encodable(answer), self._adapter, self._is_chat())
        async with self._keeper.lease() as process:
            return list(await process.score(request, self._options.deadline_s))

    def _is_chat(self) -> bool:
        return prompt_format(self._options.adapter, self._options.can) == "chat"

    async def _generate(self, request: wire.Generate) -> AsyncGenerator[str, None]:
        async with (
            self._keeper.lease() as process,
            contextlib.aclosing(process.answer(request, self._options.deadline_s)) as pieces,
        ):
            async for piece in pieces:
                yield piece

    async def close(self) -> None:
        """End the worker, whatever it is doing. Every unfinished answer raises ModelUnavailable."""
        await self._keeper.close()


async def _started(options: WorkerOptions) -> Link:
    """Return the way to the worker: one that windows share where that can be, else one of its own.

    Raises:
        BaseModelError: The base is incomplete.
        ModelUnavailable: The operating system refused to start it.
    """
    command = _worker_command(options)
    if options.is_shared:
        from tenny_lsp.model.shared import SocketLink

        try:
            return await SocketLink.start(command, options.base)
        except OSError as error:
            LOGGER.info("The model worker is not shared with other windows: %s", error)
    return await ProcessLink.start(command)


def _worker_command(options: WorkerOptions) -> list[str]:
    return [options.python, "-m", "tenny_lsp.worker", "--model", str(options.base.resolve())]


def _encodable(text: str) -> str:
    """Return a text without lone surrogates, which an editor may send and no tokenizer takes."""
    return text.encode(errors="replace").decode()
