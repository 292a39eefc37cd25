"""Run MLX-LM's trainer on a model with LoRA layers and write the adapter.

The trainer gets its own hooks: the loss, the batches, and a callback after every iteration.
"""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import datetime, timezone
from math import exp
from typing import Any

import mlx.core as mx
from mlx_lm.tuner import trainer

from tenny_lsp.errors import TrainingError
from tenny_lsp.learning.adapter import save_adapter
from tenny_lsp.learning.batches import TokenizedRow, epoch, epochs
from tenny_lsp.learning.callback import OnProgress, TrainingCallback, TrainingFinished
from tenny_lsp.learning.lora import trainable_weights
from tenny_lsp.learning.objective import ClippedOptimizer, completion_loss, grad_checkpoint_undone
from tenny_lsp.learning.options import TrainOptions, TrainResult
from tenny_lsp.model.runtime import prepare

#: Freed memory that MLX may keep for the next iteration; the trainer's own default is to keep none.
CACHE_LIMIT_BYTES = 1 << 30


class TrainingLoop:
    """A training that is ready to run.

    Args:
        options (TrainOptions): How to train.
        model: The base with its LoRA layers.
        examples (dict[str, list[TokenizedRow]]): By split: ``"train"``, and ``"valid"`` and ``"test"`` if any.
        origin (dict): What the card says of base, dataset and versions.
        on_progress (OnProgress): Called at every report and every validation.
    """

    def __init__(
        self,
        options: TrainOptions,
        model: Any,
        examples: dict[str, list[TokenizedRow]],
        origin: dict[str, Any],
        on_progress: OnProgress,
    ) -> None:
        self._options, self._model, self._examples, self._origin = options, model, examples, origin
        # A new shape costs a compilation on a GPU, and nothing on a CPU.
        self._pad_to = 8 if prepare().device == "gpu" else 1
        self._loss = completion_loss(model)
        self._best: dict[str, mx.array] = {}
        self._callback = TrainingCallback(
            options,
            options.iterations(len(examples["train"])),
            validate=self._validate if "valid" in examples else None,
            save=self._checkpoint,
            on_progress=on_progress,
        )

    def run(self) -> TrainResult:
        """Train, save the best weights and, if asked, test them."""
        callback, interrupted, test_loss = self._callback, False, None
        try:
            self._train()
            test_loss = self._test() if self._options.test else None
        except KeyboardInterrupt:
            if callback.iteration == 0:
                raise
            interrupted = True
            callback.save_unvalidated()
        result = TrainResult(
            adapter_path=self._options.adapter_path,
            iterations=callback.iteration,
            interrupted=interrupted,
            best_iteration=callback.best_iteration or 0,
            start_val_loss=callback.start_val_loss,
            val_loss=callback.val_loss,
            train_loss=callback.train_loss,
            test_loss=test_loss,
            test_perplexity=None if test_loss is None else exp(test_loss),
            trained_tokens=callback.trained_tokens,
            duration_s=callback.elapsed_s,
        )
        self._save(self._best, test_loss=test_loss, interrupted=interrupted)
        return result

    def _train(self) -> None:
        options, iters = self._options, self._callback.iters
        self._callback.begin()
        arguments = trainer.TrainingArgs(
            batch_size=options.batch_size,
            iters=iters,
            steps_per_report=1,
            steps_per_save=iters + 1,
            max_seq_length=options.max_seq_length,
            grad_checkpoint=options.grad_checkpoint,
            clear_cache_threshold=CACHE_LIMIT_BYTES,
        )
        with suppress(TrainingFinished), grad_checkpoint_undone(self._model):
            trainer.train(
                model=self._model,
                optimizer=ClippedOptimizer(options, iters),
                train_dataset=self._examples["train"],
                args=arguments,
                loss=self._loss,
                iterate_batches=self._batches,
                training_callback=self._callback,
            )

    def _batches(
        self, dataset: Sequence[TokenizedRow], batch_size: int, loop: bool = False, **_: Any
    ) -> Iterator[tuple[mx.array, ...]]:
        """Yield the loss's arguments: endlessly, and counted, for training; one epoch for scoring."""
        make = epochs if loop else epoch
        for batch in make(dataset, batch_size, seed=self._options.seed, pad_to=self._pad_to):
            if loop:
                self._callback.count(batch.token_count)
            parts = (batch.inputs, batch.positions, batch.targets, batch.weights)
            yield tuple(mx.array(part) for part in parts)

    def _score(self, split: str, batch_count: int) -> float:
        """Return the loss of a split in nats per learned token."""
        loss = trainer.evaluate(
            model=self._model,
            dataset=self._examples[split],
            batch_size=self._options.batch_size,
            num_batches=batch_count,
            loss=self._loss,
            iterate_batches=self._batches,
            clear_cache_threshold=CACHE_LIMIT_BYTES,
        )
        self._model.train()
        return float(loss)

    def _validate(self) -> float:
        return self._score("valid", self._options.val_batches)

    def _test(self) -> float:
        self._model.load_weights(list(self._best.items()), strict=False)
        return self._score("test", self._options.test_batches)

    def _checkpoint(self) -> None:
        """Save the present weights as the best so far."""
        weights = {name: mx.array(value) for name, value in trainable_weights(self._model).items()}
        if not all(mx.isfinite(value).all().item() for value in weights.values()):
            raise TrainingError(
                f"The weights are not numbers at iteration {self._callback.iteration} and were not saved",
                "Lower --learning-rate or --scale.",
            )
        self._save(weights, test_loss=None, interrupted=False)
        self._best = weights

    def _save(self, weights: dict[str, mx.array], *, test_loss: float | None, interrupted: bool) -> None:
        options, callback = self._options, self._callback
        lora = {"rank": options.rank, "scale": options.scale, "dropout": options.dropout}
        card = self._origin | {
            "hyperparameters": options.hyperparameters() | {"iters": callback.iters},
            "scores": {
                "start_val_loss": callback.start_val_loss,
                "val_loss": callback.val_loss,
                "train_loss": callback.train_loss,
                "test_loss": test_loss,
            },
            "iterations": callback.iteration,
            "best_iteration": callback.best_iteration,
            "interrupted": interrupted,
            "trained_tokens": callback.trained_tokens,
            "duration_s": round(callback.elapsed_s, 1),
            "curve": callback.curve,
            "date": datetime.now(timezone.utc).date().isoformat(),
        }
        # Given a path instead of an open file, MLX reports a full disk as a mere RuntimeError.
        save_adapter(
            options.adapter_path,
            lambda stream: mx.save_safetensors(stream, weights),
            {"fine_tune_type": "lora", "num_layers": options.num_layers, "lora_parameters": lora},
            card,
        )
