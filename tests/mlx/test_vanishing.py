"""Who has started a worker is killed, whatever the worker is doing: nothing is left two seconds later."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.vanishing import left_after, wait_for

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="asks Linux's ps for processes")

#: A window: it begins to use a model, says what its worker is doing by then, and goes on living.
WINDOW = """
import asyncio, contextlib, sys
from pathlib import Path
from tenny_lsp.model.client import WorkerModel, WorkerOptions

PROMPTS = {"prefill": "x y z " * 50_000, "decode": "x"}

async def main(base, is_shared, phase):
    model = WorkerModel(WorkerOptions(base, is_shared=is_shared, deadline_s=600))
    if phase == "loading":
        model.begin_to_load()
        while model.state.phase != "loading":
            await asyncio.sleep(0.001)
    else:
        await model.complete("Q: What is mx.abs in mlx?\\nA:", max_tokens=4)
    if phase in PROMPTS:
        working = asyncio.create_task(model.complete(PROMPTS[phase], max_tokens=1_000_000))
        await asyncio.sleep(1)
        assert not working.done()
    print(phase, flush=True)
    await asyncio.sleep(600)

asyncio.run(main(Path(sys.argv[1]), sys.argv[2] == "shared", sys.argv[3]))
"""


def descendants(name: str) -> list[int]:
    """Returns the processes that have a text in their environment."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and name.encode() in (entry / "environ").read_bytes():
                found.append(int(entry.name))
        except OSError:  # it has ended, or is another user's
            continue
    return found


@pytest.fixture
def folder() -> Iterator[Path]:
    """The folder of the sockets, which marks all processes of a test: it is in their environment."""
    with TemporaryDirectory(prefix="run-") as runtime:
        yield Path(runtime)
        for pid in descendants(runtime):
            os.kill(pid, 9)


@pytest.mark.parametrize("phase", ["loading", "idle", "prefill", "decode"])
@pytest.mark.parametrize("kind", ["shared", "its own"])
def test_when_its_only_client_is_killed_a_worker_ends(kind: str, phase: str, folder: Path, tiny_base: Path) -> None:
    environment = {**os.environ, "XDG_RUNTIME_DIR": str(folder)}
    command = [sys.executable, "-c", WINDOW, str(tiny_base), kind, phase]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as window:
        assert window.stdout is not None
        assert window.stdout.readline() == f"{phase}\n"
        assert wait_for(lambda: len(descendants(str(folder))) == 2, 60) < 60
        pids = descendants(str(folder))
        window.kill()

        assert left_after(pids) == ""
    assert descendants(str(folder)) == []


def test_a_worker_that_another_window_uses_is_left(folder: Path, tiny_base: Path) -> None:
    environment = {**os.environ, "XDG_RUNTIME_DIR": str(folder)}
    command = [sys.executable, "-c", WINDOW, str(tiny_base), "shared", "idle"]
    with (
        subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as one,
        subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as other,
    ):
        for window in (one, other):
            assert window.stdout is not None
            assert window.stdout.readline() == "idle\n"
        (worker,) = set(descendants(str(folder))) - {one.pid, other.pid}
        one.kill()
        assert left_after([one.pid]) == ""
        assert worker in descendants(str(folder))
        other.kill()
        assert left_after([worker]) == ""
