"""Follow a training: count, report and checkpoint after each iteration. Imports no MLX."""

import math
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import Any

from tenny_lsp.errors import TrainingError
from tenny_lsp.learning.options import Progress, TrainOptions

OnProgress = Callable[[Progress], None]


class TrainingFinished(Exception):
    """The last iteration is done.

    Raised to leave MLX-LM's trainer before it writes the last weights, which need not be the best.
    """


class TrainingCallback:
    """MLX-LM's ``training_callback``: counts tokens, reports losses and saves the best weights.

    Args:
        options (TrainOptions): How to train.
        iters (int): Iterations in all.
        validate (Callable | None): Returns the validation loss; None without validation rows.
        save (Callable): Saves the present weights, which are the best so far.
        on_progress (Callable): Called at every report and validation.
    """

    def __init__(
        self,
        options: TrainOptions,
        iters: int,
        *,
        validate: Callable[[], float] | None,
        save: Callable[[], None],
        on_progress: OnProgress,
    ) -> None:
        self.iters = iters
        self.iteration = 0
        self.trained_tokens = 0
        self.train_loss: float | None = None
        self.start_val_loss: float | None = None
        self.val_loss: float | None = None
        self.best_iteration: int | None = None
        self.curve: list[dict[str, float | None]] = []
        self._options = options
        self._validate, self._save, self._on_progress = validate, save, on_progress
        self._losses: list[float] = []
        self._learning_rate, self._tokens_per_s = 0.0, 0.0
        self._start_s = time.monotonic()
        self._window_start_s, self._window_tokens = self._start_s, 0

    @property
    def elapsed_s(self) -> float:
        """Seconds since the training began."""
        return time.monotonic() - self._start_s

    def begin(self) -> None:
        """Validate before the first iteration; save weights that training resumes from as the best so far."""
        if self._validate is not None:
            self.start_val_loss = self._checked(self._validate(), "validation")
            if self._options.resume_adapter_file is not None:
                self._save_best(self.start_val_loss)
            self._report(None, self.start_val_loss)
        self._window_start_s = time.monotonic()

    def count(self, tokens: int) -> None:
        """Count the tokens of a batch that is about to be trained on."""
        self.trained_tokens += tokens
        self._window_tokens += tokens

    def on_train_loss_report(self, train_info: dict[str, Any]) -> None:
        """Report, validate and save what is due after an iteration; MLX-LM calls it.

        Raises:
            TrainingError: The loss is not a number.
            TrainingFinished: This was the last iteration.
        """
        self.iteration = train_info["iteration"]
        self._learning_rate = train_info["learning_rate"]
        self._losses.append(self._checked(train_info["train_loss"], "training"))
        last = self.iteration == self.iters
        report_is_due = last or self.iteration % self._options.steps_per_report == 0
        if report_is_due:
            self.train_loss = sum(self._losses) / len(self._losses)
            self._tokens_per_s = self._window_tokens / max(time.monotonic() - self._window_start_s, 1e-9)
            self._losses.clear()
        val_loss = None
        if last or self.iteration % self._options.steps_per_eval == 0:
            val_loss = self._evaluate()
        if report_is_due or val_loss is not None:
            self._report(self.train_loss if report_is_due else None, val_loss)
        if report_is_due:
            self._window_start_s, self._window_tokens = time.monotonic(), 0
        if last:
            raise TrainingFinished

    def save_unvalidated(self) -> None:
        """Save the present weights, unvalidated, if none have been saved."""
        if self.best_iteration is None:
            self._save_best(None)

    def _evaluate(self) -> float | None:
        """Validate, save the weights if they are the best, and return the loss."""
        if self._validate is None:
            self._save_best(None)
            return None
        evaluation_start_s = time.monotonic()
        loss = self._checked(self._validate(), "validation")
        if self.val_loss is None or loss < self.val_loss:
            self._save_best(loss)
        self._window_start_s += time.monotonic() - evaluation_start_s
        return loss

    def _save_best(self, val_loss: float | None) -> None:
        previous = self.best_iteration, self.val_loss
        self.best_iteration, self.val_loss = self.iteration, val_loss
        try:
            self._save()
        except BaseException:
            self.best_iteration, self.val_loss = previous
            raise

    def _checked(self, loss: float, kind: str) -> float:
        if math.isfinite(loss):
            return loss
        kept = "what the adapter's folder held before"
        if self.best_iteration is not None:
            kept = f"the adapter of iteration {self.best_iteration}"
        raise TrainingError(
            f"The {kind} loss is {loss} at iteration {self.iteration}; {kept} was kept",
            "Lower --learning-rate or --scale.",
        )

    def _report(self, train_loss: float | None, val_loss: float | None) -> None:
        self.curve.append({"iteration": self.iteration, "train_loss": train_loss, "val_loss": val_loss})
        rest = self.iters - self.iteration
        self._on_progress(
            Progress(
                iteration=self.iteration,
                iters=self.iters,
                train_loss=train_loss,
                val_loss=val_loss,
                learning_rate=self._learning_rate,
                tokens_per_s=self._tokens_per_s,
                trained_tokens=self.trained_tokens,
                remaining_s=self.elapsed_s / self.iteration * rest if self.iteration else None,
            )
        )


@contextmanager
def silenced_stdout() -> Iterator[Callable[[OnProgress], OnProgress]]:
    """Silence what MLX-LM prints; yield a function that lets a callback print nevertheless."""
    stdout = sys.stdout

    def unsilenced(on_progress: OnProgress) -> OnProgress:
        def report(progress: Progress) -> None:
            with redirect_stdout(stdout):
                on_progress(progress)

        return report

    with Path(os.devnull).open("w") as null, redirect_stdout(null):
        yield unsilenced
