"""Report a training to TensorBoard or to Weights & Biases while it runs. Imports no MLX."""

import logging
from collections.abc import Callable
from dataclasses import asdict
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol

from tenny_lsp.errors import TrainingError
from tenny_lsp.learning.options import Progress, TrackerName, TrainOptions

LOGGER = logging.getLogger(__name__)
_PACKAGES: dict[TrackerName, str] = {"tensorboard": "tensorboardX", "wandb": "wandb"}


class Tracker(Protocol):
    """What draws a training's curves."""

    def log(self, values: dict[str, float], iteration: int) -> None:
        """Draw the values of an iteration."""

    def close(self) -> None:
        """Write what has not been written yet."""


def check_tracker(name: TrackerName | None) -> None:
    """Check that a tracker's package is installed.

    Raises:
        TrainingError: It is not.
    """
    if name is not None and find_spec(_PACKAGES[name]) is None:
        raise TrainingError(
            f"--report-to {name} needs the package {_PACKAGES[name]}", f"Install tenny-lsp[{name}] with pip or uv."
        )


class Tracking:
    """Passes reports on to a tracker, which the first one opens. What fails costs the curves, never the training.

    Args:
        options (TrainOptions): How the training is done; ``report_to`` is not None.
        run (Path): The folder beside the adapter.
    """

    def __init__(self, options: TrainOptions, run: Path) -> None:
        self._options, self._run = options, run
        self._tracker: Tracker | None = None
        self._has_failed = False

    def note(self, progress: Progress) -> None:
        """Report what is known of an iteration."""
        values = {name: float(value) for name, value in asdict(progress).items() if value is not None}
        for name in ("iteration", "iters"):
            del values[name]
        self._attempt(lambda tracker: tracker.log(values, progress.iteration), progress.iteration)

    def close(self) -> None:
        """Close the tracker, if it was opened."""
        if self._tracker is not None:
            self._attempt(lambda tracker: tracker.close(), 0)

    def _attempt(self, do: Callable[[Tracker], None], iteration: int) -> None:
        if self._has_failed:
            return
        try:
            if self._tracker is None:
                self._tracker = _open(self._options, self._run, iteration)
            do(self._tracker)
        except Exception as error:  # a service out of reach, a full disk: whatever a library of others raises
            self._has_failed = True
            LOGGER.warning("Nothing more is reported to %s: %s", self._options.report_to, error)


def _open(options: TrainOptions, run: Path, iteration: int) -> Tracker:
    return (_Wandb if options.report_to == "wandb" else _TensorBoard)(options, run, iteration)


class _TensorBoard:
    def __init__(self, options: TrainOptions, run: Path, iteration: int) -> None:
        from tensorboardX import SummaryWriter

        # What a training reported before it was killed and resumed is drawn once. Files are named by the second.
        folder, suffix = str(run / "tensorboard"), f".{iteration}"
        self._writer = SummaryWriter(folder, purge_step=iteration, filename_suffix=suffix)
        self._writer.add_text("options", _table(options), iteration)

    def log(self, values: dict[str, float], iteration: int) -> None:
        for name, value in values.items():
            self._writer.add_scalar(name, value, iteration)
        self._writer.flush()

    def close(self) -> None:
        self._writer.close()


class _Wandb:
    def __init__(self, options: TrainOptions, run: Path, _iteration: int) -> None:
        import wandb

        run.mkdir(parents=True, exist_ok=True)
        self._run: Any = wandb.init(
            project=options.project_name,
            group=options.adapter_path.name,
            dir=str(run),
            config=options.hyperparameters(),
        )
        # Its own steps only rise, and count reports: a validation would be drawn beside its iteration, or be lost.
        self._run.define_metric("iteration")
        self._run.define_metric("*", step_metric="iteration")

    def log(self, values: dict[str, float], iteration: int) -> None:
        self._run.log({**values, "iteration": iteration})

    def close(self) -> None:
        self._run.finish()


def _table(options: TrainOptions) -> str:
    """Return the options as a table of Markdown."""
    rows = [f"| {name} | {value} |" for name, value in options.hyperparameters().items() if value is not None]
    return "\n".join(["| option | value |", "|---|---|", *rows])
