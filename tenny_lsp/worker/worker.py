"""The process in which the model lives: ``python -m tenny_lsp.worker.worker --model FOLDER``.

Requests are JSON lines on stdin, events JSON lines on stdout (see ``tenny_lsp.model.wire``). The main thread
reads; one other thread loads the model and does everything with it, for MLX's streams belong to threads.
When stdin ends, the process ends, whatever it is doing.
"""

import argparse
import logging
import os
import queue
import signal
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

from tenny_lsp.errors import AdapterError, TennyError
from tenny_lsp.model import wire
from tenny_lsp.model.runtime import package_version, prepare

if TYPE_CHECKING:
    from tenny_lsp.worker.voice import Voice

LOGGER = logging.getLogger(__name__)


class Worker:
    """The queue between the thread that reads requests and the thread that owns the model.

    Args:
        base (Path): The base model's folder.
        events (int): The file descriptor that events are written to.
    """

    def __init__(self, base: Path, events: int) -> None:
        self._base = base
        self._events = events
        self._start_s = time.monotonic()
        self._writing = threading.Lock()
        self._waiting: queue.SimpleQueue[wire.Work] = queue.SimpleQueue()
        self._cancellations: dict[int, threading.Event] = {}

    def send(self, event: wire.Event) -> None:
        """Writes an event. A client that is gone ends the process."""
        line = memoryview(wire.encode(event))
        with self._writing:
            try:
                while line:
                    line = line[os.write(self._events, line) :]
            except OSError:
                os._exit(0)

    def read(self, requests: int) -> None:
        """Takes requests from a file descriptor until it ends or a ``Shutdown`` comes."""
        self.send(wire.Hello(wire.VERSION, os.getpid()))
        threading.Thread(target=self._own_model, name="model", daemon=True).start()
        for line in os.fdopen(requests, "rb"):
            try:
                request = wire.decode(line)
            except wire.WireError as error:
                LOGGER.warning("%s", error)
                continue
            if isinstance(request, wire.Work):
                self._cancellations[request.id] = threading.Event()
                self._waiting.put(request)
            elif isinstance(request, wire.Cancel):
                if cancellation := self._cancellations.get(request.id):
                    cancellation.set()
            elif isinstance(request, wire.Ping):
                self.send(wire.Pong())
            elif isinstance(request, wire.Shutdown):
                break

    def _own_model(self) -> None:
        """Loads the model and answers until the process ends: the body of the model's thread."""
        try:
            voice = self._load()
        except Exception as error:
            LOGGER.exception("The base could not be loaded")
            self.send(_failure(error, "base", None))
            os._exit(1)
        while True:
            request = self._waiting.get()
            cancellation = self._cancellations[request.id]
            try:
                event: wire.Event
                if isinstance(request, wire.Score):
                    event = voice.score(request, cancellation.is_set)
                elif isinstance(request, wire.Sample):
                    event = voice.draw(request, cancellation.is_set, self.send)
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
        # MLX is imported here: after its runtime is prepared, in its thread, when Hello has long been said.
        from tenny_lsp.worker.voice import Voice

        voice = Voice(self._base, runtime.dtype)
        self.send(
            wire.Ready(
                seconds=time.monotonic() - self._start_s,
                base=voice.base,
                device=runtime.device,
                blas=runtime.blas,
                dtype=runtime.dtype,
                mlx=package_version("mlx") or "unknown",
            )
        )
        return voice


def _failure(error: Exception, kind: str, request_id: int | None) -> wire.Failure:
    if isinstance(error, AdapterError):
        kind = "adapter"
    if isinstance(error, TennyError):
        return wire.Failure(kind, error.what, error.next_step, request_id)
    return wire.Failure(kind, f"The model failed: {type(error).__name__}: {error}", "The log says where.", request_id)


def main() -> None:
    """Runs the worker on this process's stdin and stdout."""
    parser = argparse.ArgumentParser(prog="python -m tenny_lsp.worker.worker", description=main.__doc__)
    parser.add_argument("--model", type=Path, required=True, help="the base model's folder")
    arguments = parser.parse_args()
    # Ctrl-C in a terminal goes to every process of the group; the client decides, by closing stdin.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.environ.update(HF_HUB_OFFLINE="1", HF_HUB_DISABLE_TELEMETRY="1", TOKENIZERS_PARALLELISM="false")
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(levelname)s %(message)s")
    # Model libraries print; what they print must not get into the protocol.
    events, requests = os.dup(1), os.dup(0)
    os.dup2(2, 1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    Worker(arguments.model, events).read(requests)
    os._exit(0)


if __name__ == "__main__":
    main()
