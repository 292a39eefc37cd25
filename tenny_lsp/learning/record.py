"""Keep the record of a training: its losses, its best weights, its reports. Imports no MLX."""

import logging
import math
import time
from collections.abc import Callable
from typing import Any

from tenny_lsp.errors import TrainingError
from tenny_lsp.learning.options import Progress, TrainOptions

LOGGER = logging.getLogger(__name__)

OnProgress = Callable[[Progress], None]
#: So many batches in a row may be left out because their loss is not a number.
_MOST_SKIPPED = 3
#: What a resumed training goes on with.
_KEPT = (
    *("iteration", "trained_tokens", "train_loss", "start_val_loss", "val_loss", "best_iteration", "skipped", "curve"),
    *("stopped_early", "_losses", "_worse", "_skipped_in_a_row"),
)


class TrainingRecord:
    """Keeps the counts and losses of a training, saves the best weights, and says when to stop.

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
        self.skipped = 0
        self.stopped_early = False
        self.curve: list[dict[str, float | None]] = []
        self._options = options
        self._validate, self._save, self._on_progress = validate, save, on_progress
        self._losses: list[float] = []
        self._worse = self._skipped_in_a_row = 0
        self._learning_rate, self._scale, self._memory_bytes, self._tokens_per_s = 0.0, 0.0, 0, 0.0
        self._start_s = time.monotonic()
        self._window_start_s, self._window_tokens = self._start_s, 0

    @property
    def elapsed_s(self) -> float:
        """Seconds that the training has taken, those before it was resumed included."""
        return time.monotonic() - self._start_s

    def state(self) -> dict[str, Any]:
        """Return what a resumed training goes on with, as JSON values."""
        return {name: getattr(self, name) for name in _KEPT} | {"elapsed_s": self.elapsed_s}

    def restore(self, values: dict[str, Any]) -> None:
        """Go on from what ``state`` returned."""
        for name in _KEPT:
            setattr(self, name, values[name])
        self._start_s = time.monotonic() - values["elapsed_s"]
        self._window_start_s = time.monotonic()

    def begin(self) -> None:
        """Validate before the first iteration; save weights that training resumes from as the best so far."""
        if self._validate is not None:
            self.start_val_loss = self._checked(self._validate())
            if self._options.resume_adapter_file is not None:
                self._save_best(self.start_val_loss)
            self._report(None, self.start_val_loss)
        self._window_start_s = time.monotonic()

    def count(
        self, loss: float | None, tokens: int, *, learning_rate: float, scale: float, memory_bytes: int = 0
    ) -> None:
        """Count an iteration; report, validate and save what is due.

        Args:
            loss (float | None): Its loss; None where that was not a number, so that its batch was left out.
            tokens (int): The tokens of its batch.
            learning_rate (float): Its learning rate.
            scale (float): What the adapter's output was multiplied with.
            memory_bytes (int): The most that MLX has used at once.

        Raises:
            TrainingError: Several losses in a row, or a validation's, are not numbers.
        """
        self.iteration += 1
        self._learning_rate, self._scale, self._memory_bytes = learning_rate, scale, memory_bytes
        self._note(loss, tokens)
        last = self.iteration == self.iters
        report_is_due = last or self.iteration % self._options.steps_per_report == 0
        if report_is_due and self._losses:
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
        if last and not self.has_learned:
            raise TrainingError(
                f"No iteration's loss is a number; {self._kept} was kept", "Lower --learning-rate or --scale."
            )

    @property
    def is_finished(self) -> bool:
        """Whether there is no iteration left, or the last validations were not better."""
        return self.stopped_early or self.iteration >= self.iters

    @property
    def has_learned(self) -> bool:
        """Whether a batch has been learned, or weights are trained on: before that there is nothing to save."""
        return self.iteration > self.skipped or self._options.resume_adapter_file is not None

    def _note(self, loss: float | None, tokens: int) -> None:
        if loss is not None:
            self._skipped_in_a_row = 0
            self._losses.append(loss)
            self.trained_tokens += tokens
            self._window_tokens += tokens
            return
        self.skipped += 1
        self._skipped_in_a_row += 1
        LOGGER.warning("The loss of iteration %d is not a number; its batch was left out", self.iteration)
        if self._skipped_in_a_row == _MOST_SKIPPED:
            raise TrainingError(
                f"The losses of {_MOST_SKIPPED} iterations in a row are not numbers, the last at iteration"
                f" {self.iteration}; {self._kept} was kept",
                "Lower --learning-rate or --scale.",
            )

    def save_unvalidated(self) -> None:
        """Save the present weights, unvalidated, if none have been saved."""
        if self.best_iteration is None:
            self._save_best(None)

    def _evaluate(self) -> float | None:
        """Validate, save the weights if they are the best, and return the loss."""
        if self._validate is None:
            if self.has_learned:
                self._save_best(None)
            return None
        evaluation_start_s = time.monotonic()
        loss = self._checked(self._validate())
        if not self.has_learned:
            LOGGER.warning("Nothing is saved at iteration %d: no batch has been learned", self.iteration)
        elif self.val_loss is None or loss < self.val_loss:
            self._save_best(loss)
            self._worse = 0
        else:
            self._worse += 1
            self.stopped_early = self._worse == self._options.patience and self.iteration < self.iters
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

    def _checked(self, loss: float) -> float:
        if math.isfinite(loss):
            return loss
        raise TrainingError(
            f"The validation loss is {loss} at iteration {self.iteration}; {self._kept} was kept",
            "Lower --learning-rate or --scale.",
        )

    @property
    def _kept(self) -> str:
        if self.best_iteration is None:
            return "what the adapter's folder held before"
        return f"the adapter of iteration {self.best_iteration}"

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
                scale=self._scale,
                memory_bytes=self._memory_bytes,
                tokens_per_s=self._tokens_per_s,
                trained_tokens=self.trained_tokens,
                remaining_s=self.elapsed_s / self.iteration * rest if self.iteration else None,
            )
        )
