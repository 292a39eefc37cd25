"""Who speaks in an editor: the model that the settings name, loaded and unloaded at its user's wish."""

import asyncio
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

from tenny_lsp.errors import TennyError
from tenny_lsp.lsp.settings import ModelSettings
from tenny_lsp.model.protocol import TextModel

if TYPE_CHECKING:
    from tenny_lsp.lsp.server import TennyServer

LOGGER = logging.getLogger(__name__)

#: Makes the model that the settings name; None when they switch it off, a TennyError when there is none to use.
ModelFactory = Callable[[ModelSettings], TextModel | None]


class Speaker:
    """Keeps the model of a server.

    Args:
        make (ModelFactory): Makes the model, at the start and when its settings change.
        told (Callable[[TennyError | None], None]): Called whenever the model, or what it does, is another.
    """

    def __init__(self, make: ModelFactory, told: Callable[[TennyError | None], None]) -> None:
        self._make = make
        self._told = told
        self._settings = ModelSettings()
        self._is_unloaded = False
        self._closing: set[asyncio.Task[None]] = set()
        #: Who speaks; None while nobody does.
        self.model: TextModel | None = None
        #: Why nobody does.
        self.why_none = ""

    def configure(self, settings: ModelSettings) -> None:
        """Takes over the settings; a model that they do not change goes on undisturbed."""
        before, self._settings = self._settings, settings
        if not self._is_unloaded and (self.model is None or settings != before):
            self._open()

    async def load(self) -> None:
        """Loads the model at once, also after ``unload`` or when it has been given up.

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
        """Ends the model; nothing but ``load`` brings it back."""
        self._is_unloaded = True
        self._end()
        self.why_none = "It has been unloaded; the command Tenny: Load Model brings it back."
        self._told(None)

    async def close(self) -> None:
        """Ends the model and waits for its end."""
        self._end()
        await asyncio.gather(*self._closing)

    def _open(self) -> None:
        self._end()
        try:
            self.model = self._make(self._settings)
            self.why_none = "" if self.model is not None else "It is switched off: tenny.model.enabled."
        except TennyError as error:
            LOGGER.warning("Hovers show facts only: %s", error)
            self.why_none = str(error)
        if self.model is not None:
            self.model.watch(lambda: self._told(None))
        self._told(None)

    def _end(self) -> None:
        if self.model is not None:
            task = asyncio.create_task(self.model.close())
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)
            self.model = None


def register_speaking(server: "TennyServer", make_model: ModelFactory) -> Speaker:
    """Returns what keeps a server's model, having been registered with it."""
    speaker = Speaker(make_model, server.status.fail)

    @server.command("tenny.loadModel")
    async def load_model() -> None:
        try:
            await speaker.load()
        except TennyError as error:
            server.status.fail(error)

    @server.command("tenny.unloadModel")
    def unload_model() -> None:
        speaker.unload()

    return speaker
