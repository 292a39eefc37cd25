"""Write a report of a training beside its adapter: a page of Markdown, and curves where matplotlib is installed."""

import json
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from tenny_lsp.errors import StorageError
from tenny_lsp.learning.metrics import METRICS_FILE
from tenny_lsp.learning.options import TrainResult
from tenny_lsp.model.adapter_files import CARD_FILE

PAGE_FILE, CURVES_FILE = "report.md", "curves.png"
_NEXT_STEP = "The adapter is whole. Free some space, or look into metrics.jsonl there."
#: What is drawn, from top to bottom: the fields of a report in one plot, its label, a factor.
_PLOTS: tuple[tuple[tuple[str, ...], str, float], ...] = (
    (("train_loss", "val_loss"), "nats a token", 1),
    (("learning_rate",), "learning rate", 1),
    (("scale",), "scale", 1),
    (("tokens_per_s",), "tokens a second", 1),
    (("memory_bytes",), "memory, MB", 1e-6),
)


def write_training_report(result: TrainResult) -> Path:
    """Write ``report.md`` and, with matplotlib, ``curves.png`` into the run's folder; return the page.

    Raises:
        StorageError: The folder cannot be read or written.
    """
    folder = result.run_path
    try:
        lines = (folder / METRICS_FILE).read_text(encoding="utf-8").splitlines()
        metrics = [json.loads(line) for line in lines]
        card: dict[str, Any] = json.loads((result.adapter_path / CARD_FILE).read_text(encoding="utf-8"))
        has_curves = find_spec("matplotlib") is not None
        if has_curves:
            _draw(metrics, folder / CURVES_FILE)
        page = folder / PAGE_FILE
        page.write_text(_page(result, card, has_curves=has_curves), encoding="utf-8")
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise StorageError(
            f"The training is done, but its report cannot be written to {folder}: {error}", _NEXT_STEP
        ) from error
    return page


def _page(result: TrainResult, card: dict[str, Any], *, has_curves: bool) -> str:
    rows = {
        "adapter": result.adapter_path.name,
        "base": card["base"]["name"],
        "iterations": f"{result.iterations}, the best is {result.best_iteration}",
        "batches left out": card["skipped_iterations"],
        "validation loss": f"{_number(result.start_val_loss)} → {_number(result.val_loss)}",
        "training loss": _number(result.train_loss),
        "tokens": f"{result.trained_tokens:,}",
        "time": f"{result.duration_s:.0f} s",
    }
    if result.test_loss is not None:
        rows["test loss"] = _number(result.test_loss)
    table = ["| | |", "|---|---|", *(f"| {name} | {value} |" for name, value in rows.items())]
    options = ["| option | value |", "|---|---|"]
    options += [f"| {name} | {_cell(value)} |" for name, value in card["hyperparameters"].items() if value is not None]
    curves = [f"![Loss, learning rate, scale, speed and memory by iteration]({CURVES_FILE})", ""] if has_curves else []
    return "\n".join(["# Training", "", *table, "", *curves, "## Options", "", *options, ""])


def _cell(value: object) -> str:
    """Return a value as it may stand in a table: a separator may hold line feeds and bars."""
    return str(value).replace("\n", "\\n").replace("|", "\\|")


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.4f}"


def _draw(metrics: Sequence[dict[str, Any]], file: Path) -> None:
    from matplotlib.figure import Figure  # without pyplot there is no window and no state

    figure = Figure(figsize=(8, 2 * len(_PLOTS)), layout="constrained")
    for axes, (fields, label, factor) in zip(figure.subplots(len(_PLOTS), sharex=True), _PLOTS, strict=True):
        for field in fields:
            rows = [row for row in metrics if row[field] is not None and (row["iteration"] or field == "val_loss")]
            values = [row[field] * factor for row in rows]
            axes.plot([row["iteration"] for row in rows], values, label=field.replace("_", " "), marker=".")
        axes.set_ylabel(label)
        if len(fields) > 1:
            axes.legend()
    axes.set_xlabel("iteration")
    figure.savefig(file, dpi=110)
