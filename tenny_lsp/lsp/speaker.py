"""The model of a session: made as the settings say, loaded and unloaded as the user wishes."""

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path

from tenny_lsp import locations
from tenny_lsp.errors import TennyError
from tenny_lsp.lsp.settings import ModelSettings, RoastSettings
from tenny_lsp.model.protocol import TextModel

LOGGER = logging.getLogger(__name__)

#: Makes the model that the settings name; None when they switch it off, a TennyError when there is none to use.
ModelFactory = Callable[[ModelSettings], TextModel | None]


class Speaker:
    """Keeps the model of a session.

    Args:
        make (ModelFactory): Makes the model, at the start and when its settings change.
        on_change (Callable[[TennyError | None], None]): Called whenever the model or its state has changed, with the
            error of the last question or None.
    """

    def __init__(self, make: ModelFactory, on_change: Callable[[TennyError | None], None]) -> None:
        self._make = make
        self._on_change = on_change
        self._settings = ModelSettings()
        self._roast_settings = RoastSettings()
        self._is_unloaded = False
        self._closing: set[asyncio.Task[None]] = set()
        #: The model; None while there is none.
        self.model: TextModel | None = None
        #: Why there is none.
        self.why_none = ""

    @property
    def cynic(self) -> TextModel | None:
        """The model with the adapter that was trained on comments; None where there is no such adapter."""
        path = self._roast_settings.adapter_path
        adapter = locations.expanded(path) if path else _trained_cynic(self._settings.path)
        return self.model.with_adapter(adapter) if self.model is not None and adapter is not None else None

    def configure(self, model: ModelSettings, roast: RoastSettings) -> None:
        """Take over the settings; a model that they do not change goes on undisturbed."""
        before, self._settings, self._roast_settings = self._settings, model, roast
        if not self._is_unloaded and (self.model is None or model != before):
            self._open()

    async def load(self) -> None:
        """Load the model at once, also after ``unload`` or when it has been given up.

        Raises:
            BaseModelError: The base model cannot be loaded.
            ModelUnavailable: The model could not be started.
        """
        self._is_unloaded = False
        if self.model is None or self.model.state.phase == "failed":
            self._open()
        if self.model is not None:
            await self.model.load()

    def unload(self) -> None:
        """Close the model; nothing but ``load`` brings it back."""
        self._is_unloaded = True
        self._close_model()
        self.why_none = "It has been unloaded; the command Tenny: Load Model brings it back."
        self._on_change(None)

    async def close(self) -> None:
        """Close the model and wait until it has ended."""
        self._close_model()
        await asyncio.gather(*self._closing)

    def _open(self) -> None:
        self._close_model()
        try:
            self.model = self._make(self._settings)
            self.why_none = "" if self.model is not None else "It is switched off: tenny.model.enabled."
        except TennyError as error:
            LOGGER.warning("Hovers show facts only: %s", error)
            self.why_none = str(error)
        if self.model is not None:
            self.model.watch(lambda: self._on_change(None))
        self._on_change(None)

    def _close_model(self) -> None:
        if self.model is not None:
            task = asyncio.create_task(self.model.close())
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)
            self.model = None


def _trained_cynic(base: str) -> Path | None:
    return locations.find_adapter(base, locations.CYNIC)
