"""A training's options, its progress reports and its result. Imports no MLX."""

import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from tenny_lsp.errors import TrainingError
from tenny_lsp.model.prompt_format import PromptFormat

#: Epochs when neither ``epochs`` nor ``iters`` is given.
DEFAULT_EPOCHS = 1.0


@dataclass(frozen=True, slots=True)
class TrainOptions:
    """How to train; names and meanings are those of ``mlx_lm.lora``.

    Attributes:
        data: Folder of ``train.jsonl`` and, if there are any, ``valid.jsonl`` and ``test.jsonl``.
        adapter_path: Folder of the adapter; made, or replaced when it holds an adapter.
        model: Folder or hub name of the base model; None for the embedded one.
        iters: Iterations, instead of epochs.
        epochs: How often every row is read.
        batch_size: Rows in a batch.
        learning_rate: Its peak, after the warm-up; it then falls to a tenth.
        num_layers: Layers to adapt, counted from the last; -1 for all.
        rank: Rank of the adapter's matrices.
        scale: What the adapter's output is multiplied with (it is not alpha).
        dropout: Share of the adapter's inputs that is dropped in training.
        optimizer: ``"adam"`` or ``"adamw"``.
        max_grad_norm: Longer gradients are scaled down to this norm.
        mask_prompt: Whether the loss is taken on completions only.
        prompt_format: ``"raw"``: prompts as they are; ``"chat"``: as a message in the base's chat template.
        max_seq_length: Longest row, in tokens; the rest of it is cut off.
        grad_checkpoint: Whether to compute activations twice, which takes less memory.
        steps_per_report: Iterations between two reports.
        steps_per_eval: Iterations between two validations.
        val_batches: Batches of a validation; -1 for all.
        resume_adapter_file: Adapter weights to go on from.
        seed: Of the adapter's first weights, of dropout and of the order of rows.
        test: Whether to score the adapter on ``test.jsonl`` at the end.
        test_batches: Batches of the test; -1 for all.
    """

    data: Path
    adapter_path: Path
    model: str | None = None
    iters: int | None = None
    epochs: float | None = None
    batch_size: int = 16
    learning_rate: float = 5e-4
    num_layers: int = -1
    rank: int = 16
    scale: float = 2.0
    dropout: float = 0.0
    optimizer: Literal["adam", "adamw"] = "adam"
    max_grad_norm: float = 1.0
    mask_prompt: bool = True
    prompt_format: PromptFormat = "raw"
    max_seq_length: int = 2048
    grad_checkpoint: bool = False
    steps_per_report: int = 10
    steps_per_eval: int = 100
    val_batches: int = -1
    resume_adapter_file: Path | None = None
    seed: int = 0
    test: bool = False
    test_batches: int = -1

    def check(self) -> None:
        """Check that every option makes sense.

        Raises:
            TrainingError: One does not; the message names it.
        """
        if self.iters is not None and self.epochs is not None:
            raise TrainingError("Both --iters and --epochs are given", "Give one of them.")
        for name in ("iters", "epochs", "batch_size", "learning_rate", "rank", "scale", "max_grad_norm"):
            value = getattr(self, name)
            if value is not None and not (math.isfinite(value) and value > 0):
                raise TrainingError(f"{_flag(name)} is {value}", "It must be above 0.")
        for name in ("num_layers", "val_batches", "test_batches"):
            if getattr(self, name) < 1 and getattr(self, name) != -1:
                raise TrainingError(f"{_flag(name)} is {getattr(self, name)}", "It must be above 0, or -1 for all.")
        for name, least in (("steps_per_report", 1), ("steps_per_eval", 1), ("max_seq_length", 8)):
            if getattr(self, name) < least:
                raise TrainingError(f"{_flag(name)} is {getattr(self, name)}", f"It must be at least {least}.")
        if not 0 <= self.dropout < 1:
            raise TrainingError(f"--dropout is {self.dropout}", "It must be at least 0 and below 1.")
        if self.optimizer not in ("adam", "adamw"):
            raise TrainingError(f"--optimizer is {self.optimizer}", "It must be adam or adamw.")

    def hyperparameters(self) -> dict[str, Any]:
        """Return every option but the folders, ready for JSON."""
        values = asdict(self)
        for name in ("data", "adapter_path", "model", "prompt_format"):
            del values[name]
        if self.resume_adapter_file is not None:
            values["resume_adapter_file"] = str(self.resume_adapter_file)
        return values

    def iterations(self, row_count: int) -> int:
        """Return how many iterations the training takes with ``row_count`` rows."""
        if self.iters is not None:
            return self.iters
        batch_count = math.ceil(row_count / self.batch_size)
        return max(1, round((self.epochs or DEFAULT_EPOCHS) * batch_count))


def _flag(name: str) -> str:
    """Return an option as the command line spells it."""
    return f"--{name.replace('_', '-')}"


@dataclass(frozen=True, slots=True)
class Progress:
    """A progress report of a training.

    Attributes:
        iteration: Iterations done, 0 before the first.
        iters: Iterations in all.
        train_loss: Mean loss per learned token since the last one; None where only a validation is reported.
        val_loss: Loss of the validation rows, in nats per token; None when they were not read.
        learning_rate: Of the last iteration.
        tokens_per_s: Tokens read per second of training: prompts count, padding and validations do not.
        trained_tokens: Tokens read so far, counted likewise.
        remaining_s: Estimated; None before the first iteration.
    """

    iteration: int
    iters: int
    train_loss: float | None
    val_loss: float | None
    learning_rate: float
    tokens_per_s: float
    trained_tokens: int
    remaining_s: float | None


@dataclass(frozen=True, slots=True)
class TrainResult:
    """The result of a training.

    Attributes:
        adapter_path: The folder that now holds the adapter.
        iterations: Iterations done.
        interrupted: Whether it was stopped by Ctrl-C.
        best_iteration: Iteration whose weights were kept.
        start_val_loss: Validation loss before the first iteration; None without validation rows.
        val_loss: Validation loss of what was kept.
        train_loss: Training loss of the last report.
        test_loss: Loss of the test rows; None when they were not asked for.
        test_perplexity: ``exp(test_loss)``.
        trained_tokens: Tokens read: prompts count, padding does not.
        duration_s: With validations and test.
    """

    adapter_path: Path
    iterations: int
    interrupted: bool
    best_iteration: int
    start_val_loss: float | None
    val_loss: float | None
    train_loss: float | None
    test_loss: float | None
    test_perplexity: float | None
    trained_tokens: int
    duration_s: float
