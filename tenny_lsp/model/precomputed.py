"""Answers that come with an adapter: what it says to every hover's question, so that no model need be loaded for it."""

import json
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from hashlib import sha256
from pathlib import Path

from tenny_lsp.model.protocol import ModelState, Sampled, Sampling, TextModel

LOGGER = logging.getLogger(__name__)


def prompt_key(prompt: str) -> str:
    """Returns what an answer is found by. The prompt carries the documentation: another version's is another prompt."""
    return sha256(prompt.encode(errors="surrogatepass")).hexdigest()[:24]


def write_answers(file: Path, answers: dict[str, str]) -> None:
    """Writes the answers to prompts."""
    rows = ({"prompt": prompt_key(prompt), "answer": answer} for prompt, answer in answers.items())
    file.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")


class Precomputed:
    """A ``TextModel`` that looks into its adapter's answers before it asks the model.

    Args:
        model (TextModel): The model that speaks through the adapter.
        file (Path): The answers; read at the first question. One that cannot be read is as good as none.
    """

    def __init__(self, model: TextModel, file: Path) -> None:
        self._model = model
        self._file = file
        self._answers: dict[str, str] | None = None

    @property
    def identity(self) -> str:
        """The model's own."""
        return self._model.identity

    @property
    def state(self) -> ModelState:
        """The model's own."""
        return self._model.state

    def watch(self, told: Callable[[], None]) -> None:
        """Watches the model."""
        self._model.watch(told)

    async def load(self) -> None:
        """Loads the model."""
        await self._model.load()

    async def stream(self, prompt: str, *, max_tokens: int = 96) -> AsyncGenerator[str, None]:
        """Yields the completion of ``prompt``, in one piece where it is known."""
        if (known := self._known(prompt)) is not None:
            yield known
            return
        async for piece in self._model.stream(prompt, max_tokens=max_tokens):
            yield piece

    async def complete(self, prompt: str, *, max_tokens: int = 96) -> str:
        """Returns the whole completion of ``prompt``."""
        known = self._known(prompt)
        return await self._model.complete(prompt, max_tokens=max_tokens) if known is None else known

    def write(self, text: str, *, max_tokens: int = 96) -> AsyncGenerator[str, None]:
        """Yields how the model goes on with a text."""
        return self._model.write(text, max_tokens=max_tokens)

    async def score(self, text: str, names: Sequence[str]) -> list[float]:
        """Returns what the model says: the log-probability of each name to follow a text."""
        return await self._model.score(text, names)

    def candidates(self, prompt: str, sampling: Sampling) -> AsyncIterator[Sampled]:
        """Yields several completions of ``prompt`` by the model."""
        return self._model.candidates(prompt, sampling)

    async def choose(self, prompt: str, answers: Sequence[str]) -> list[float]:
        """Returns how probable the model finds each of some answers to be the completion of ``prompt``."""
        return await self._model.choose(prompt, answers)

    def with_adapter(self, adapter: Path | None) -> TextModel:
        """Returns the model speaking through another adapter, whose answers these are not."""
        return self._model.with_adapter(adapter)

    async def close(self) -> None:
        """Ends what is behind the model."""
        await self._model.close()

    def _known(self, prompt: str) -> str | None:
        if self._answers is None:
            self._answers = self._read()
        return self._answers.get(prompt_key(prompt))

    def _read(self) -> dict[str, str]:
        try:
            rows = [json.loads(line) for line in self._file.read_text(encoding="utf-8").splitlines()]
            return {str(row["prompt"]): str(row["answer"]) for row in rows}
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, KeyError, TypeError) as error:
            LOGGER.warning("%s cannot be read: %s", self._file, error)
            return {}
