"""Where an interpreter keeps its packages: fake interpreters answer with a search path of their own."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tenny_lsp.errors import ApiIndexError
from tenny_lsp.mlx_api.environment import find_installed, search_paths
from tenny_lsp.mlx_api.index import load_index

pytestmark = pytest.mark.skipif(os.name == "nt", reason="the fake interpreters are shell scripts")


def interpreter(path: Path, *folders: Path, before: str = "", answer: str | None = None, status: int = 0) -> Path:
    """Writes a program that answers, whatever it is told to run, with a search path."""
    said = json.dumps([str(folder) for folder in folders]) if answer is None else answer
    path.write_text(f"#!/bin/sh\n{before}\ncat <<'END'\n{said}\nEND\nexit {status}\n", "utf-8")
    path.chmod(0o755)
    return path


def package(folder: Path, *files: str) -> Path:
    for file in files:
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).write_text('"""Text."""\ndef f():\n    """F."""\n', "utf-8")
    return folder


def test_another_interpreters_packages_are_read(tmp_path: Path) -> None:
    site = package(tmp_path / "site", "shop/__init__.py")
    (tmp_path / "site" / "shop-1.2.dist-info").mkdir()
    (tmp_path / "site" / "shop-1.2.dist-info" / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: shop\nVersion: 1.2\n"
    )
    python = interpreter(tmp_path / "python", tmp_path / "gone", site)

    installed = find_installed("shop", python)

    assert (installed.version, installed.folder, installed.search_paths) == ("1.2", site / "shop", (site,))
    assert load_index("shop", python, cache=tmp_path).resolve("shop.f")
    with pytest.raises(ApiIndexError, match=f"not installed for {sys.executable}"):
        find_installed("shop")


def test_what_an_interpreter_prints_before_is_passed_over(tmp_path: Path) -> None:
    python = interpreter(tmp_path / "python", tmp_path, before="echo hello from a .pth file")

    assert search_paths(python) == (tmp_path,)


def test_a_real_interpreter_answers_without_its_start_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package(tmp_path, "mlx/__init__.py")
    monkeypatch.chdir(tmp_path)

    paths = search_paths(Path(sys.executable))

    assert paths and all(path.is_dir() for path in paths)
    assert tmp_path not in paths


def test_an_interpreter_may_be_named_from_the_working_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "bin").mkdir()
    interpreter(tmp_path / "bin" / "python", tmp_path)
    monkeypatch.chdir(tmp_path)

    assert search_paths(Path("bin/python")) == (tmp_path,)


def test_of_an_environment_its_interpreter_is_suggested(tmp_path: Path) -> None:
    (tmp_path / "pyvenv.cfg").touch()

    with pytest.raises(ApiIndexError, match=f"does not run: it is a folder.*{tmp_path}/bin/python"):
        search_paths(tmp_path)


@pytest.mark.parametrize(
    ("answer", "status"),
    [("[", 0), ("", 0), ("3", 0), ('["/"]', 1)],
    ids=["half an answer", "no answer", "no list", "failure"],
)
def test_a_broken_interpreter_is_named(answer: str, status: int, tmp_path: Path) -> None:
    python = interpreter(tmp_path / "python", answer=answer, status=status)

    with pytest.raises(ApiIndexError, match=rf"interpreter {python} does not run.*--python"):
        search_paths(python)


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (Path.mkdir, "it is a folder"),
        (Path.touch, "Permission denied"),
        (lambda path: None, "No such file or directory"),
        (lambda path: path.symlink_to("/bin/echo"), "it does not answer as Python does"),
    ],
    ids=["folder", "no program", "nothing", "another program"],
)
def test_what_is_no_interpreter_is_named(make, why: str, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    make(tmp_path / "python")

    with pytest.raises(ApiIndexError, match=f"does not run: {why}"):
        search_paths(tmp_path / "python")


def test_a_silent_interpreter_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def run(command: list[str], *, timeout: float, **_: object) -> None:
        raise subprocess.TimeoutExpired(command, timeout)

    monkeypatch.setattr(subprocess, "run", run)

    with pytest.raises(ApiIndexError, match="has not answered within 20 seconds"):
        search_paths(tmp_path / "python")


def test_a_module_outside_packages_is_found(tmp_path: Path) -> None:
    site = package(tmp_path / "site", "till.py")
    python = interpreter(tmp_path / "python", site)

    index = load_index("till", python, cache=tmp_path)

    assert (index.version, [entry.path for entry in index if entry.name == "till.f"]) == ("unknown", ["till.py"])


def test_a_folder_without_python_is_not_a_package(tmp_path: Path) -> None:
    (tmp_path / "site" / "shop").mkdir(parents=True)
    (tmp_path / "site" / "shop" / "notes.txt").touch()

    with pytest.raises(ApiIndexError, match="'shop' is not installed"):
        find_installed("shop", interpreter(tmp_path / "python", tmp_path / "site"))


@pytest.mark.parametrize("workspace", ["mlx/train.py", "mlx/layers/mine.py"])
def test_a_workspace_folder_named_mlx_does_not_hide_mlx(workspace: str, tmp_path: Path) -> None:
    work = package(tmp_path / "work", workspace)
    site = package(tmp_path / "site", "mlx/core/__init__.pyi", "mlx/nn/__init__.py")

    installed = find_installed("mlx", interpreter(tmp_path / "python", work, site))

    assert installed.folder == site / "mlx"


def test_a_package_comes_before_folders_of_its_name(tmp_path: Path) -> None:
    work = package(tmp_path / "work", "shop/notes/plot.py")
    site = package(tmp_path / "site", "shop/__init__.py")

    assert find_installed("shop", interpreter(tmp_path / "python", work, site)).folder == site / "shop"


@pytest.mark.parametrize("name", ["", "mlx-lm", "mlx.nn", "../mlx", "/etc", "a b"])
def test_what_no_import_statement_can_name_is_refused(name: str) -> None:
    with pytest.raises(ApiIndexError, match=r"is not the name of a package.*as an import statement does"):
        find_installed(name)
