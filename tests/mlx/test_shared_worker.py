"""Several clients of one real worker: one process, whatever happens to it or to one of them."""

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tenny_lsp.errors import BaseModelError, ModelUnavailable
from tenny_lsp.model import client, shared
from tenny_lsp.model.client import WorkerModel, WorkerOptions
from tenny_lsp.model.keeper import KeeperOptions

PROMPT = "Q: What is mx.abs in mlx?\nA:"
#: Another window: it asks, says so, and goes on living until it is killed.
WINDOW = """
import asyncio, sys
from pathlib import Path
from tenny_lsp.model.client import WorkerModel, WorkerOptions

async def main():
    model = WorkerModel(WorkerOptions(Path(sys.argv[1]), is_shared=True))
    await model.complete("Q: What is mx.abs in mlx?\\nA:", max_tokens=4)
    if sys.argv[2] == "asks":
        asyncio.create_task(model.complete("x", max_tokens=100_000))
    print("asked", flush=True)
    await asyncio.sleep(60)

asyncio.run(main())
"""


@pytest.fixture(autouse=True)
def folder(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder of the sockets, whose path is short."""
    with TemporaryDirectory(prefix="run-") as runtime:
        monkeypatch.setenv("XDG_RUNTIME_DIR", runtime)
        yield Path(runtime, "tenny-lsp")
        for pid in workers(Path(runtime)):
            os.kill(pid, signal.SIGKILL)


Make = Callable[[], WorkerModel]


@pytest.fixture
async def make(tiny_base: Path) -> AsyncIterator[Make]:
    """Makes clients, and closes them."""
    made: list[WorkerModel] = []

    def make(**keeping: float) -> WorkerModel:
        options = WorkerOptions(tiny_base, is_shared=True, deadline_s=60, keeping=KeeperOptions(**keeping))
        made.append(WorkerModel(options))
        return made[-1]

    yield make
    for model in made:
        await model.close()


def workers(folder: Path) -> list[int]:
    """Returns the workers whose sockets lie in a folder."""
    listed = subprocess.run(["ps", "-ww", "-eo", "pid=,stat=,args="], capture_output=True, text=True, check=True).stdout
    rows = [line.split(None, 2) for line in listed.splitlines() if str(folder) in line and "--shared" in line]
    return [int(pid) for pid, state, _ in rows if not state.startswith("Z")]


@contextlib.contextmanager
def window(base: Path, does: str = "waits") -> Iterator["subprocess.Popen[str]"]:
    command = [sys.executable, "-c", WINDOW, str(base), does]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def asked(process: "subprocess.Popen[str]") -> None:
    assert process.stdout is not None
    assert process.stdout.readline() == "asked\n"


async def until(condition: Callable[[], bool], seconds: float = 30) -> None:
    end_s = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end_s, "it did not come to that"
        await asyncio.sleep(0.05)


async def test_two_windows_have_one_worker_and_the_same_answers(make: Make, folder: Path, tiny_base: Path) -> None:
    private = WorkerModel(WorkerOptions(tiny_base))
    expected = await private.complete(PROMPT, max_tokens=12)
    await private.close()

    one, two = make(), make()
    answers = await asyncio.gather(*(model.complete(PROMPT, max_tokens=12) for model in (one, two, one, two)))

    assert answers == [expected] * 4 and len(workers(folder)) == 1
    names = ["abs", "exp"]
    assert await one.score("mx.", names) == await two.score("mx.", names)


async def test_four_windows_that_start_together_have_one_worker(folder: Path, tiny_base: Path) -> None:
    with contextlib.ExitStack() as stack:
        processes = [stack.enter_context(window(tiny_base)) for _ in range(4)]
        for process in processes:
            await asyncio.to_thread(asked, process)
        assert len(workers(folder)) == 1


async def test_a_killed_worker_comes_back_once_for_all(make: Make, folder: Path) -> None:
    models = [make(backoff_s=0.05) for _ in range(3)]
    await asyncio.gather(*(model.complete(PROMPT, max_tokens=2) for model in models))
    (killed,) = workers(folder)
    os.kill(killed, signal.SIGKILL)
    await until(lambda: all(model.state.phase == "backing off" for model in models))
    await asyncio.sleep(0.1)

    await asyncio.gather(*(model.complete(PROMPT, max_tokens=2) for model in models))
    (pid,) = workers(folder)
    assert pid != killed


async def test_an_unfinished_answer_of_a_killed_worker_is_an_error(make: Make, folder: Path) -> None:
    model = make()
    await model.load()
    unfinished = asyncio.create_task(model.complete("x", max_tokens=100_000))
    await asyncio.sleep(0.2)
    os.kill(workers(folder)[0], signal.SIGKILL)
    with pytest.raises(ModelUnavailable, match="connection ended"):
        await unfinished


async def test_a_worker_that_hangs_is_killed_and_comes_back(make: Make, folder: Path) -> None:
    one, two = make(silence_s=0.3, backoff_s=0.05), make(backoff_s=0.05)
    await asyncio.gather(one.load(), two.load())
    (hanging,) = workers(folder)
    os.kill(hanging, signal.SIGSTOP)
    impatient = WorkerModel(replace(one._options, deadline_s=0.2), keeper=one._keeper)
    with pytest.raises(ModelUnavailable, match=r"within 0\.2 s"):
        await impatient.complete(PROMPT)
    await until(lambda: two.state.phase == "backing off")
    await asyncio.sleep(0.1)

    await asyncio.gather(*(model.complete(PROMPT, max_tokens=2) for model in (one, two)))
    assert len(workers(folder)) == 1 and workers(folder) != [hanging]


async def test_a_killed_window_hurts_nobody_and_its_work_ends(make: Make, folder: Path, tiny_base: Path) -> None:
    model = make()
    await model.load()
    with window(tiny_base, "asks") as other:
        await asyncio.to_thread(asked, other)
        before = workers(folder)
        other.kill()

    assert await model.complete(PROMPT, max_tokens=2) is not None
    assert workers(folder) == before and len(before) == 1


async def test_one_windows_cancellation_is_nobody_elses(make: Make, folder: Path) -> None:
    one, two = make(), make()
    long = asyncio.create_task(one.complete("x", max_tokens=400))
    await one.load()
    waiting = asyncio.create_task(two.complete("y", max_tokens=100_000))
    await asyncio.sleep(0.1)
    waiting.cancel()
    await asyncio.wait({waiting})

    assert await two.complete(PROMPT, max_tokens=2) is not None
    assert isinstance(await long, str) and len(workers(folder)) == 1


async def test_many_questions_of_one_window_let_anothers_through(make: Make) -> None:
    one, two = make(), make()
    await asyncio.gather(one.load(), two.load())
    done: list[str] = []

    async def ask(model: WorkerModel, name: str) -> None:
        await model.complete("x", max_tokens=30)
        done.append(name)

    long = asyncio.create_task(one.complete("x", max_tokens=100_000))
    await asyncio.sleep(0.5)
    asking = [asyncio.create_task(ask(one, "one")) for _ in range(12)]
    await asyncio.sleep(0.5)
    asking.append(asyncio.create_task(ask(two, "two")))
    await asyncio.sleep(0.5)
    assert done == []
    long.cancel()
    await asyncio.gather(*asking)

    assert done.index("two") == 1


def lingering(seconds: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def command(options: WorkerOptions) -> list[str]:
        return [sys.executable, "-m", "tenny_lsp.worker", "--model", str(options.base), "--linger", seconds]

    monkeypatch.setattr(client, "_worker_command", command)


async def test_the_last_one_to_leave_ends_it_a_while_later(
    make: Make, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lingering("2", monkeypatch)
    one, two = make(), make()
    await asyncio.gather(one.load(), two.load())
    await one.close()
    assert len(workers(folder)) == 1 and await two.complete(PROMPT, max_tokens=2) is not None
    await two.close()
    assert len(workers(folder)) == 1  # a window that is reloaded finds it
    await until(lambda: not workers(folder), 30)
    assert [file.suffix for file in folder.iterdir() if file.suffix == ".sock"] == []


async def test_a_window_that_comes_back_in_time_finds_it(
    make: Make, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lingering("2", monkeypatch)
    first = make()
    await first.load()
    before = workers(folder)
    await first.close()
    second = make()
    await second.load()

    assert workers(folder) == before
    await asyncio.sleep(4)
    assert workers(folder) == before and await second.complete(PROMPT, max_tokens=2) is not None


async def test_a_socket_that_nobody_listens_on_is_replaced(make: Make, folder: Path, tiny_base: Path) -> None:
    first = make()
    await first.load()
    os.kill(workers(folder)[0], signal.SIGKILL)
    await until(lambda: not workers(folder))
    (stale,) = folder.glob("*.sock")
    second = make()
    assert await second.complete(PROMPT, max_tokens=2) is not None

    assert stale.exists() and len(workers(folder)) == 1


@pytest.mark.parametrize("fault", ["open to others", "a link", "too long", "locked"])
async def test_where_it_cannot_be_shared_a_window_has_its_own(
    make: Make, folder: Path, fault: str, monkeypatch: pytest.MonkeyPatch, tiny_base: Path, tmp_path: Path
) -> None:
    with contextlib.ExitStack() as stack:
        if fault == "open to others":
            folder.mkdir(mode=0o700)
            folder.chmod(0o755)
        elif fault == "a link":
            tmp_path.chmod(0o700)
            folder.symlink_to(tmp_path)
        elif fault == "too long":
            for name in ("XDG_RUNTIME_DIR", "TMPDIR"):
                monkeypatch.setenv(name, str(tmp_path / ("x" * 100)))
            monkeypatch.setattr("tempfile.tempdir", str(tmp_path / ("x" * 100)))
        else:
            monkeypatch.setattr(shared, "_PATIENCE_S", 0.1)
            name = shared._name([sys.executable, "-m", "tenny_lsp.worker", "--model", str(tiny_base)], tiny_base)
            folder.mkdir(mode=0o700)
            stack.enter_context(shared.locked(folder / f"{name}.lock", 1))
        model = make()
        assert await model.complete(PROMPT, max_tokens=2) is not None
    assert workers(folder) == []


async def test_somebody_elses_socket_is_not_used(
    make: Make, folder: Path, tiny_base: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = shared._name([sys.executable, "-m", "tenny_lsp.worker", "--model", str(tiny_base)], tiny_base)
    folder.mkdir(mode=0o700)
    monkeypatch.setattr(shared, "peer_uid", lambda connection: os.geteuid() + 1)
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(str(folder / f"{name}.sock"))
        other.listen()
        assert await make().complete(PROMPT, max_tokens=2) is not None
    assert workers(folder) == []


async def test_a_base_that_cannot_be_loaded_is_said_to_every_window(
    make_base: Callable[[Path], Path], tmp_path: Path, folder: Path
) -> None:
    base = make_base(tmp_path / "broken")
    (base / "model.safetensors").write_bytes(b"\x02\0\0\0\0\0\0\0{}")
    models = [WorkerModel(WorkerOptions(base, is_shared=True)) for _ in range(2)]
    said = await asyncio.gather(*(model.load() for model in models), return_exceptions=True)
    for model in models:
        await model.close()

    assert [type(error) for error in said] == [BaseModelError] * 2, said
    await until(lambda: not workers(folder))
