"""Queue the requests of the thread that reads them for the one that owns the model."""

import logging
import os
import queue
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from tenny_lsp.errors import AdapterError, TennyError
from tenny_lsp.model import wire
from tenny_lsp.model.runtime import prepare

if TYPE_CHECKING:
    from tenny_lsp.worker.voice import Voice

LOGGER = logging.getLogger(__name__)


class Worker:
    """Reads requests in one thread and answers them in another, one after the other.

    One thread loads the model and does everything with it, for MLX's streams belong to threads.

    Args:
        base (Path): The base model's folder.
        events (int): The file descriptor that events are written to.
    """

    def __init__(self, base: Path, events: int) -> None:
        self._base = base
        self._events = events
        self._writing = threading.Lock()
        self._requests: queue.SimpleQueue[wire.Work] = queue.SimpleQueue()
        self._cancellations: dict[int, threading.Event] = {}

    def send(self, event: wire.Event) -> None:
        """Write an event; end the process if its client is gone."""
        line = memoryview(wire.encode(event))
        with self._writing:
            try:
                while line:
                    line = line[os.write(self._events, line) :]
            except OSError:
                os._exit(0)

    def read(self, requests: int) -> None:
        """Read requests from a file descriptor until it ends."""
        self.send(wire.Hello(wire.VERSION))
        threading.Thread(target=self._own_model, name="model", daemon=True).start()
        for line in os.fdopen(requests, "rb"):
            try:
                request = wire.decode(line)
            except wire.WireError as error:
                LOGGER.warning("%s", error)
                continue
            if isinstance(request, wire.Work):
                self._cancellations[request.id] = threading.Event()
                self._requests.put(request)
            elif isinstance(request, wire.Cancel) and (cancellation := self._cancellations.get(request.id)):
                cancellation.set()

    def _own_model(self) -> None:
        """Load the model and answer requests until the process ends: the body of the model's thread."""
        try:
            voice = self._load()
        except Exception as error:
            LOGGER.exception("The base could not be loaded")
            self.send(_failure(error, "base", None))
            os._exit(1)
        while True:
            request = self._requests.get()
            cancellation = self._cancellations[request.id]
            try:
                event: wire.Event
                if isinstance(request, wire.Score):
                    event = voice.score(request, cancellation.is_set)
                elif isinstance(request, wire.Choose):
                    event = voice.choose(request, cancellation.is_set)
                elif isinstance(request, wire.Compare):
                    event = voice.compare(request, cancellation.is_set)
                elif isinstance(request, wire.Sample):
                    event = voice.sample(request, cancellation.is_set, self.send)
                else:
                    event = voice.answer(request, cancellation.is_set, self.send)
            except Exception as error:
                LOGGER.exception("Request %d failed", request.id)
                event = _failure(error, "worker", request.id)
            del self._cancellations[request.id]
            self.send(event)

    def _load(self) -> "Voice":
        runtime = prepare()
        from tenny_lsp.worker.light import lighten

        lighten(self._base)
        # This imports MLX: after its runtime is prepared, in the model's thread, when Hello has been sent.
        from tenny_lsp.worker.voice import Voice

        voice = Voice(self._base, runtime.dtype)
        self.send(wire.Ready())
        return voice


def _failure(error: Exception, kind: str, request_id: int | None) -> wire.Failure:
    if isinstance(error, AdapterError):
        kind = "adapter"
    if isinstance(error, TennyError):
        return wire.Failure(kind, error.what, error.next_step, request_id)
    return wire.Failure(kind, f"The model failed: {type(error).__name__}: {error}", "The log says where.", request_id)
