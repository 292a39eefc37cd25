"""Train a model that has its adapter layers, and write the adapter."""

import shutil
from collections.abc import Iterator
from contextlib import nullcontext
from datetime import datetime, timezone
from itertools import islice
from math import exp
from typing import Any, cast

import mlx.core as mx

from tenny_lsp.errors import TrainingError
from tenny_lsp.learning.adapter import save_adapter
from tenny_lsp.learning.batches import Batch, Share, TokenizedRow, epoch, epochs
from tenny_lsp.learning.checkpoint import damaged_state, hold, read_state, run_folder, save_state
from tenny_lsp.learning.lora import set_scale, trainable_weights
from tenny_lsp.learning.metrics import Metrics
from tenny_lsp.learning.objective import checkpointed_layers, completion_loss
from tenny_lsp.learning.optimizer import make_optimizer
from tenny_lsp.learning.options import TrainOptions, TrainResult
from tenny_lsp.learning.record import OnProgress, TrainingRecord
from tenny_lsp.learning.step import TrainingStep
from tenny_lsp.model.runtime import keep_freed_memory, prepare

#: Freed memory that MLX may keep for the next iteration, where the C library keeps none.
_CACHE_LIMIT_BYTES = 1 << 30


class TrainingLoop:
    """A training that is ready to run.

    Args:
        options (TrainOptions): How to train.
        model: The base with its adapter layers.
        examples (dict[str, list[TokenizedRow]]): By split: ``"train"``, and ``"valid"`` and ``"test"`` if any.
        parameters (dict): MLX-LM's ``lora_parameters`` of the adapter.
        origin (dict): What the card says of base, dataset and versions.
        on_progress (OnProgress): Called at every report and every validation.
    """

    def __init__(
        self,
        options: TrainOptions,
        model: Any,
        examples: dict[str, list[TokenizedRow]],
        parameters: dict[str, Any],
        origin: dict[str, Any],
        on_progress: OnProgress,
    ) -> None:
        self._options, self._model, self._examples = options, model, examples
        self._parameters, self._origin = parameters, origin
        # A new shape costs a compilation on a GPU, and nothing on a CPU.
        self._pad_to = 8 if prepare().device == "gpu" else 1
        self._world = mx.distributed.init()
        self._share = Share(self._world.rank(), self._world.size())
        self._loss = completion_loss(model)
        self._best: dict[str, mx.array] = {}
        self._run = run_folder(options.adapter_path.resolve())
        self._metrics = Metrics(self._run, on_progress)
        iters = options.iterations(len(examples["train"]))
        self._record = TrainingRecord(
            options,
            iters,
            validate=self._validate if "valid" in examples else None,
            save=self._checkpoint,
            on_progress=self._metrics.note if self._is_first else lambda _: None,
        )
        self._optimizer = make_optimizer(options, iters)
        self._step = TrainingStep(
            model,
            self._loss,
            self._optimizer,
            max_norm=options.max_grad_norm,
            accumulation=options.grad_accumulation_steps,
            is_compiled=prepare().device == "gpu",  # on a CPU it gains nothing and its first step takes seconds
        )
        self._scale = options.scale_of(0)
        self._best_scale = self._scale

    @property
    def _is_first(self) -> bool:
        """Whether this process, of several, writes and reports."""
        return self._share.rank == 0

    def run(self) -> TrainResult:
        """Train, save the best weights and the last, and, if asked, test the best.

        Raises:
            StorageError: Another training writes to the same folder.
        """
        with hold(self._run) if self._is_first else nullcontext():
            return self._run_alone()

    def _run_alone(self) -> TrainResult:
        record, interrupted, test_loss = self._record, False, None
        try:
            self._train()
        except KeyboardInterrupt:
            if record.iteration == 0 or not record.has_learned:
                raise
            interrupted = True
            record.save_unvalidated()
        self._save_last()  # before the test, which is of the best
        try:
            test_loss = self._test() if self._options.test and not interrupted else None
        except KeyboardInterrupt:
            interrupted = True
        result = TrainResult(
            adapter_path=self._options.adapter_path,
            iterations=record.iteration,
            interrupted=interrupted,
            stopped_early=record.stopped_early,
            run_path=self._run,
            rank=self._share.rank,
            best_iteration=record.best_iteration or 0,
            start_val_loss=record.start_val_loss,
            val_loss=record.val_loss,
            train_loss=record.train_loss,
            test_loss=test_loss,
            test_perplexity=None if test_loss is None else exp(test_loss),
            trained_tokens=record.trained_tokens,
            duration_s=record.elapsed_s,
        )
        self._save(self._best, self._best_scale, test_loss=test_loss, interrupted=interrupted)
        return result

    def _train(self) -> None:
        options, record, step = self._options, self._record, self._step
        mx.set_cache_limit(0 if keep_freed_memory() else _CACHE_LIMIT_BYTES)
        if options.resume:
            self._resume()
        else:
            record.begin()
        self._model.train()
        batches = epochs(
            self._examples["train"], options.batch_size, seed=options.seed, pad_to=self._pad_to, share=self._share
        )  # in the same order each time, so that those of a resumed training can be passed over
        layers = checkpointed_layers(self._model) if options.grad_checkpoint else nullcontext()
        with layers:
            for number, batch in islice(batches, record.iteration, None):
                if record.is_finished:
                    break
                self._set_scale(options.scale_of(number))
                mx.random.seed(_seed(options.seed, record.iteration))
                loss = step(_arrays(batch))
                if record.iteration + 1 == record.iters:
                    step.finish()
                record.count(
                    loss,
                    batch.token_count,
                    learning_rate=float(self._optimizer.learning_rate.item()),
                    scale=self._scale,
                    memory_bytes=mx.get_peak_memory(),
                )
                if options.save_every and record.iteration % options.save_every == 0:
                    self._save_state()

    def _set_scale(self, scale: float) -> None:
        if scale != self._scale:
            self._scale = scale
            set_scale(self._model, scale)
            self._step.retrace()

    def _batches(self, split: str, count: int) -> Iterator[tuple[mx.array, ...]]:
        """Yield the loss's arguments for a split, for so many batches; -1 for all."""
        size, seed = self._options.batch_size, self._options.seed
        batches = epoch(self._examples[split], size, seed=seed, pad_to=self._pad_to, share=self._share)
        return map(_arrays, islice(batches, None if count == -1 else count))

    def _score(self, split: str, count: int) -> float:
        """Return the loss of a split in nats per learned token."""
        self._model.eval()
        sums = mx.zeros(2)
        for arrays in self._batches(split, count):
            loss, learned = self._loss(self._model, *arrays)
            sums = sums + mx.stack([loss * learned, learned])
            mx.eval(sums)
        self._model.train()
        total, tokens = cast("list[float]", mx.distributed.all_sum(sums, group=self._world).tolist())
        return total / tokens

    def _validate(self) -> float:
        return self._score("valid", self._options.val_batches)

    def _test(self) -> float:
        self._model.load_weights(list(self._best.items()), strict=False)
        self._set_scale(self._best_scale)
        return self._score("test", self._options.test_batches)

    def _weights(self) -> dict[str, mx.array]:
        """Return a copy of the present weights.

        Raises:
            TrainingError: They are not all numbers.
        """
        weights = {name: mx.array(value) for name, value in trainable_weights(self._model).items()}
        if not all(mx.isfinite(value).all().item() for value in weights.values()):
            raise TrainingError(
                f"The weights are not numbers at iteration {self._record.iteration} and were not saved",
                "Lower --learning-rate or --scale.",
            )
        return weights

    def _checkpoint(self) -> None:
        """Save the present weights as the best so far."""
        weights = self._weights()
        self._save(weights, self._scale, test_loss=None, interrupted=False)
        self._best, self._best_scale = weights, self._scale

    def _save_last(self) -> None:
        """Save the present weights beside the best ones where these are others; else remove an earlier training's."""
        folder = self._run / "last"
        if self._record.best_iteration != self._record.iteration:
            self._save(self._weights(), self._scale, test_loss=None, interrupted=False, folder=folder)
        elif self._is_first:
            shutil.rmtree(folder, ignore_errors=True)

    def _save_state(self) -> None:
        """Save everything that the next iteration depends on."""
        if not self._is_first:
            return
        arrays = {f"weights.{name}": value for name, value in trainable_weights(self._model).items()}
        arrays |= {f"best.{name}": value for name, value in self._best.items()}
        arrays |= self._step.state()
        values = {
            "origin": self._identity(),
            "record": self._record.state(),
            "scale": self._scale,
            "best_scale": self._best_scale,
        }
        save_state(self._run / "state", lambda stream: mx.save_safetensors(stream, arrays), values)

    def _resume(self) -> None:
        """Go on from the state that was saved last.

        Raises:
            StorageError: There is none, or it is damaged or of another training.
        """
        file, values = read_state(self._run / "state", self._identity())
        try:
            arrays = cast("dict[str, mx.array]", mx.load(str(file)))
            self._model.load_weights(_named(arrays, "weights."), strict=False)
            self._best = dict(_named(arrays, "best."))
            self._step.restore(arrays)
            self._best_scale = values["best_scale"]
            self._set_scale(values["scale"])
            self._record.restore(values["record"])
        except (OSError, RuntimeError, ValueError, TypeError, KeyError) as error:
            raise damaged_state(file.parent, error) from error
        if self._is_first:
            self._metrics.go_on_from(self._record.iteration)

    def _identity(self) -> dict[str, Any]:
        """Return what must not have changed when a training is resumed."""
        chosen = self._options.hyperparameters() | {"iters": self._record.iters}
        for name in ("steps_per_report", "test", "test_batches", "save_every"):
            del chosen[name]
        read = {
            file: sha256 for file, sha256 in self._origin["dataset"]["sha256"].items() if not file.startswith("test.")
        }
        chosen["prompt_format"] = self._origin["prompt_format"]
        return {"base": self._origin["base"], "dataset": read, **chosen}

    def _save(
        self,
        weights: dict[str, mx.array],
        scale: float,
        *,
        test_loss: float | None,
        interrupted: bool,
        folder: Any = None,
    ) -> None:
        if not self._is_first:
            return
        options, record = self._options, self._record
        card = self._origin | {
            "hyperparameters": options.hyperparameters() | {"iters": record.iters},
            "scores": {
                "start_val_loss": record.start_val_loss,
                "val_loss": record.val_loss,
                "train_loss": record.train_loss,
                "test_loss": test_loss,
            },
            "iterations": record.iteration,
            "best_iteration": record.best_iteration,
            "interrupted": interrupted,
            "skipped_iterations": record.skipped,
            "trained_tokens": record.trained_tokens,
            "duration_s": round(record.elapsed_s, 1),
            "curve": record.curve,
            "date": datetime.now(timezone.utc).date().isoformat(),
        }
        weights = dict(sorted(weights.items()))  # a resumed training's come from a file, in any order
        # Given a path instead of an open file, MLX reports a full disk as a mere RuntimeError.
        save_adapter(
            folder or options.adapter_path,
            lambda stream: mx.save_safetensors(stream, weights),
            self._config(scale),
            card,
        )

    def _config(self, scale: float) -> dict[str, Any]:
        """Return MLX-LM's configuration of the adapter."""
        options, parameters = self._options, self._parameters | {"scale": scale}
        return {"fine_tune_type": options.train_type, "num_layers": options.num_layers, "lora_parameters": parameters}


def _seed(seed: int, iteration: int) -> int:
    """Return the seed of an iteration's dropout: MLX's random state cannot be restored when a training is resumed."""
    return ((seed & 0xFFFFFFFF) << 32) + iteration


def _arrays(batch: Batch) -> tuple[mx.array, ...]:
    return tuple(map(mx.array, (batch.inputs, batch.positions, batch.targets, batch.weights)))


def _named(arrays: dict[str, mx.array], prefix: str) -> list[tuple[str, mx.array]]:
    return [(name.removeprefix(prefix), value) for name, value in arrays.items() if name.startswith(prefix)]
