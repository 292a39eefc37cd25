"""Store answers on disk: one JSON object a line, in a file that every server on the machine shares."""

import contextlib
import json
import logging
import os
import tempfile
from pathlib import Path

LOGGER = logging.getLogger(__name__)

#: A file that has grown beyond this many lines is rewritten with its newest answers.
MAX_LINES = 5000
_LINES_AFTER_COMPACTION = 4000


class AnswerFile:
    """A dictionary of answers in a file. Errors of reading and writing are logged, never raised.

    Args:
        path (Path): The file; it is read at the first question and need not exist.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._answers: dict[str, str] | None = None
        self._lines = 0

    def get(self, key: str) -> str | None:
        """Return the answer under ``key``, None when there is none."""
        return self._loaded().get(key)

    def put(self, key: str, answer: str) -> None:
        """Store an answer, in memory and, if it can be written, in the file."""
        self._loaded()[key] = answer
        # The line feed comes first: a line that another process left half-written ends there.
        line = b"\n" + json.dumps({"key": key, "answer": answer}).encode("ascii")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            file = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            try:
                written = os.write(file, line)
            finally:
                os.close(file)
            if written < len(line):
                LOGGER.warning("%s: the disk is full, an answer was not kept", self._path)
            self._lines += 1
            if self._lines > MAX_LINES:
                self._compact()
        except OSError as error:
            LOGGER.warning("%s: an answer was not kept: %s", self._path, error.strerror)

    def _loaded(self) -> dict[str, str]:
        if self._answers is None:
            self._answers = self._read()
        return self._answers

    def _read(self) -> dict[str, str]:
        """Return the answers on disk, the newest last; invalid lines are skipped."""
        answers: dict[str, str] = {}
        self._lines = 0
        try:
            lines = self._path.read_bytes().splitlines()
        except OSError as error:
            if not isinstance(error, FileNotFoundError):
                LOGGER.warning("%s: kept answers cannot be read: %s", self._path, error.strerror)
            return answers
        for line in lines:
            self._lines += 1
            with contextlib.suppress(ValueError, TypeError, KeyError, RecursionError):
                row = json.loads(line)
                key, answer = row["key"], row["answer"]
                if isinstance(key, str) and isinstance(answer, str):
                    answers.pop(key, None)
                    answers[key] = answer
        return dict(list(answers.items())[-MAX_LINES:])

    def _compact(self) -> None:
        """Rewrite the file with the newest answers, those of other processes included.

        Raises:
            OSError: The new file cannot be written; the old one is left as it was.
        """
        newest = dict(list(self._read().items())[-_LINES_AFTER_COMPACTION:])
        with tempfile.TemporaryDirectory(dir=self._path.parent, prefix=".answers-") as workplace:
            copy = Path(workplace, self._path.name)
            rows = ("\n" + json.dumps({"key": key, "answer": answer}) for key, answer in newest.items())
            copy.write_text("".join(rows), encoding="ascii")
            copy.chmod(0o600)
            copy.replace(self._path)
        self._answers, self._lines = newest, len(newest)
