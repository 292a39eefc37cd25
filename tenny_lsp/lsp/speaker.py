"""The models of a session: made as the settings say, loaded and unloaded as the user wishes.

There is one or two of them. The model ranks completions and explains in hovers; where smollm2 has been fetched, that
one answers questions and makes remarks. Where the settings name an endpoint, that does all but ranking.
"""

import asyncio
import logging
from collections.abc import Callable

from tenny_lsp import locations
from tenny_lsp.errors import TennyError
from tenny_lsp.lsp.settings import ModelSettings, RoastSettings
from tenny_lsp.model.identity import base_name_of
from tenny_lsp.model.protocol import ModelState, TextModel

LOGGER = logging.getLogger(__name__)

#: Makes the model that the settings name; None when they switch it off, a TennyError when there is none to use.
ModelFactory = Callable[[ModelSettings], TextModel | None]


def no_writer(_settings: ModelSettings) -> None:
    """Make no second model."""


class Speaker:
    """Keeps the models of a session.

    Args:
        make (ModelFactory): Makes the model, at the start and when its settings change.
        on_change (Callable[[TennyError | None], None]): Called whenever the model or its state has changed, with the
            error of the last question or None.
        make_writer (ModelFactory): Makes the model that writes, if it is to be another.
    """

    def __init__(
        self,
        make: ModelFactory,
        on_change: Callable[[TennyError | None], None],
        make_writer: ModelFactory = no_writer,
    ) -> None:
        self._make = make
        self._on_change = on_change
        self._make_writer = make_writer
        self._own_writer: TextModel | None = None
        self._settings = ModelSettings()
        self._roast_settings = RoastSettings()
        self._is_unloaded = False
        self._closing: set[asyncio.Task[None]] = set()
        #: The model; None while there is none.
        self.model: TextModel | None = None
        #: Why there is none.
        self.why_none = ""
        #: Why the model has to write as well although another base was to; empty where there is nothing amiss.
        self.why_no_writer = ""

    @property
    def writer(self) -> TextModel | None:
        """The model that answers questions: one of its own where there is one, else the model."""
        return self._own_writer or self.model

    @property
    def author(self) -> TextModel | None:
        """The model that explains in hovers and writes code: the endpoint's where there is one, else the model."""
        return self.writer if self._settings.endpoint else self.model

    @property
    def base(self) -> str:
        """The name of the base that speaks."""
        if self._own_writer is not None:
            return self._settings.endpoint or locations.SMOLLM2
        path = self._settings.path
        return locations.EMBEDDED if path in ("", locations.SMOLLM2) else path

    @property
    def state(self) -> ModelState | None:
        """The state of the model that writes once it has been asked, else that of the model."""
        writing = self._own_writer.state if self._own_writer is not None else None
        if writing is not None and writing.phase != "idle":
            return writing
        return self.model.state if self.model is not None else None

    @property
    def cynic(self) -> TextModel | None:
        """The model that writes, with the adapter that was trained on comments; None where there is no such adapter."""
        path = self._roast_settings.adapter_path
        if self._settings.endpoint and self._own_writer is not None:
            return self._own_writer.with_adapter(locations.expanded(path) if path else None)
        adapter = locations.expanded(path) if path else locations.find_adapter(self.base, locations.CYNIC)
        if adapter is None:
            return None
        is_of_another = path and self._own_writer and base_name_of(adapter) != locations.SMOLLM2
        model = self.model if is_of_another else self.writer
        return model.with_adapter(adapter) if model is not None else None

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
        models = [model for model in (self.model, self._own_writer) if model is not None]
        if self.model is None or any(model.state.phase == "failed" for model in models):
            self._open()
        elif self._own_writer is None:
            self._open_writer()  # the base may have been fetched since
        for model in filter(None, (self.model, self._own_writer)):
            await model.load()

    def unload(self) -> None:
        """Close the model; nothing but ``load`` brings it back."""
        self._is_unloaded = True
        self._close_model()
        self.why_none = "It has been unloaded; the command Tenny: Load Model brings it back."
        self._on_change(None)

    async def close(self) -> None:
        """Close the models and wait until they have ended."""
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
        self._open_writer()

    def _open_writer(self) -> None:
        self.why_no_writer = ""
        try:
            self._own_writer = self._make_writer(self._settings) if self.model is not None else None
        except TennyError as error:
            LOGGER.warning("%s speaks: %s", self.base, error)
            self.why_no_writer = str(error)
        if self._own_writer is not None:
            self._own_writer.watch(lambda: self._on_change(None))
        self._on_change(None)

    def _close_model(self) -> None:
        for model in filter(None, (self.model, self._own_writer)):
            task = asyncio.create_task(model.close())
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)
        self.model = self._own_writer = None
