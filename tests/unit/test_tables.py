"""Progress where the output is no terminal: plain lines, not too many."""

import io
import itertools

from rich.console import Console

from tenny_lsp.cli.tables import PlainProgress, TrainingView, curve
from tenny_lsp.learning.options import Progress


def progress(iteration: int, train_loss: float | None = None, val_loss: float | None = None) -> Progress:
    return Progress(
        iteration=iteration,
        iters=40,
        train_loss=train_loss,
        val_loss=val_loss,
        learning_rate=1e-4,
        scale=2.0,
        memory_bytes=0,
        tokens_per_s=1850.4,
        trained_tokens=100 * iteration,
        remaining_s=4.0 * (40 - iteration) if iteration else None,
    )


def test_a_training_prints_plain_lines_where_there_is_no_terminal() -> None:
    output, now = io.StringIO(), itertools.count(0, 60)

    with TrainingView(Console(file=output, width=60), clock=lambda: 0.0) as view:
        view.show(progress(0, val_loss=2.0))
        view.show(progress(10, 1.5))
    assert output.getvalue() == "iteration 0/40: validation loss 2.000\n"

    output.truncate(output.seek(0))
    with TrainingView(Console(file=output, width=60), clock=now.__next__) as view:
        view.show(progress(0, val_loss=2.0))
        view.show(progress(10, 1.5))
        view.show(progress(20, 1.25, 1.75))
        view.show(progress(40, 1.0, 1.5))
    assert output.getvalue().splitlines() == [
        "iteration 0/40: validation loss 2.000",
        "iteration 10/40: loss 1.500, 1,850 tokens/s, 2:00 left",
        "iteration 20/40: validation loss 1.750",
        "iteration 20/40: loss 1.250, 1,850 tokens/s, 1:20 left",
        "iteration 40/40: validation loss 1.500",
    ]


def test_lines_are_at_least_ten_seconds_apart_and_none_are_printed_on_a_terminal() -> None:
    times = iter([0.0, 9.9, 10.0, 10.0, 19.9, 20.0, 20.0])
    output, terminal = io.StringIO(), io.StringIO()

    plain = PlainProgress(Console(file=output), lambda: next(times))
    for line in ("too soon", "first", "too soon", "second"):
        plain.show(line)
    PlainProgress(Console(file=terminal, force_terminal=True), itertools.count(0, 60).__next__).show("never")

    assert output.getvalue() == "first\nsecond\n"
    assert terminal.getvalue() == ""


def test_a_curve_has_a_bar_for_each_part_of_the_losses() -> None:
    assert curve([]) == curve([1.0]) == ""
    assert curve([3.0, 2.0, 1.0], width=3) == "█▅▁"
    assert curve([4.0, 2.0, 2.0, 0.0], width=2) == "█▁"
    assert len(curve([float(value) for value in range(1000)])) <= 16
    assert set(curve([2.0, 2.0])) == {"▁"}
