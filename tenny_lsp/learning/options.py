"""A training's options, its progress reports and its result. Imports no MLX."""

import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from tenny_lsp.errors import TrainingError
from tenny_lsp.learning.formats import COLUMNS, Columns
from tenny_lsp.model.prompt_format import PromptFormat

#: Epochs when neither ``epochs`` nor ``iters`` is given.
DEFAULT_EPOCHS = 1.0
#: What an adapter's output is multiplied with when neither ``scale`` nor ``alpha`` is given.
DEFAULT_SCALE = 2.0

#: Options of which one at most may be given.
EXCLUSIVE = (("iters", "epochs"), ("scale", "alpha"))

TrainType = Literal["lora", "dora", "full"]
OptimizerName = Literal["adam", "adamw", "adafactor", "sgd", "muon"]
ScheduleName = Literal["cosine", "linear", "constant"]
Answers = Literal["last", "all"]
TrackerName = Literal["tensorboard", "wandb"]


@dataclass(frozen=True, slots=True)
class HubDataset:
    """A dataset of the Hugging Face hub, as ``datasets.load_dataset`` takes it.

    Attributes:
        path: Its name there, or a folder that ``datasets`` reads.
        name: One of its configurations.
        train_split: The rows to train on, such as ``train[:80%]``.
        valid_split: The rows to validate on; None: those of ``validation``, ``valid`` or ``dev``, if there are any.
        test_split: The rows of the test.
    """

    path: str
    name: str | None = None
    train_split: str = "train"
    valid_split: str | None = None
    test_split: str = "test"


@dataclass(frozen=True, slots=True)
class TrainOptions:
    """How to train; names and meanings are those of ``mlx_lm.lora``.

    Attributes:
        data: Folder of ``train.jsonl`` (or ``.csv``, or ``.md`` with roasts) and, if there are any, of ``valid`` and
            ``test``; or the name of a dataset of the Hugging Face hub, ``owner/name``.
        hf_dataset: A dataset of the hub with the splits to read, instead of ``data``.
        prompt_feature: The key or column of prompts.
        completion_feature: That of completions.
        text_feature: That of texts that hold both.
        chat_feature: That of messages.
        adapter_path: Folder of the adapter; made, or replaced when it holds an adapter.
        model: Folder or hub name of the base model; None for the embedded one.
        iters: Iterations, instead of epochs.
        epochs: How often every row is read.
        batch_size: Rows in a batch.
        learning_rate: Its peak, after the warm-up.
        lr_schedule: How the learning rate goes on after the warm-up: ``"cosine"`` or ``"linear"`` to a tenth of its
            peak, or ``"constant"``.
        warmup: Updates until the peak; None for a twentieth of all.
        train_type: ``"lora"``, ``"dora"``, or ``"full"``: all weights of the layers, embeddings, norms and head.
        num_layers: Layers to adapt, counted from the last; -1 for all.
        keys: The projections to adapt, by their last names (``q_proj``) or more of them; none: all.
        rank: Rank of the adapter's matrices.
        scale: What the adapter's output is multiplied with (it is not alpha). Default: 2.
        alpha: The same times ``rank``, instead of ``scale``.
        scale_schedule: ``"doubling:0.125"``: the first epoch has an eighth of the scale, each further one twice that
            of the one before until all of it is reached. None: all of it from the start.
        dropout: Share of the adapter's inputs that is dropped in training.
        optimizer: ``"adam"``, ``"adamw"``, ``"adafactor"``, ``"sgd"`` or ``"muon"``.
        weight_decay: Of all but adam.
        betas: Of adam and adamw; the first one is sgd's and muon's momentum.
        bias_correction: Whether adam and adamw correct their moments for starting at 0, as PyTorch's do; MLX's do not,
            and so take larger steps at first.
        max_grad_norm: Longer gradients are scaled down to this norm.
        grad_accumulation_steps: Batches of one update; their tokens weigh alike.
        mask_prompt: Whether the loss is taken on completions only.
        separator: In rows of plain text, what ends the prompt; None: ``A:`` or ``#response`` on a line of its own.
        answers: Which answers of a conversation are learned, ``"all"`` or the ``"last"``.
        prompt_format: ``"raw"``: prompts as they are; ``"chat"``: as a message in the base's chat template.
        max_seq_length: Longest row, in tokens; the rest of it is cut off.
        grad_checkpoint: Whether to compute activations twice, which takes less memory.
        steps_per_report: Iterations between two reports.
        steps_per_eval: Iterations between two validations.
        val_batches: Batches of a validation; -1 for all.
        patience: Validations without a better loss after which the training ends; None: never.
        save_every: Iterations between two saves of the whole state, which a training resumes from; None: never.
        resume: Whether to go on from the state that the same training saved.
        resume_adapter_file: Adapter weights to begin with; where a state is resumed, they are in it.
        seed: Of the adapter's first weights, of dropout and of the order of rows.
        test: Whether to score the adapter on ``test.jsonl`` at the end.
        test_batches: Batches of the test; -1 for all.
        report_to: What else than ``metrics.jsonl`` is reported to: ``"tensorboard"``, or ``"wandb"``, a service.
        project_name: The project there.
    """

    data: Path
    adapter_path: Path
    model: str | None = None
    hf_dataset: HubDataset | None = None
    prompt_feature: str = COLUMNS.prompt
    completion_feature: str = COLUMNS.completion
    text_feature: str = COLUMNS.text
    chat_feature: str = COLUMNS.messages
    iters: int | None = None
    epochs: float | None = None
    batch_size: int = 16
    learning_rate: float = 5e-4
    lr_schedule: ScheduleName = "cosine"
    warmup: int | None = None
    train_type: TrainType = "lora"
    num_layers: int = -1
    keys: tuple[str, ...] = ()
    rank: int = 16
    scale: float | None = None
    alpha: float | None = None
    scale_schedule: str | None = None
    dropout: float = 0.0
    optimizer: OptimizerName = "adam"
    weight_decay: float = 0.01
    betas: tuple[float, float] = (0.9, 0.999)
    bias_correction: bool = False
    max_grad_norm: float = 1.0
    grad_accumulation_steps: int = 1
    mask_prompt: bool = True
    separator: str | None = None
    answers: Answers = "all"
    prompt_format: PromptFormat = "raw"
    max_seq_length: int = 2048
    grad_checkpoint: bool = False
    steps_per_report: int = 10
    steps_per_eval: int = 100
    val_batches: int = -1
    patience: int | None = None
    save_every: int | None = None
    resume: bool = False
    resume_adapter_file: Path | None = None
    seed: int = 0
    test: bool = False
    test_batches: int = -1
    report_to: TrackerName | None = None
    project_name: str = "tenny"

    def check(self) -> None:
        """Check that every option makes sense.

        Raises:
            TrainingError: One does not; the message names it.
        """
        for one, other in EXCLUSIVE:
            if getattr(self, one) is not None and getattr(self, other) is not None:
                raise TrainingError(f"Both {flag(one)} and {flag(other)} are given", "Give one of them.")
        for name in _ABOVE_0:
            value = getattr(self, name)
            if value is not None and not (math.isfinite(value) and value > 0):
                raise TrainingError(f"{flag(name)} is {value}", "It must be above 0.")
        for name, value in (("weight_decay", self.weight_decay), ("warmup", self.warmup or 0)):
            if not (math.isfinite(value) and value >= 0):
                raise TrainingError(f"{flag(name)} is {value}", "It must be at least 0.")
        for beta in self.betas:
            if not 0 <= beta < 1:
                raise TrainingError(f"--betas holds {beta}", "Each must be at least 0 and below 1.")
        for name in ("num_layers", "val_batches", "test_batches"):
            if getattr(self, name) < 1 and getattr(self, name) != -1:
                raise TrainingError(f"{flag(name)} is {getattr(self, name)}", "It must be above 0, or -1 for all.")
        for name, least in (("steps_per_report", 1), ("steps_per_eval", 1), ("max_seq_length", 8)):
            if getattr(self, name) < least:
                raise TrainingError(f"{flag(name)} is {getattr(self, name)}", f"It must be at least {least}.")
        if not 0 <= self.seed < 1 << 32:
            raise TrainingError(f"--seed is {self.seed}", "It must be at least 0 and below 2 to the power of 32.")
        if not 0 <= self.dropout < 1:
            raise TrainingError(f"--dropout is {self.dropout}", "It must be at least 0 and below 1.")
        for name, choices in _CHOICES.items():
            if getattr(self, name) not in choices:
                raise TrainingError(f"{flag(name)} is {getattr(self, name)}", f"It must be {_either(choices)}.")
        if self.separator == "":
            raise TrainingError("--separator is empty", "Give the text that ends a prompt.")
        if self.keys and self.train_type == "full":
            raise TrainingError("--keys is given, and --train-type full trains all weights", "Leave one of them out.")
        self.scale_of(0)

    def without_effect(self, updates: int, *, has_validation: bool) -> list[str]:
        """Return a sentence for each option that is given and changes nothing; a YAML file may hold such, unchanged.

        Args:
            updates (int): How many updates the training makes.
            has_validation (bool): Whether there are rows to validate on.
        """
        given = {name for name, field in self.__dataclass_fields__.items() if getattr(self, name) != field.default}
        useless = {
            **dict.fromkeys(_OF_ADAPTERS if self.train_type == "full" else (), f"{flag('train_type')} full"),
            **dict.fromkeys(_UNUSED_BY[self.optimizer], f"{flag('optimizer')} {self.optimizer}"),
            **dict.fromkeys(() if has_validation else ("patience", "val_batches"), "no rows to validate on"),
        }
        found = [f"{flag(name)} has no effect with {why}" for name, why in useless.items() if name in given]
        if self.warmup is not None and self.warmup >= updates:
            found.append(f"--warmup is {self.warmup} of {updates} updates: the learning rate does not reach its peak")
        return found

    @property
    def columns(self) -> Columns:
        """What the rows' keys or columns are called."""
        return Columns(self.prompt_feature, self.completion_feature, self.text_feature, self.chat_feature)

    @property
    def full_scale(self) -> float:
        """What the adapter's output is multiplied with at the end of the schedule."""
        return self.alpha / self.rank if self.alpha is not None else self.scale or DEFAULT_SCALE

    def scale_of(self, epoch: int) -> float:
        """Return what the adapter's output is multiplied with in an epoch, counted from 0.

        Raises:
            TrainingError: The schedule is none.
        """
        if self.scale_schedule is None:
            return self.full_scale
        kind, _, first = self.scale_schedule.partition(":")
        try:
            share = float(first)
        except ValueError:
            share = 0.0
        if kind != "doubling" or not 0 < share <= 1:
            raise TrainingError(f"--scale-schedule is {self.scale_schedule}", "Write it like this: doubling:0.125.")
        return self.full_scale * min(1.0, share * 2.0 ** min(epoch, 64))

    def hyperparameters(self) -> dict[str, Any]:
        """Return every option but the folders, ready for JSON; the scale as it is at the end."""
        values = asdict(self) | {"scale": self.full_scale, "betas": list(self.betas), "keys": list(self.keys)}
        for name in ("data", "adapter_path", "model", "prompt_format", "resume", "report_to", "project_name"):
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

    def updates(self, iters: int) -> int:
        """Return how many updates that many iterations make; the last may be of fewer batches."""
        return math.ceil(iters / self.grad_accumulation_steps)


_ABOVE_0 = (
    *("iters", "epochs", "batch_size", "learning_rate", "rank", "scale", "alpha", "max_grad_norm"),
    *("grad_accumulation_steps", "patience", "save_every"),
)
_OF_ADAPTERS = ("rank", "scale", "alpha", "scale_schedule", "dropout")
#: Optimizer → the options that it does not take.
_UNUSED_BY: dict[str, tuple[str, ...]] = {
    "adam": ("weight_decay",),
    "adamw": (),
    "adafactor": ("betas", "bias_correction"),
    "sgd": ("bias_correction",),
    "muon": ("bias_correction",),
}
_CHOICES = {
    "train_type": get_args(TrainType),
    "optimizer": get_args(OptimizerName),
    "lr_schedule": get_args(ScheduleName),
    "answers": get_args(Answers),
    "prompt_format": get_args(PromptFormat),
    "report_to": (*get_args(TrackerName), None),
}


def flag(name: str) -> str:
    """Return what the command line calls an option: ``--batch-size`` for ``batch_size``."""
    return f"--{name.replace('_', '-')}"


def _either(choices: tuple[str, ...]) -> str:
    return f"{', '.join(choices[:-1])} or {choices[-1]}"


@dataclass(frozen=True, slots=True)
class Progress:
    """A progress report of a training.

    Attributes:
        iteration: Iterations done, 0 before the first.
        iters: Iterations in all.
        train_loss: Mean loss per learned token since the last one; None where only a validation is reported.
        val_loss: Loss of the validation rows, in nats per token; None when they were not read.
        learning_rate: Of the last iteration.
        scale: What the adapter's output is multiplied with.
        memory_bytes: The most that MLX has used at once.
        tokens_per_s: Tokens read per second of training: prompts count, padding and validations do not.
        trained_tokens: Tokens read so far, counted likewise.
        remaining_s: Estimated; None before the first iteration.
    """

    iteration: int
    iters: int
    train_loss: float | None
    val_loss: float | None
    learning_rate: float
    scale: float
    memory_bytes: int
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
        stopped_early: Whether it ended because no validation was better for ``patience`` times.
        run_path: The folder of its metrics, its last weights and its state.
        rank: Which of several processes this is; the first one has written everything.
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
    stopped_early: bool
    run_path: Path
    rank: int
    best_iteration: int
    start_val_loss: float | None
    val_loss: float | None
    train_loss: float | None
    test_loss: float | None
    test_perplexity: float | None
    trained_tokens: int
    duration_s: float
