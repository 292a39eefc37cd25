"""Find where a Python interpreter keeps its packages, without running any of their code."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from importlib.metadata import Distribution
from pathlib import Path

from tenny_lsp.errors import ApiIndexError

_ASK_PATHS = "import json, sys; print(json.dumps(sys.path))"
_ANSWER_IN_S = 20


@dataclass(frozen=True, slots=True)
class Installed:
    """A package as it lies on disk.

    Args:
        package (str): The name it is imported by.
        version (str): Its distribution's version, or ``unknown``.
        folder (Path): The package's own folder; of a module outside packages, its file.
        search_paths (tuple[Path, ...]): Where its interpreter looks for packages.
    """

    package: str
    version: str
    folder: Path
    search_paths: tuple[Path, ...]


def search_paths(python: Path | None = None) -> tuple[Path, ...]:
    """Return the folders an interpreter imports from.

    Args:
        python (Path, optional): The interpreter. Default: the one that runs this.

    Raises:
        ApiIndexError: The interpreter cannot be run.
    """
    found = sys.path if python is None else _asked(python)
    return tuple(path for path in map(Path, found) if path.name and path.is_dir())


def _asked(python: Path) -> list[str]:
    """Return the search path that an interpreter answers with."""
    # It runs in another folder; a name without one is looked for in PATH.
    command = os.path.abspath(python) if python.parent.name or python.is_absolute() else str(python)  # noqa: PTH100
    try:
        answer = subprocess.run(
            [command, "-c", _ASK_PATHS],
            stdin=subprocess.DEVNULL,  # this process's own may be the editor's
            capture_output=True,
            text=True,
            check=True,
            timeout=_ANSWER_IN_S,
            cwd="/",
        )
        return [str(path) for path in json.loads(answer.stdout.splitlines()[-1])]  # .pth files may print too
    except OSError as error:
        why = "it is a folder" if python.is_dir() else error.strerror or str(error)
        raise _not_running(python, why) from error
    except subprocess.TimeoutExpired as error:
        raise _not_running(python, f"it has not answered within {_ANSWER_IN_S} seconds") from error
    except (subprocess.SubprocessError, ValueError, IndexError, TypeError) as error:
        raise _not_running(python, "it does not answer as Python does") from error


def _not_running(python: Path, why: str) -> ApiIndexError:
    next_step = "Give the path of a working interpreter with --python"
    if (python / "pyvenv.cfg").is_file():
        programs = python / ("Scripts" if os.name == "nt" else "bin")
        return ApiIndexError(f"The Python interpreter {python} does not run: {why}", f"{next_step}: {programs}/python.")
    return ApiIndexError(f"The Python interpreter {python} does not run: {why}", f"{next_step}.")


def find_installed(package: str, python: Path | None = None) -> Installed:
    """Return where a package lies and which version it is.

    Args:
        package (str): The name it is imported by.
        python (Path, optional): The interpreter whose package is meant. Default: the one that runs this.

    Raises:
        ApiIndexError: The package is not installed there, or the interpreter cannot be run.
    """
    if not package.isidentifier():
        raise ApiIndexError(
            f"{package!r} is not the name of a package",
            "Give the name as an import statement does: mlx_lm, not mlx-lm or mlx_lm.models.",
        )
    paths = search_paths(python)
    if folder := _folder(package, paths):
        return Installed(package, _version(package, paths), folder, paths)
    raise ApiIndexError(
        f"The package {package!r} is not installed for {python or sys.executable}",
        f"Install it (pip install {package}), or name another interpreter with --python.",
    )


def _folder(package: str, paths: tuple[Path, ...]) -> Path | None:
    portions: list[Path] = []
    for path in paths:
        folder, module = path / package, path / f"{package}.py"
        if (folder / "__init__.py").is_file() or (folder / "__init__.pyi").is_file():
            return folder
        if module.is_file():
            return module
        if folder.is_dir() and any(folder.glob("*.py*")) | any(folder.glob("*/*.py*")):
            portions.append(folder)
    # A namespace package, like mlx: the part of it that has stubs, not a folder of that name in the workspace.
    return max(portions, key=lambda portion: any(portion.glob("*/__init__.pyi")), default=None)


def _version(package: str, paths: tuple[Path, ...]) -> str:
    for distribution in Distribution.discover(name=package, path=[str(path) for path in paths]):
        return distribution.version
    return "unknown"
