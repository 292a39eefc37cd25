"""Go on without the model when it fails, and log why."""

import logging
from collections.abc import Awaitable, Callable
from typing import TypeVar

from tenny_lsp.errors import TennyError

LOGGER = logging.getLogger(__name__)

_Answer = TypeVar("_Answer")


class Failures:
    """Turns each TennyError into None, and logs each kind once until the next success.

    >>> failures = Failures("The documentation answers alone")
    >>> answer = await failures.or_none(model.complete(prompt)) or documentation

    Args:
        otherwise (str): What is done without the model; the warnings start with it.
        on_end (Callable[[TennyError | None], None]): Called at each end, with the error, or None after a success.
    """

    def __init__(self, otherwise: str = "", on_end: Callable[[TennyError | None], None] = lambda _: None) -> None:
        self._otherwise = otherwise
        self._on_end = on_end
        self._logged: set[type[TennyError]] = set()

    async def or_none(self, answer: Awaitable[_Answer]) -> _Answer | None:
        """Return what is awaited, None when that raises a TennyError."""
        try:
            result = await answer
        except TennyError as error:
            self.log(error)
            return None
        self._logged.clear()
        self._on_end(None)
        return result

    def log(self, error: TennyError) -> None:
        """Log an error, unless one of its kind has been logged since the last success."""
        self._on_end(error)
        if type(error) not in self._logged:
            self._logged.add(type(error))
            LOGGER.warning("%s", f"{self._otherwise}: {error}" if self._otherwise else error)
