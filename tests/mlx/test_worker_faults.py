"""A worker that is killed, stopped or out of memory at any moment: who asks is told, the next question is answered."""

import asyncio
import os
import shutil
import signal
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from tenny_lsp.errors import AdapterError, BaseModelError, ModelUnavailable
from tenny_lsp.model.client import WorkerModel, WorkerOptions
from tenny_lsp.model.keeper import KeeperOptions
from tenny_lsp.model.process import ProcessLink
from tests.mlx.test_worker import PROMPT, write_adapter, write_base

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="has no signals")
MakeModel = Callable[..., WorkerModel]


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_base(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture
async def make(base: Path) -> AsyncIterator[MakeModel]:
    models: list[WorkerModel] = []

    def model(folder: Path = base, *, deadline_s: float = 60.0, command: list[str] | None = None) -> WorkerModel:
        keeping = KeeperOptions(silence_s=1.0, backoff_s=0.0)
        models.append(WorkerModel(WorkerOptions(folder, deadline_s=deadline_s, keeping=keeping), command=command))
        return models[-1]

    yield model
    for one in models:
        await one.close()


def pid_of(model: WorkerModel) -> int:
    worker = model._keeper._worker
    assert worker is not None and isinstance(worker._link, ProcessLink)
    return worker._link._process.pid


async def until(is_so: Callable[[], bool]) -> None:
    async def wait() -> None:
        while not is_so():
            await asyncio.sleep(0.02)

    await asyncio.wait_for(wait(), 60)


async def test_killed_while_idle(make: MakeModel) -> None:
    model = make()
    answer = await model.complete(PROMPT, max_tokens=5)
    os.kill(pid_of(model), signal.SIGKILL)
    await until(lambda: model.state.phase == "backing off")

    assert await model.complete(PROMPT, max_tokens=5) == answer


async def test_killed_while_it_writes(make: MakeModel) -> None:
    model = make()
    answer = await model.complete(PROMPT, max_tokens=5)
    with pytest.raises(ModelUnavailable, match="SIGKILL"):
        async for _ in model.write(PROMPT, max_tokens=100_000):
            os.kill(pid_of(model), signal.SIGKILL)

    assert await model.complete(PROMPT, max_tokens=5) == answer


async def test_killed_while_it_reads_the_prompt(make: MakeModel) -> None:
    model = make()
    answer = await model.complete(PROMPT, max_tokens=5)
    asked = asyncio.create_task(model.complete(PROMPT * 20_000, max_tokens=1))
    await asyncio.sleep(0.3)
    assert not asked.done()
    os.kill(pid_of(model), signal.SIGKILL)
    with pytest.raises(ModelUnavailable, match="SIGKILL"):
        await asked

    assert await model.complete(PROMPT, max_tokens=5) == answer


async def test_killed_while_it_takes_an_adapter(make: MakeModel, base: Path, tmp_path: Path) -> None:
    model, folder = make(), write_adapter(tmp_path / "adapter", base)
    answer = await model.complete(PROMPT, max_tokens=5)
    (folder / "adapter_config.json").unlink()
    os.mkfifo(folder / "adapter_config.json")  # whoever reads it waits
    asked = asyncio.create_task(model.with_adapter(folder).complete(PROMPT, max_tokens=5))
    await asyncio.sleep(0.5)
    assert not asked.done()
    os.kill(pid_of(model), signal.SIGKILL)
    with pytest.raises(ModelUnavailable, match="SIGKILL"):
        await asked

    assert await model.complete(PROMPT, max_tokens=5) == answer


async def test_stopped_it_is_killed_and_started_again(make: MakeModel) -> None:
    model = make(deadline_s=2.0)
    await model.load()
    stopped = pid_of(model)
    os.kill(stopped, signal.SIGSTOP)
    with pytest.raises(ModelUnavailable):
        await model.complete(PROMPT, max_tokens=5)
    await until(lambda: model.state.phase != "ready")

    assert await model.complete(PROMPT, max_tokens=1) is not None
    assert pid_of(model) != stopped


@pytest.mark.skipif(sys.platform != "linux", reason="Linux limits address space")
async def test_out_of_memory_it_ends_and_nobody_else_does(make: MakeModel, base: Path) -> None:
    worker = [sys.executable, "-m", "tenny_lsp.worker", "--model", str(base)]
    model = make(command=["sh", "-c", 'ulimit -v 250000; exec "$@"', "sh", *worker])

    with pytest.raises((ModelUnavailable, BaseModelError)):
        await model.complete(PROMPT, max_tokens=5)
    assert model.state.phase == "backing off" and model.state.reason


async def test_a_base_that_is_removed_goes_on_answering_until_it_is_loaded_anew(
    make: MakeModel, tmp_path: Path
) -> None:
    folder = write_base(tmp_path / "gone")
    model = make(folder)
    answer = await model.complete(PROMPT, max_tokens=5)
    shutil.rmtree(folder)

    assert await model.complete(PROMPT, max_tokens=5) == answer
    os.kill(pid_of(model), signal.SIGKILL)
    await until(lambda: model.state.phase == "backing off")
    with pytest.raises(BaseModelError, match="gone"):
        await model.complete(PROMPT, max_tokens=5)


async def test_an_adapter_that_is_cut_short_while_it_is_in_use(make: MakeModel, base: Path, tmp_path: Path) -> None:
    folder = write_adapter(tmp_path / "adapter", base)
    model = make()
    adapted = model.with_adapter(folder)
    answer = await adapted.complete(PROMPT, max_tokens=5)
    weights = folder / "adapters.safetensors"
    whole = weights.read_bytes()
    weights.write_bytes(whole[: len(whole) // 2])

    with pytest.raises(AdapterError):
        await adapted.complete(PROMPT, max_tokens=5)
    weights.write_bytes(whole)
    assert await adapted.complete(PROMPT, max_tokens=5) == answer
