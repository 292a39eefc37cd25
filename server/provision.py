"""Provide a private environment: find it, wait while another window makes it, or make it; the stamp is written last."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path

from bundle import REQUIREMENTS, Bundle
from explanations import explain
from installing import Installer
from interpreters import Interpreter
from locking import Lock
from progress import Progress
from reports import NEEDS_INSTALL, Problem, log, report
from storage import STAMP, executable, remove

_ASK_EVERY_S = 0.2
#: More often than that, those who ask do not just meet by chance.
_ATTEMPTS = 25
#: An environment's folder: what it holds, then whom it is for.
_NAME = re.compile(r"[0-9a-f]{10}-\d+\.\d+-.+")


class Environment:
    """The private environment of one release of Tenny for one Python.

    Args:
        storage (Path): The folder of all environments.
        bundle (Bundle): The Tenny that comes with the bootstrap.
        python (Interpreter): What it is made with.
    """

    def __init__(self, storage: Path, bundle: Bundle, python: Interpreter) -> None:
        self._storage, self._bundle, self._made_with = storage, bundle, python
        self._release = bundle.fingerprint()
        self.folder = storage / f"{self._release}-{python.tag}"
        self._lock_file = storage / f"{self.folder.name}.lock"

    @property
    def python(self) -> Path:
        """Its interpreter."""
        return executable(self.folder)

    def provide(self, *, may_install: bool) -> Lock:
        """Return the lock that keeps the environment from being removed, once it is ready.

        Args:
            may_install (bool): Whether it may be made; another window may be making it, that is waited for.

        Raises:
            Problem: It is not there and may not be made, or cannot be.
        """
        if not may_install and not self._lock_file.exists():
            raise self._needs_install()
        try:
            return self._ready(may_install)
        except OSError as error:
            raise explain([str(error)], "Making an environment", self._made_with, self.folder) from error

    def _ready(self, may_install: bool) -> Lock:
        self._storage.mkdir(parents=True, exist_ok=True)
        for _ in range(_ATTEMPTS):
            lock = self._wait()
            if self._is_ready():
                return lock
            lock.release()
            if not may_install:
                raise self._needs_install()
            alone = Lock.attempt(str(self._lock_file), shared=False)
            if not alone:
                time.sleep(_ASK_EVERY_S)
                continue
            with alone:
                if not self._is_ready():
                    self._make(alone)
                    self._remove_superseded()
        raise Problem(
            f"{self.folder} is damaged, and a running server still uses it",
            "Close the other windows of your editors, then restart Tenny's server.",
        )

    def _wait(self) -> Lock:
        """Return the shared lock, once nobody makes or removes the environment."""
        said = ""
        while True:
            lock = Lock.attempt(str(self._lock_file), shared=True)
            if lock:
                return lock
            word = self._lock_file.read_text("utf-8", "replace")
            if word != said:
                said = word
                message, _, percentage = word.rpartition(" ")
                if percentage.isdigit():
                    report("installing", f"Another window: {message}", percentage=int(percentage))
            time.sleep(_ASK_EVERY_S)

    def _is_ready(self) -> bool:
        """Return whether it is whole, and the Python that it was made with still there."""
        try:
            base = json.loads((self.folder / STAMP).read_text("utf-8"))["base"]
        except (OSError, ValueError, KeyError, TypeError):
            return False
        return self.python.exists() and Path(base).exists()

    def _make(self, lock: Lock) -> None:
        def tell(message: str, percentage: int) -> None:
            lock.write(f"{message} {percentage}")
            report("installing", message, percentage=percentage)

        log(f"{self.folder} is made with {self._made_with}")
        remove(self.folder)
        progress = Progress(len(_requirements()), self.folder, tell)
        try:
            Installer(self._made_with, self.folder, self._bundle, progress, lock.descriptor).install()
        except Problem:
            remove(self.folder)
            raise
        unfinished = self.folder / f"{STAMP}.part"
        unfinished.write_text(json.dumps({"base": self._made_with.base}), "utf-8")
        unfinished.replace(self.folder / STAMP)
        progress.step("Tenny is installed", 100)

    def _remove_superseded(self) -> None:
        """Remove other releases' environments that nobody uses.

        Those of this release for other Pythons stay: users switch between theirs, and back.
        """
        for folder in self._storage.iterdir():
            lock_file = Path(f"{folder}.lock")
            is_other = _NAME.fullmatch(folder.name) and not folder.name.startswith(f"{self._release}-")
            if not (is_other and folder.is_dir() and lock_file.is_file()):
                continue
            try:
                lock = Lock.attempt(str(lock_file), shared=False)
                if lock:
                    with lock:
                        log(f"{folder} is of another release and removed")
                        remove(folder)
            except OSError as error:
                log(f"{folder} is left where it is: {error}")

    def _needs_install(self) -> Problem:
        return Problem(
            f"Tenny wants to install up to {len(set(_requirements()))} packages, about 300 MB, into {self.folder}",
            "Install them, or choose a Python that has tenny-lsp.",
            NEEDS_INSTALL,
            folder=str(self.folder),
        )


def _requirements() -> list[str]:
    """Return the names of all pinned packages; one with a pin for each kind of machine comes more than once."""
    return re.findall(r"^([\w.-]+)[^\n]*==", REQUIREMENTS.read_text("utf-8"), re.MULTILINE)
