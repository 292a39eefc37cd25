"""How old a line is, as far as git can tell."""

import asyncio
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tenny_lsp.features import blame
from tenny_lsp.features.blame import ages

TEXT = "# TODO: old\nx = 1\n"
needs_git = pytest.mark.skipif(shutil.which("git") is None, reason="git is not there")


def git(folder: Path, *arguments: str) -> None:
    who = {f"GIT_{role}_{what}": "a@example.com" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    when = {f"GIT_{role}_DATE": "2019-05-01T12:00:00" for role in ("AUTHOR", "COMMITTER")}
    environment = {**os.environ, **who, **when, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    subprocess.run(["git", *arguments], cwd=folder, env=environment, check=True, capture_output=True)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file that was committed in 2019."""
    git(tmp_path, "init")
    (tmp_path / "x.py").write_text(TEXT, "utf-8")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-m", "old")
    return tmp_path / "x.py"


@needs_git
async def test_a_line_is_as_old_as_its_commit_and_a_new_one_is_not(file: Path) -> None:
    found = await ages(file, "# new, not saved\n" + TEXT, [0, 1])

    assert set(found) == {1} and found[1] >= 7


@needs_git
async def test_nothing_that_a_repository_configures_is_run(file: Path) -> None:
    git(file.parent, "config", "core.fsmonitor", f"touch {file.parent / 'ran'}; false")

    assert await ages(file, TEXT, [0])
    assert not (file.parent / "ran").exists()


@pytest.mark.parametrize("lines", [[], [0]])
async def test_where_there_is_no_repository_nothing_is_known(tmp_path: Path, lines: list[int]) -> None:
    (tmp_path / "x.py").write_text(TEXT, "utf-8")

    assert await ages(tmp_path / "x.py", TEXT, lines) == {}
    assert await ages(tmp_path / "gone.py", TEXT, lines) == {}


@needs_git
async def test_a_line_that_is_not_there_is_unknown(file: Path) -> None:
    assert await ages(file, TEXT, [99]) == {}


async def test_without_git_nothing_is_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blame.shutil, "which", lambda _: None)
    (tmp_path / "x.py").write_text(TEXT, "utf-8")

    assert await ages(tmp_path / "x.py", TEXT, [0]) == {}


@pytest.mark.skipif(sys.platform == "win32", reason="the slow git is a shell script")
async def test_a_slow_git_is_ended_and_the_loop_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    slow = tmp_path / "git"
    slow.write_text("#!/bin/sh\nexec sleep 60\n")
    slow.chmod(0o755)
    monkeypatch.setattr(blame.shutil, "which", lambda _: str(slow))
    (tmp_path / "x.py").write_text(TEXT, "utf-8")
    beats = 0

    async def beat() -> None:
        nonlocal beats
        while True:
            beats += 1
            await asyncio.sleep(0)

    beating = asyncio.create_task(beat())
    assert await ages(tmp_path / "x.py", TEXT, [0], deadline_s=0.1) == {}
    beating.cancel()
    assert beats > 10
