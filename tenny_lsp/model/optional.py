"""A model that work goes on without once it has failed."""

import logging
from collections.abc import Awaitable, Callable
from typing import TypeVar

from tenny_lsp.errors import TennyError
from tenny_lsp.model.protocol import TextModel

LOGGER = logging.getLogger(__name__)

_Result = TypeVar("_Result")


class OptionalModel:
    """Attempts work with a model, and without one after its first failure.

    Args:
        model (TextModel, optional): The model. Default: there is none.
        without (str): What the log says happens without it, before the reason: ``"The documentation answers alone"``.
    """

    def __init__(self, model: TextModel | None, without: str) -> None:
        self._model = model
        self._without = without

    async def attempt(self, work: Callable[[TextModel | None], Awaitable[_Result]]) -> _Result:
        """Return the result of some work with the model; where the model fails, log why and work without it."""
        try:
            return await work(self._model)
        except TennyError as error:
            if self._model is None:
                raise
            LOGGER.warning("%s: %s", self._without, error)
            self._model = None
            return await work(None)
