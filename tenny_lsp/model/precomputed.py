"""The answers that come with an adapter: its completion of every hover's prompt, so that no model need be loaded."""

import json
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from hashlib import sha256
from pathlib import Path

from tenny_lsp.model.protocol import Abilities, ModelState, Sampled, Sampling, TextModel

LOGGER = logging.getLogger(__name__)


def prompt_key(prompt: str) -> str:
    """Return the key of a prompt's answer. It holds the documentation: another MLX has other keys."""
    return sha256(prompt.encode(errors="surrogatepass")).hexdigest()[:24]


def write_answers(file: Path, answers: dict[str, str]) -> None:
    """Write the answers to prompts, the completions by prompt."""
    rows = ({"prompt": prompt_key(prompt), "answer": answer} for prompt, answer in answers.items())
    file.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")


class Precomputed:
    """A ``TextModel`` that looks into its adapter's answers before it asks the model.

    Args:
        model (TextModel): The model with the adapter.
        file (Path): The answers, read at the first question. A file that cannot be read is logged and counts as empty.
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
    def can(self) -> Abilities:
        """What the model can do."""
        return self._model.can

    @property
    def state(self) -> ModelState:
        """The model's own."""
        return self._model.state

    def watch(self, on_change: Callable[[], None]) -> None:
        """Register a callback for changes of the model's state."""
        self._model.watch(on_change)

    async def load(self) -> None:
        """Load the model."""
        await self._model.load()

    async def complete(self, prompt: str, *, max_tokens: int = 96) -> str:
        """Return the completion of ``prompt`` from the file, else from the model."""
        known = self._known(prompt)
        return await self._model.complete(prompt, max_tokens=max_tokens) if known is None else known

    def write(self, text: str, *, max_tokens: int = 96) -> AsyncGenerator[str, None]:
        """Yield the model's continuation of a text."""
        return self._model.write(text, max_tokens=max_tokens)

    async def score(self, text: str, names: Sequence[str]) -> list[float]:
        """Return the model's log-probability of each name to follow a text."""
        return await self._model.score(text, names)

    def candidates(self, prompt: str, sampling: Sampling) -> AsyncIterator[Sampled]:
        """Yield several completions of ``prompt`` by the model."""
        return self._model.candidates(prompt, sampling)

    async def choose(self, prompt: str, answers: Sequence[str]) -> list[float]:
        """Return the model's probability of each answer to be the completion of ``prompt``."""
        return await self._model.choose(prompt, answers)

    async def compare(self, prompts: Sequence[str], answer: str) -> list[float]:
        """Return the model's log-probability of one answer after each of several prompts."""
        return await self._model.compare(prompts, answer)

    def with_adapter(self, adapter: Path | None) -> TextModel:
        """Return the model with another adapter, without these answers."""
        return self._model.with_adapter(adapter)

    async def close(self) -> None:
        """Close the model."""
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
