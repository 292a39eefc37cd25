"""One training, from the model with fresh LoRA layers to the adapter in its folder, through MLX-LM's trainer.

MLX-LM is given its own hooks: the loss, the batches, and a callback after every iteration.
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
from tenny_lsp.learning.batches import Example, epoch, forever
from tenny_lsp.learning.callback import Course, Finished, OnProgress
from tenny_lsp.learning.lora import trainable_weights
from tenny_lsp.learning.objective import ClippedOptimizer, completion_loss, grad_checkpoint_undone
from tenny_lsp.learning.options import TrainOptions, TrainResult
from tenny_lsp.model.runtime import prepare

#: Freed memory that MLX may keep for the next iteration; the trainer's own default is to keep none.
CACHE_LIMIT_BYTES = 1 << 30


class Session:
    """A training that has been set up.

    Args:
        options (TrainOptions): How to train.
        model: The base with its LoRA layers.
        examples (dict[str, list[Example]]): By split: ``"train"``, and ``"valid"`` and ``"test"`` if there are any.
        origin (dict): What the card says of base, dataset and versions.
        on_progress (OnProgress): Told of every report and of every validation.
    """

    def __init__(
        self,
        options: TrainOptions,
        model: Any,
        examples: dict[str, list[Example]],
        origin: dict[str, Any],
        on_progress: OnProgress,
    ) -> None:
        self._options, self._model, self._examples, self._origin = options, model, examples, origin
        # A new shape costs a compilation on a GPU, and nothing on a CPU.
        self._pad_to = 8 if prepare().device == "gpu" else 1
        self._loss = completion_loss(model)
        self._best: dict[str, mx.array] = {}
        self._course = Course(
            options,
            options.iterations(len(examples["train"])),
            validate=self._validate if "valid" in examples else None,
            keep=self._keep,
            on_progress=on_progress,
        )

    def run(self) -> TrainResult:
        """Returns the result, having trained, kept the best weights and, if asked, tested them."""
        course, interrupted, test_loss = self._course, False, None
        try:
            self._train()
            test_loss = self._test() if self._options.test else None
        except KeyboardInterrupt:
            if course.iteration == 0:
                raise
            interrupted = True
            course.keep_what_there_is()
        result = TrainResult(
            adapter_path=self._options.adapter_path,
            iterations=course.iteration,
            interrupted=interrupted,
            best_iteration=course.best_iteration or 0,
            start_val_loss=course.start_val_loss,
            val_loss=course.val_loss,
            train_loss=course.train_loss,
            test_loss=test_loss,
            test_perplexity=None if test_loss is None else exp(test_loss),
            trained_tokens=course.trained_tokens,
            duration_s=course.elapsed_s,
        )
        self._save(self._best, test_loss=test_loss, interrupted=interrupted)
        return result

    def _train(self) -> None:
        options, iters = self._options, self._course.iters
        self._course.begin()
        arguments = trainer.TrainingArgs(
            batch_size=options.batch_size,
            iters=iters,
            steps_per_report=1,
            steps_per_save=iters + 1,
            max_seq_length=options.max_seq_length,
            grad_checkpoint=options.grad_checkpoint,
            clear_cache_threshold=CACHE_LIMIT_BYTES,
        )
        with suppress(Finished), grad_checkpoint_undone(self._model):
            trainer.train(
                model=self._model,
                optimizer=ClippedOptimizer(options, iters),
                train_dataset=self._examples["train"],
                args=arguments,
                loss=self._loss,
                iterate_batches=self._batches,
                training_callback=self._course,
            )

    def _batches(
        self, dataset: Sequence[Example], batch_size: int, loop: bool = False, **_: Any
    ) -> Iterator[tuple[mx.array, ...]]:
        """Yields what the loss takes: endless and counted for training, one epoch for scoring."""
        make = forever if loop else epoch
        for batch in make(dataset, batch_size, seed=self._options.seed, pad_to=self._pad_to):
            if loop:
                self._course.count(batch.token_count)
            parts = (batch.inputs, batch.positions, batch.targets, batch.weights)
            yield tuple(mx.array(part) for part in parts)

    def _score(self, split: str, batch_count: int) -> float:
        """Returns the loss of a split in nats per learned token."""
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

    def _keep(self) -> None:
        """Saves the present weights as the best so far."""
        weights = {name: mx.array(value) for name, value in trainable_weights(self._model).items()}
        if not all(mx.isfinite(value).all().item() for value in weights.values()):
            raise TrainingError(
                f"The weights are not numbers at iteration {self._course.iteration} and were not saved",
                "Lower --learning-rate or --scale.",
            )
        self._save(weights, test_loss=None, interrupted=False)
        self._best = weights

    def _save(self, weights: dict[str, mx.array], *, test_loss: float | None, interrupted: bool) -> None:
        options, course = self._options, self._course
        lora = {"rank": options.rank, "scale": options.scale, "dropout": options.dropout}
        card = self._origin | {
            "hyperparameters": options.hyperparameters() | {"iters": course.iters},
            "scores": {
                "start_val_loss": course.start_val_loss,
                "val_loss": course.val_loss,
                "train_loss": course.train_loss,
                "test_loss": test_loss,
            },
            "iterations": course.iteration,
            "best_iteration": course.best_iteration,
            "interrupted": interrupted,
            "trained_tokens": course.trained_tokens,
            "duration_s": round(course.elapsed_s, 1),
            "curve": course.curve,
            "date": datetime.now(timezone.utc).date().isoformat(),
        }
        # Given a path instead of an open file, MLX reports a full disk as a mere RuntimeError.
        save_adapter(
            options.adapter_path,
            lambda stream: mx.save_safetensors(stream, weights),
            {"fine_tune_type": "lora", "num_layers": options.num_layers, "lora_parameters": lora},
            card,
        )
