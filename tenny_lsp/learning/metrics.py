"""Write a training's metrics while it runs: ``metrics.jsonl``, one report a line. Imports no MLX."""

import json
import math
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

from tenny_lsp.learning.options import Progress

METRICS_FILE = "metrics.jsonl"


class Metrics:
    """Appends every report to a file and passes it on.

    Args:
        folder (Path): The run's folder; made when the first iterations are reported.
        pass_on (Callable[[Progress], None]): Gets each report, too.
    """

    def __init__(self, folder: Path, pass_on: Callable[[Progress], None]) -> None:
        self._file = folder / METRICS_FILE
        self._pass_on = pass_on
        self._is_begun = False
        self._held = ""

    def note(self, progress: Progress) -> None:
        """Write a report. A disk that is full costs the metrics, never the training."""
        self._held += json.dumps(asdict(progress)) + "\n"
        if progress.iteration:
            self._write()
        self._pass_on(progress)

    def go_on_from(self, iteration: int) -> None:
        """Keep what the file holds up to an iteration; a resumed training reports again what came after it."""
        with suppress(OSError):
            lines = self._file.read_text(encoding="utf-8", errors="replace").splitlines()
            self._held = "".join(f"{line}\n" for line in lines if _iteration(line) <= iteration)
            self._write()

    def _write(self) -> None:
        with suppress(OSError):
            self._file.parent.mkdir(parents=True, exist_ok=True)
            with self._file.open("a" if self._is_begun else "w", encoding="utf-8") as stream:
                stream.write(self._held)
            self._is_begun, self._held = True, ""


def _iteration(line: str) -> float:
    """Return the iteration of a line; infinity for what is none, as the last line of a killed process may be."""
    try:
        return float(json.loads(line)["iteration"])
    except (ValueError, TypeError, KeyError):
        return math.inf
