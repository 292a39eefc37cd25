"""A model's scores of names without the wait: what is late is there at the next keystroke."""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Mapping, Sequence

from tenny_lsp.errors import TennyError
from tenny_lsp.model.protocol import TextModel

LOGGER = logging.getLogger(__name__)

#: How many texts' scores are kept: those of the places that were typed at last.
_KEPT = 64


class NameScores:
    """Asks a model how texts go on, one text at a time: the one that is being typed."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, dict[str, float]] = OrderedDict()
        self._model: TextModel | None = None
        self._asked = ""
        self._asking: asyncio.Task[None] | None = None
        self._logged: set[str] = set()

    async def within(
        self, text: str, names: Sequence[str], model: TextModel, deadline_s: float
    ) -> Mapping[str, float] | None:
        """Returns the log-probabilities of names after a text, None when they are not there after ``deadline_s``.

        Late ones are kept when they come, unless another text has been asked for by then.
        """
        if model is not self._model:
            self._kept.clear()
            self._stop()
            self._model = model
        if text not in self._kept:
            if self._asking is None or self._asked != text:
                self._stop()
                self._asked = text
                self._asking = asyncio.create_task(self._ask(text, names, model), name="background scores")
            await asyncio.wait({self._asking}, timeout=deadline_s)
        return self._kept.get(text)

    async def close(self) -> None:
        """Ends what is being asked."""
        task, self._asking = self._asking, None
        if task is not None:
            task.cancel()
            await asyncio.wait({task})

    async def _ask(self, text: str, names: Sequence[str], model: TextModel) -> None:
        try:
            values = await model.score(text, names)
        except TennyError as error:
            if str(error) not in self._logged:
                self._logged.add(str(error))
                LOGGER.warning("Completions are ranked without the model: %s", error)
            self._asking = None
            return
        self._kept[text] = dict(zip(names, values, strict=True))
        while len(self._kept) > _KEPT:
            self._kept.popitem(last=False)

    def _stop(self) -> None:
        if self._asking is not None:
            self._asking.cancel()
            self._asking = None
