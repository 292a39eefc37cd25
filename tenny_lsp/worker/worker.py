"""Answer the requests of clients with the model: one thread reads each client, one owns the model."""

import logging
import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from tenny_lsp.errors import AdapterError, TennyError
from tenny_lsp.model import wire
from tenny_lsp.model.runtime import prepare
from tenny_lsp.worker.clients import WorkerClient
from tenny_lsp.worker.requests import Job, Requests

if TYPE_CHECKING:
    from tenny_lsp.worker.voice import Voice

LOGGER = logging.getLogger(__name__)


class Worker:
    """Reads requests in a thread for each client and answers them in another, one after the other.

    One thread loads the model and does everything with it, for MLX's streams belong to threads.

    Args:
        base (Path): The base model's folder.
    """

    def __init__(self, base: Path) -> None:
        self._base = base
        self._joining = threading.Lock()
        self._clients: set[WorkerClient] = set()
        self._is_ready = False
        #: What waits to be answered.
        self.requests = Requests()

    def start(self) -> None:
        """Begin to load the model."""
        threading.Thread(target=self._own_model, name="model", daemon=True).start()

    def read(self, client: WorkerClient) -> bool:
        """Read a client's requests until it goes; return whether it has said that it goes."""
        with self._joining:
            self._clients.add(client)
            client.send(wire.Hello(wire.VERSION))
            if self._is_ready:
                client.send(wire.Ready())
        try:
            requests = (self._receive(client, line) for line in client.requests())
            return any(isinstance(request, wire.Leave) for request in requests)
        finally:
            with self._joining:
                self._clients.discard(client)
            self.requests.drop(client)

    def _receive(self, client: WorkerClient, line: bytes) -> wire.Message | None:
        """Have a request answered, and return it; None if it is none."""
        try:
            request = wire.decode(line)
        except wire.WireError as error:
            LOGGER.warning("%s", error)
            return None
        if isinstance(request, wire.Work):
            self.requests.put(Job(client, request))
        elif isinstance(request, wire.Cancel) and self.requests.cancel(client, request.id):
            client.send(wire.Done(request.id, "cancelled"))
        return request

    def _own_model(self) -> None:
        """Load the model and answer requests until the process ends: the body of the model's thread."""
        try:
            voice = self._load()
        except Exception as error:
            LOGGER.exception("The base could not be loaded")
            self._fail(_failure(error, "base", None))
        with self._joining:
            self._is_ready = True
            for client in self._clients:
                client.send(wire.Ready())
        while True:
            job = self.requests.take()
            try:
                event = _answered(voice, job)
            except Exception as error:
                LOGGER.exception("Request %d failed", job.request.id)
                event = _failure(error, "worker", job.request.id)
            job.client.send(event)

    def _fail(self, failure: wire.Failure) -> None:
        """Tell every client why the process ends, and end it."""
        with self._joining:
            for client in self._clients:
                client.send(failure)
                client.close()
        os._exit(1)

    def _load(self) -> "Voice":
        runtime = prepare()
        from tenny_lsp.worker.light import leave_out_unused, lighten

        lighten(self._base)
        leave_out_unused()
        # This imports MLX: after its runtime is prepared, in the model's thread, when Hello has been sent.
        from tenny_lsp.worker.voice import Voice

        return Voice(self._base, runtime.dtype)


def _answered(voice: "Voice", job: Job) -> wire.Event:
    """Answer a request, and return the last event of the answer."""
    request, is_cancelled, send = job.request, job.cancellation.is_set, job.client.send
    if isinstance(request, wire.Score):
        return voice.score(request, is_cancelled)
    if isinstance(request, wire.Choose):
        return voice.choose(request, is_cancelled)
    if isinstance(request, wire.Compare):
        return voice.compare(request, is_cancelled)
    if isinstance(request, wire.Sample):
        return voice.sample(request, is_cancelled, send)
    return voice.answer(request, is_cancelled, send)


def _failure(error: Exception, kind: str, request_id: int | None) -> wire.Failure:
    if isinstance(error, AdapterError):
        kind = "adapter"
    if isinstance(error, TennyError):
        return wire.Failure(kind, error.what, error.next_step, request_id)
    return wire.Failure(kind, f"The model failed: {type(error).__name__}: {error}", "The log says where.", request_id)
