"""Save the whole state of a training, so that it goes on as if it had never stopped. Imports no MLX."""

import json
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

from tenny_lsp.errors import StorageError
from tenny_lsp.learning.folders import new_folder, recover, remove_unfinished, sync
from tenny_lsp.learning.options import flag

ARRAYS_FILE, VALUES_FILE = "state.safetensors", "state.json"


def run_folder(adapter: Path) -> Path:
    """Return the folder beside an adapter that holds its training's metrics, last weights and state."""
    return adapter.with_name(f"{adapter.name}.run")


def check_run_folder(adapter: Path) -> None:
    """Check that a training can write beside its adapter.

    Raises:
        StorageError: Something else is there, or nothing can be written into it.
    """
    run = run_folder(adapter.resolve())
    if run.exists() and not run.is_dir():
        raise StorageError(f"{run} is no folder, and the training keeps its state there", "Move it away.")
    if run.exists() and not os.access(run, os.W_OK):
        raise StorageError(f"{run} is not writable", "Choose another --adapter-path.")


@contextmanager
def hold(run: Path) -> Iterator[None]:
    """Hold a run's folder for one training, until it ends or is killed; Windows lets several in.

    What an earlier one was killed at is removed, and so is a folder that stays empty.

    Raises:
        StorageError: Another training holds it.
    """
    with ExitStack() as stack:
        with suppress(ImportError, OSError):  # a file system without locks costs the lock, never the training
            import fcntl

            run.mkdir(parents=True, exist_ok=True)
            folder = os.open(run, os.O_RDONLY)
            stack.callback(os.close, folder)
            stack.callback(_remove_if_empty, run)
            try:
                fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise StorageError(
                    f"Another training writes to {run}", "Wait for its end, or choose another --adapter-path."
                ) from error
        remove_unfinished(run)
        yield


def save_state(folder: Path, write_arrays: Callable[[BinaryIO], None], values: dict[str, Any]) -> None:
    """Write a training's state; an earlier one is replaced only when all of it is on the disk.

    Args:
        folder (Path): The state's folder.
        write_arrays (Callable[[BinaryIO], None]): Writes the arrays as safetensors.
        values (dict): What is no array, for JSON.

    Raises:
        StorageError: It could not be written; the earlier state is still there.
    """
    try:
        with new_folder(folder) as new:
            with (new / ARRAYS_FILE).open("wb") as stream:
                write_arrays(stream)
                sync(stream)
            with (new / VALUES_FILE).open("wb") as stream:
                stream.write(json.dumps(values).encode())
                sync(stream)
    except OSError as error:
        raise StorageError(f"The state cannot be written to {folder}: {error}", "Free some space.") from error


def read_state(folder: Path, origin: dict[str, Any]) -> tuple[Path, dict[str, Any]]:
    """Return the file of a state's arrays and its other values.

    Args:
        folder (Path): The state's folder.
        origin (dict): What must not have changed: base, dataset, options.

    Raises:
        StorageError: There is no state, or it is damaged or of another training.
    """
    file = folder / VALUES_FILE
    recover(folder)
    try:
        values: Any = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise StorageError(
            f"There is no state to resume from: {file} cannot be read ({error})",
            "Train without --resume; --save-every keeps states.",
        ) from error
    if not (isinstance(values, dict) and isinstance(values.get("origin"), dict)):
        raise damaged_state(folder, f"{VALUES_FILE} holds no state")
    if changed := sorted(_named(key) for key in origin if values["origin"].get(key) != origin[key]):
        raise StorageError(
            f"The state in {folder} is of another training: {', '.join(changed)} differ",
            "Give the options it was begun with, or train without --resume.",
        )
    return folder / ARRAYS_FILE, values


def damaged_state(folder: Path, why: object) -> StorageError:
    """Return the error of a state that cannot be gone on from."""
    return StorageError(f"The state in {folder} is damaged: {why}", "Train without --resume.")


def _named(key: str) -> str:
    """Return what of a training's origin differs, as a user calls it."""
    return key if key in ("base", "dataset") else flag(key)


def _remove_if_empty(folder: Path) -> None:
    with suppress(OSError):
        folder.rmdir()
