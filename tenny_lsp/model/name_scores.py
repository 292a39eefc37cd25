"""Ask the model for the scores of names in the background, within a deadline, and cache them."""

import asyncio
from collections import OrderedDict
from collections.abc import Mapping, Sequence

from tenny_lsp.model.failures import Failures
from tenny_lsp.model.protocol import TextModel

#: The number of texts whose scores are cached, the last that were asked for.
_CACHE_SIZE = 64


class NameScores:
    """Asks a model which names follow a text, one text at a time: a newer text cancels the question before."""

    def __init__(self) -> None:
        self._cache: OrderedDict[str, dict[str, float]] = OrderedDict()
        self._model: TextModel | None = None
        self._asked = ""
        self._asking: asyncio.Task[None] | None = None
        self._failures = Failures("Completions are ranked without the model")

    async def within(
        self, text: str, names: Sequence[str], model: TextModel, deadline_s: float
    ) -> Mapping[str, float] | None:
        """Return the log-probabilities of names after a text, None when they take longer than ``deadline_s`` seconds.

        Late ones are cached for the next call, unless another text has been asked for by then.
        """
        if model is not self._model:
            self._cache.clear()
            self._stop()
            self._model = model
        if text not in self._cache:
            if self._asking is None or self._asked != text:
                self._stop()
                self._asked = text
                self._asking = asyncio.create_task(self._ask(text, names, model), name="background scores")
            await asyncio.wait({self._asking}, timeout=deadline_s)
        return self._cache.get(text)

    async def close(self) -> None:
        """Cancel the question."""
        task, self._asking = self._asking, None
        if task is not None:
            task.cancel()
            await asyncio.wait({task})

    async def _ask(self, text: str, names: Sequence[str], model: TextModel) -> None:
        values = await self._failures.or_none(model.score(text, names))
        if values is None:
            self._asking = None
            return
        self._cache[text] = dict(zip(names, values, strict=True))
        while len(self._cache) > _CACHE_SIZE:
            self._cache.popitem(last=False)

    def _stop(self) -> None:
        if self._asking is not None:
            self._asking.cancel()
            self._asking = None
