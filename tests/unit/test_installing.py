"""What the bootstrap does with uv and pip, and makes of what they say. They only pretend."""

import os
import sys
from pathlib import Path

import bundle
import explanations
import installing
import interpreters
import pytest
import reports
from locking import Lock
from progress import Progress

from tests.unit.bootstrapping import SERVER, script

PYTHON = interpreters.running()
no_scripts_on_windows = pytest.mark.skipif(os.name == "nt", reason="the pretended programs are shell scripts")


class Recorded:
    """A progress whose folder gets packages when the test says so."""

    def __init__(self, folder: Path, requirements: int) -> None:
        self.folder = folder / "lib" / "python3.11" / "site-packages"
        self.folder.mkdir(parents=True)
        self.told: list[tuple[str, int]] = []
        self.progress = Progress(
            requirements, folder, lambda message, percentage: self.told.append((message, percentage))
        )

    def hear(self, text: str) -> list[tuple[str, int]]:
        for line in text.splitlines():
            self.progress.hear(line)
        told, self.told = self.told, []
        return told


@no_scripts_on_windows
def test_progress_of_pip(tmp_path: Path) -> None:
    recorded = Recorded(tmp_path, 5)
    (recorded.folder / "pip-23.2.1.dist-info").mkdir()

    assert recorded.hear(
        """Looking in indexes: https://index.example/simple
Ignoring tomli: markers 'python_full_version < "3.11"' don't match your environment
Collecting mlx-lm==0.32.2 (from -r requirements.lock (line 9))
  Downloading mlx_lm-0.32.2-py3-none-any.whl (15.0 MB)
Processing /wheels/numpy-2.5.5.whl (from -r requirements.lock (line 13))
Collecting rich==15.0.0
  Using cached rich-15.0.0-py3-none-any.whl (310 kB)
Collecting typer==0.29.2"""
    ) == [
        ("Downloading mlx-lm (1 of 4)", 31),
        ("Downloading packages (2 of 4)", 44),
        ("Downloading rich (3 of 4)", 57),
        ("Downloading typer (4 of 4)", 70),
    ]
    assert recorded.hear("Installing collected packages: numpy, rich, typer, mlx-lm") == [("Installing 4 packages", 70)]
    for name in ("numpy", "rich"):
        (recorded.folder / f"{name}-1.dist-info").mkdir()
    recorded.progress.look()
    assert recorded.hear("Successfully installed mlx-lm-0.32.2") == [("Installing 4 packages", 82)]


@no_scripts_on_windows
def test_progress_of_uv(tmp_path: Path) -> None:
    recorded = Recorded(tmp_path, 69)

    assert recorded.hear(
        """Using Python 3.12.1 environment at: e1
Resolved 51 packages in 544ms
Downloading numpy (15.0MiB)
Downloading pygments (812.5KiB)
 Downloaded pygments
 Downloaded numpy
Prepared 51 packages in 822ms
Installed 51 packages in 149ms
 + annotated-doc==0.0.7"""
    ) == [
        ("Downloading 51 packages", 15),
        ("Downloaded pygments", 42),
        ("Downloaded numpy", 70),
        ("Installing 51 packages", 70),
    ]


@pytest.mark.parametrize(
    ("line", "message", "next_step"),
    [
        ("ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device", "full", "Free"),
        ("  cause: failed to write: No space left on device (os error 28)", "full", "Free"),
        ("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE.", "hash differs", "another index"),
        ("  cause: Hash mismatch for `rich==15.0.0`", "hash differs", "another index"),
        ("The virtual environment was not created successfully because ensurepip is not", "{python}", "python3-venv"),
        (
            "/usr/bin/python3: No module named venv",
            "{python}",
            f"python{sys.version_info[0]}.{sys.version_info[1]}-venv",
        ),
        ("error: invalid peer certificate: UnknownIssuer", "certificate", "SSL_CERT_FILE"),
        (
            "ERROR: HTTP error 403 while getting https://index.example/a.whl\n403 Client Error: Forbidden",
            "who",
            "password",
        ),
        ("  cause: HTTP status client error (401 Unauthorized) for url (https://index.example)", "who", "password"),
        (
            "ERROR: Could not install packages due to an OSError: [Errno 13] Permission denied: '/x'",
            "{folder}",
            "--storage",
        ),
        ("  cause: dns error\n  cause: failed to lookup address information", "cannot be reached", "Connect"),
        (
            "WARNING: Retrying (Retry(total=0)) after connection broken by 'NewConnectionError(Failed to establish "
            "a new connection: [Errno -3]')'\nERROR: No matching distribution found for rich==15.0.0",
            "cannot be reached",
            "what was downloaded is kept",
        ),
        ("ERROR: No matching distribution found for mlx==0.32.4", "{python} on this machine", "macOS 14"),
        ("  cause: Because mlx has no wheels with a matching platform tag", "{python} on this machine", "glibc"),
        ("Segmentation fault\n\n", "pip failed: Segmentation fault", "log"),
        ("", "pip failed: it said nothing", "log"),
    ],
)
def test_failures_in_words(line: str, message: str, next_step: str, tmp_path: Path) -> None:
    problem = explanations.explain(["Collecting rich", *line.splitlines()] if line else [], "pip", PYTHON, tmp_path)

    assert message.format(python=PYTHON, folder=tmp_path) in problem.message
    assert next_step in problem.next_step
    assert "{" not in problem.message + problem.next_step


class Installation:
    """An installer whose Python, and uv if there is one, only pretend.

    Args:
        folder (Path): Where all of it lies.
        uv (str): What uv does, as a shell script; empty: there is none.
        pip (str): What pip does.
    """

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch, *, uv: str = "", pip: str = "") -> None:
        self.calls, self.environment = folder / "calls", folder / "environment"
        programs = folder / "programs"
        programs.mkdir()
        monkeypatch.setenv("PATH", f"{programs}:/usr/bin:/bin")
        monkeypatch.setattr(installing, "program", lambda name: uv and str(programs / name))
        script(programs / "uv", f'echo "uv $*" >> {self.calls}\n{uv}')
        # python -I -m venv FOLDER makes one whose Python is this script again.
        script(
            programs / "python",
            f'echo "$*" >> {self.calls}\nenv | grep ^PIP_ >> {folder / "environ"}\n'
            f'if [ "$3" = venv ]; then mkdir -p "$4/bin" && cp "$0" "$4/bin/python"; else :\n{pip}\nfi',
        )
        python = PYTHON._replace(path=str(programs / "python"))
        progress = Progress(69, self.environment, lambda message, percentage: None)
        with Lock.attempt(str(folder / "lock"), shared=False) as lock:  # type: ignore[union-attr]
            tenny = bundle.Bundle("0.1.0", wheel=folder / "tenny.whl")
            installing.Installer(python, self.environment, tenny, progress, lock.descriptor).install()

    def called(self) -> list[str]:
        return [line.partition(" /")[0] for line in self.calls.read_text().splitlines()]


PIP = ["-I -m venv", "-I -m pip install", "-I -m pip install"]


@no_scripts_on_windows
def test_without_uv_it_is_venv_and_pip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"PIP_TARGET": "/elsewhere", "PIP_USER": "1", "PIP_INDEX_URL": "https://index.example"}.items():
        monkeypatch.setenv(name, value)

    calls = Installation(tmp_path, monkeypatch).calls.read_text().splitlines()

    assert [line.split("--")[0].strip() for line in calls[1:]] == PIP[1:]
    assert calls[1].endswith(f"--require-hashes --only-binary :all: -r {SERVER / 'requirements.lock'}")
    assert calls[2].endswith(f"--no-deps {tmp_path / 'tenny.whl'}")
    environ = (tmp_path / "environ").read_text().splitlines()
    assert {"PIP_INDEX_URL=https://index.example", "PIP_USER=0"} <= set(environ)
    assert "PIP_TARGET" not in str(environ)


@no_scripts_on_windows
def test_where_uv_fails_pip_is_tried(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    uv = f'if [ "$1" = venv ]; then mkdir -p {tmp_path / "environment"}/left-by-uv; else echo dns error; exit 2; fi'
    installation = Installation(tmp_path, monkeypatch, uv=uv)

    assert [line.split(" --")[0] for line in installation.called()] == ["uv venv", "uv pip install", *PIP]
    assert not (installation.environment / "left-by-uv").exists()


@no_scripts_on_windows
def test_where_the_disk_is_full_pip_is_not_tried(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(reports.Problem, match="The disk is full"):
        Installation(tmp_path, monkeypatch, uv="echo 'No space left on device'; exit 2")

    assert "venv" not in (tmp_path / "calls").read_text().replace("uv venv", "")


@no_scripts_on_windows
def test_what_pip_says_is_logged_and_explained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(reports.Problem, match="hash differs"):
        Installation(tmp_path, monkeypatch, pip="echo 'Hash mismatch, said to stderr' >&2; exit 1")

    out, err = capfd.readouterr()
    assert out == "" and "Hash mismatch, said to stderr" in err and "--require-hashes" in err
