"""Show progress and results of commands in the terminal, and progress as plain lines where there is none."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from textwrap import indent
from types import TracebackType
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn
from rich.table import Table
from rich.text import Text

from tenny_lsp.doctor.component import Component
from tenny_lsp.evaluation.scores import Evaluation
from tenny_lsp.features.ask import Answer, prose_of
from tenny_lsp.learning.dataset import Dataset
from tenny_lsp.learning.options import Progress as TrainProgress
from tenny_lsp.learning.options import TrainResult
from tenny_lsp.mlx_api.index import ApiIndex

#: Without a terminal, seconds between two lines of progress.
PLAIN_LINE_EVERY_S = 10
_BARS, _CURVE_WIDTH = "▁▂▃▄▅▆▇█", 16
#: What a component's state is called, and its style.
_STATES = {"works": ("works", "green"), "absent": ("not there", "dim"), "broken": ("does not work", "red")}


class PlainProgress:
    """Lines of progress for output that is no terminal, such as a log; prints nothing on a terminal.

    Args:
        console (Console): Where to print.
        clock (Callable[[], float]): Returns the time in seconds.
    """

    def __init__(self, console: Console, clock: Callable[[], float] = time.monotonic) -> None:
        self._console, self._clock = console, clock
        self._last_s = clock()

    def show(self, line: str) -> None:
        """Print a line, unless the last one is less than ``PLAIN_LINE_EVERY_S`` old."""
        if not self._console.is_terminal and self._clock() - self._last_s >= PLAIN_LINE_EVERY_S:
            self._console.print(line, highlight=False, soft_wrap=True)
            self._last_s = self._clock()


@contextmanager
def counted(console: Console, action: str) -> Iterator[Callable[[int, int], None]]:
    """Yield a function that shows how many of all are done: ``Asking 40/812``."""
    plain = PlainProgress(console)
    with console.status(action) as status:

        def show(done: int, total: int) -> None:
            status.update(f"{action} {done}/{total}")
            plain.show(f"{action} {done}/{total}")

        yield show


@contextmanager
def counted_bytes(console: Console, action: str) -> Iterator[Callable[[int, int], None]]:
    """Yield a function that shows how many bytes of all have come."""
    plain = PlainProgress(console)
    columns = (TextColumn(action), BarColumn(bar_width=24), DownloadColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("", total=None)

        def show(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total)
            plain.show(f"{action}: {done / 1e6:.0f} of {total / 1e6:.0f} MB")

        yield show


class TrainingView:
    """A live line of progress; validations stay on the screen above it.

    Args:
        console (Console): Where to draw; without a terminal, plain lines of progress and validations.
        clock (Callable[[], float]): Returns the time in seconds.
    """

    def __init__(self, console: Console, clock: Callable[[], float] = time.monotonic) -> None:
        self._console = console
        self._plain = PlainProgress(console, clock)
        self._bar = Progress(
            TextColumn("{task.fields[place]}"),
            BarColumn(bar_width=24),
            TextColumn("{task.fields[scores]}"),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self._task = self._bar.add_task("", total=None, place="", scores="loading")
        self._loss = self._val_loss = "–"
        self._losses: list[float] = []

    def __enter__(self) -> "TrainingView":
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    def show(self, progress: TrainProgress) -> None:
        """Show a progress report."""
        if progress.train_loss is not None:
            self._loss = f"{progress.train_loss:.3f}"
            self._losses.append(progress.train_loss)
        if progress.val_loss is not None:
            self._val_loss = f"{progress.val_loss:.3f}"
            line = f"iteration {progress.iteration}/{progress.iters}: validation loss {self._val_loss}"
            self._console.print(line, highlight=False)
        place, speed = f"{progress.iteration}/{progress.iters}", f"{progress.tokens_per_s:,.0f} tokens/s"
        left = [] if progress.remaining_s is None else [f"{_clock(progress.remaining_s)} left"]
        scores = "  ".join([f"loss {self._loss} {curve(self._losses)}", f"validation {self._val_loss}", speed, *left])
        if progress.train_loss is not None and progress.iteration < progress.iters:
            self._plain.show(f"iteration {place}: " + ", ".join([f"loss {self._loss}", speed, *left]))
        self._bar.update(self._task, total=progress.iters, completed=progress.iteration, place=place, scores=scores)


def curve(values: Sequence[float], width: int = _CURVE_WIDTH) -> str:
    """Return a line of bars, one character for each part of the values, from the lowest to the highest."""
    if len(values) < 2:
        return ""
    size = max(1, -(-len(values) // width))
    parts = [values[start : start + size] for start in range(0, len(values), size)]
    means = [sum(part) / len(part) for part in parts]
    low, span = min(means), max(means) - min(means) or 1.0
    return "".join(_BARS[round((mean - low) / span * (len(_BARS) - 1))] for mean in means)


def answer_text(answer: Answer, index: ApiIndex) -> Text:
    """Return an answer, its code and its sources, a line each; without any, that nothing is known of it."""
    text = Text(prose_of(answer, index))
    if answer.code:
        text.append("\n\n")
        text.append(indent(answer.code, "    "), style="green")
    if answer.sources:
        text.append("\n")
    for source in answer.sources:
        text.append(f"\n{source.name}", style="bold")
        if source.summary:
            text.append(f"  {source.summary}")
        if source.page:
            text.append(f"  {source.page}", style="blue")
    return text


def _why_ended(result: TrainResult) -> str:
    if result.interrupted:
        return " (stopped by Ctrl-C)"
    return " (stopped early: no validation was better)" if result.stopped_early else ""


def result_table(result: TrainResult, report: Path | None) -> Table:
    """Return a training's result as a table, with its report if there is one."""
    table = Table(show_header=False)
    table.add_row("adapter", str(result.adapter_path))
    table.add_row("iterations", f"{result.iterations}{_why_ended(result)}")
    table.add_row("kept", f"iteration {result.best_iteration}")
    table.add_row("validation loss", f"{_number(result.start_val_loss)} → {_number(result.val_loss)}")
    table.add_row("training loss", _number(result.train_loss))
    if result.test_loss is not None:
        table.add_row("test loss", f"{result.test_loss:.3f} (perplexity {_number(result.test_perplexity)})")
    if report is not None:
        table.add_row("report", str(report))
    table.add_row("time", f"{_clock(result.duration_s)}, {result.trained_tokens:,} tokens")
    return table


def dataset_table(dataset: Dataset) -> Table:
    """Return a dataset's rows by kind and split as a table."""
    table = Table("rows", *dataset.counts, "all")
    for kind in dict.fromkeys(kind for counts in dataset.counts.values() for kind in counts):
        row = [counts[kind] for counts in dataset.counts.values()]
        table.add_row(kind, *map(str, row), str(sum(row)))
    rows = [counts.total() for counts in dataset.counts.values()]
    table.add_row("all rows", *map(str, rows), str(sum(rows)), style="bold")
    names = list(dataset.names.values())
    table.add_row("names", *map(str, names), str(sum(names)), style="dim")
    return table


def evaluation_table(scores: Evaluation) -> Table:
    """Return an evaluation's scores as a table."""
    table = Table(show_header=False)
    for name, value in scores.rows():
        table.add_row(name, value)
    return table


def bases_table(bases: Sequence[dict[str, Any]]) -> Table:
    """Return the bases on this machine as a table, a row each."""
    table = Table("base", "can", "licence", "MB", "adapters", "SHA-256")
    for base in bases:
        can = ", ".join(name for name, can in base.get("can", {}).items() if can) or "rank, read"
        adapters = ", ".join(Path(adapter).name for adapter in base["adapters"]) or "none"
        about = [base.get("licence", ""), f"{base['bytes'] / 1e6:.0f}", adapters, base.get("sha256", "")[:12]]
        table.add_row(base["name"], can, *about)
    return table


def components_table(components: Sequence[Component]) -> Table:
    """Return what ``tenny-lsp doctor`` found as a table: a row each, with what to do below what needs it."""
    table = Table("component", "", "found")
    for component in components:
        state, style = _STATES[component.state]
        found = Text(component.detail)
        if component.next_step:
            found.append(f"\n→ {component.next_step}", style="bold")
        table.add_row(component.name, Text(state, style=style), found)
    return table


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def _clock(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"
