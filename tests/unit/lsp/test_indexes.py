"""The indexes of several interpreters: read once each, and what ends before it is read."""

import asyncio
import threading
from pathlib import Path

import pytest

from tenny_lsp.lsp import indexes
from tenny_lsp.lsp.indexes import Indexes
from tenny_lsp.mlx_api.index import ApiIndex


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Path | None]:
    """The interpreters whose index has been read."""
    found: list[Path | None] = []

    def load(python: Path | None = None) -> ApiIndex:
        found.append(python)
        return ApiIndex("mlx", str(python), {})

    monkeypatch.setattr(indexes, "load_mlx_index", load)
    return found


async def test_each_interpreter_is_read_once_and_told_of(asked: list[Path | None]) -> None:
    told: list[bool] = []
    found = Indexes(lambda: told.append(found.read is not None))
    assert await found.of("file:///a.py") is await found.of() is found.read
    found.configure("/one/python")
    assert found.read is None
    assert (await found.of()).version == "/one/python"
    assert asked == [None, Path("/one/python")]
    assert told == [True, False, True]


async def test_the_innermost_folder_decides(asked: list[Path | None]) -> None:
    found = Indexes(lambda: None)
    assert found.follow({"file:///work": "/outer", "file:///work/in%20side/": "/inner"})
    assert not found.follow({"file:///work": "/outer", "file:///work/in%20side": "/inner"})
    versions = [
        (await found.of(uri)).version
        for uri in (
            "file:///work/a.py",
            "file:///work/in%20side/b.py",
            "vscode-notebook-cell:/work/in%20side/c.ipynb#W0",
            "file:///workshop/d.py",
            "untitled:Untitled-1",
        )
    ]
    assert versions == ["/outer", "/inner", "/inner", "None", "None"]


async def test_a_reading_that_is_cancelled_is_no_index(monkeypatch: pytest.MonkeyPatch) -> None:
    """As when a session ends before its index has been read."""
    released = threading.Event()
    monkeypatch.setattr(indexes, "load_mlx_index", lambda _: released.wait())
    told: list[ApiIndex | None] = []
    found = Indexes(lambda: told.append(found.read))
    waiting = asyncio.create_task(found.of())
    await asyncio.sleep(0)
    others = asyncio.all_tasks() - {waiting, asyncio.current_task()}
    for task in others:
        task.cancel()
    released.set()
    await asyncio.gather(waiting, *others, return_exceptions=True)
    assert told == [None]
