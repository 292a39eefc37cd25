"""Write an evaluation to a folder: a page of Markdown, every answer, and plots."""

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tenny_lsp.errors import StorageError
from tenny_lsp.evaluation.scores import Evaluation
from tenny_lsp.model.adapter_files import CARD_FILE

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_WORST = 10


def check_plotting() -> None:
    """Check that plots can be drawn.

    Raises:
        StorageError: matplotlib is not installed.
    """
    try:
        import matplotlib  # noqa: F401
    except ImportError as error:
        raise StorageError("A report needs matplotlib", 'Install it with pip install "tenny-lsp[report]".') from error


def write_report(scores: Evaluation, folder: Path) -> None:
    """Write ``README.md``, ``scores.json``, ``answers.jsonl``, ``examples.jsonl`` and the plots into a folder.

    Args:
        scores (Evaluation): What was measured.
        folder (Path): Made, if it is not there.

    Raises:
        StorageError: The folder cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        drawn = {"modules.png": _modules, "losses.png": _losses}
        plots = [name for name, draw in drawn.items() if draw(scores, folder / name)]
        (folder / "README.md").write_text(_page(scores, plots), encoding="utf-8")
        (folder / "scores.json").write_text(json.dumps(scores.to_json(), indent=1) + "\n", encoding="utf-8")
        _write_lines(folder / "answers.jsonl", map(asdict, scores.judged))
        _write_lines(folder / "examples.jsonl", map(asdict, scores.examples))
    except OSError as error:
        raise StorageError(f"The report cannot be written to {folder}: {error}", "Choose another --output.") from error


def _write_lines(file: Path, rows: Iterable[dict[str, Any]]) -> None:
    file.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")


def _page(scores: Evaluation, plots: list[str]) -> str:
    lines = ["# Evaluation", "", "| | |", "|---|---|"]
    lines += [*(f"| {name.strip()} | {value} |" for name, value in scores.rows()), ""]
    lines += [f"![{plot.removesuffix('.png')}]({plot})" for plot in plots]
    worst = sorted(scores.judged, key=lambda one: one.rouge_l)[:_WORST]
    if worst:
        lines += ["", "## The answers farthest from the documentation", ""]
        lines += [f"- **{one.question}** {one.answer}" + " *(not shown)*" * (not one.is_shown) for one in worst]
    return "\n".join(lines) + "\n"


def _modules(scores: Evaluation, file: Path) -> bool:
    """Draw the quality of answers by module; return whether there was anything to draw."""
    if not scores.modules:
        return False
    names = [f"{name.removeprefix('mlx.')} ({module.count})" for name, module in scores.modules.items()]
    with _figure(file, height=1 + 0.3 * len(names)) as axes:
        axes.barh(names, [module.shown_share for module in scores.modules.values()], color="#d0d7e5", label="shown")
        axes.barh(names, [m.rouge_l for m in scores.modules.values()], height=0.4, color="#3b6fb6", label="ROUGE-L")
        axes.invert_yaxis()
        axes.set_xlim(0, 1)
        axes.legend(loc="lower right")
    return True


def _losses(scores: Evaluation, file: Path) -> bool:
    """Draw the losses of the adapter's training; return whether its card has any."""
    card = Path(scores.adapter or "") / CARD_FILE
    if not scores.adapter or not card.is_file():
        return False
    curve: list[dict[str, Any]] = json.loads(card.read_text(encoding="utf-8")).get("curve", [])
    if not curve:
        return False
    with _figure(file, height=3.5) as axes:
        for kind in ("train_loss", "val_loss"):
            points = [(point["iteration"], point[kind]) for point in curve if point.get(kind) is not None]
            axes.plot(*zip(*points, strict=True), label=kind.replace("_", " "), marker="o" * (kind == "val_loss"))
        axes.set_xlabel("iteration")
        axes.set_ylabel("nats a token")
        axes.legend()
    return True


@contextmanager
def _figure(file: Path, *, height: float) -> "Iterator[Axes]":
    """Yield axes to draw on; the drawing is ``file`` afterwards. Heights are in inches."""
    from matplotlib.figure import Figure  # without pyplot there is no window and no state

    figure = Figure(figsize=(8, height), layout="constrained")
    yield figure.subplots()
    figure.savefig(file, dpi=120)
