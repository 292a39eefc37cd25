"""The server with a model that a test speaks for: ``python -m tests.lsp.fake_server [slow-index | worker FIFO]``.

``fake/reply`` answers the model's oldest open question: ``{"text": …}``, or an error of ``{"kind": …}``.
``fake/remarks`` gives the next question for candidates its ``{"texts": […]}``, or an error of ``{"kind": …}``.
``fake/asked`` returns every prompt so far; ``fake/release`` lets a slow index be read.
``fake/becomes`` has the model change its state, to a ``{"phase": …, "reason": …}``.
"""

import asyncio
import json
import logging
import sys
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Any
from uuid import uuid4

from tenny_lsp import errors
from tenny_lsp.lsp import indexes, server
from tenny_lsp.lsp.settings import ModelSettings
from tenny_lsp.mlx_api.index import ApiIndex, load_mlx_index
from tenny_lsp.model.client import WorkerModel, WorkerOptions
from tenny_lsp.model.protocol import ALL_ABILITIES, EMBEDDED_ABILITIES, ModelState, Sampled, Sampling, TextModel

#: A worker that opens a pipe as long as it lives, and says nothing after it is ready.
WORKER = """
import json, sys
alive = open(sys.argv[1], "w")
for message in ({"type": "hello", "version": 7}, {"type": "ready"}):
    print(json.dumps(message), flush=True)
sys.stdin.read()
"""


class FakeModel:
    """A TextModel that answers when it is told to, with what it is told."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.replies: asyncio.Queue[str | Exception] = asyncio.Queue()
        self.remarks: asyncio.Queue[list[str] | Exception] = asyncio.Queue()
        self.identity = uuid4().hex  # no answer of an earlier session is this one's
        self.can = EMBEDDED_ABILITIES
        self.state = ModelState("idle")
        self.callbacks: list[Callable[[], None]] = []

    async def complete(self, prompt: str, *, max_tokens: int = 96) -> str:
        self.asked.append(prompt)
        reply = await self.replies.get()
        if isinstance(reply, Exception):
            raise reply
        return reply

    def watch(self, on_change: Callable[[], None]) -> None:
        self.callbacks.append(on_change)

    def becomes(self, phase: str, reason: str = "") -> None:
        self.state = ModelState(phase, reason)
        for on_change in self.callbacks:
            on_change()

    def begin_to_load(self) -> None:
        pass

    async def load(self) -> None:
        self.becomes("ready")

    async def write(self, text: str, *, max_tokens: int = 96) -> AsyncIterator[str]:
        yield await self.complete(text, max_tokens=max_tokens)

    async def score(self, text: str, names: Sequence[str]) -> list[float]:
        values = json.loads(await self.complete(text))
        return [values.get(name, -20.0) for name in names]

    async def candidates(self, prompt: str, sampling: Sampling) -> AsyncIterator[Sampled]:
        self.asked.append(prompt)
        remarks = await self.remarks.get()
        if isinstance(remarks, Exception):
            raise remarks
        for remark in remarks:
            yield Sampled(remark)

    async def choose(self, prompt: str, answers: Sequence[str]) -> list[float]:
        return [0.2, 0.7, 0.1] if len(answers) == 3 else [1 / len(answers)] * len(answers)

    async def compare(self, prompts: Sequence[str], answer: str) -> list[float]:
        return [0.0] * len(prompts)

    def with_adapter(self, adapter: Path | None) -> "FakeModel":
        return self

    async def close(self) -> None:
        """Has nothing to end."""


class FakeWorker(WorkerModel):
    """A real client of a worker that is none."""

    def __init__(self, pipe: str) -> None:
        super().__init__(WorkerOptions(Path()), command=[sys.executable, "-c", WORKER, pipe])

    @property
    def identity(self) -> str:
        return "a worker"


def main(mode: str = "", pipe: str = "") -> None:
    """Serves on stdio."""
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING)
    model = FakeModel()
    released = threading.Event()

    def make_model(settings: ModelSettings) -> TextModel | None:
        model.can = ALL_ABILITIES if settings.path else EMBEDDED_ABILITIES
        return FakeWorker(pipe) if mode == "worker" else model

    def load_slowly(python: Path | None = None) -> ApiIndex:
        released.wait()
        return load_mlx_index(python)

    if mode == "slow-index":
        indexes.load_mlx_index = load_slowly
    fake = server.create_server(make_model)

    @fake.feature("fake/reply")
    def reply(params: Any) -> None:
        kind = getattr(params, "kind", "")
        model.replies.put_nowait(getattr(errors, kind)(params.text, "Mend it.") if kind else params.text)

    @fake.feature("fake/remarks")
    def remarks(params: Any) -> None:
        kind = getattr(params, "kind", "")
        model.remarks.put_nowait(getattr(errors, kind)("It is torn", "Mend it.") if kind else list(params.texts))

    @fake.feature("fake/becomes")
    def becomes(params: Any) -> None:
        model.becomes(params.phase, params.reason)

    @fake.feature("fake/release")
    def release(_: Any) -> None:
        released.set()

    @fake.feature("fake/asked")
    def asked(_: Any) -> list[str]:
        return model.asked

    fake.start_io()


if __name__ == "__main__":
    main(*sys.argv[1:])
