"""One iteration of a training: the gradient of a batch, and an update where enough batches are together."""

import math
from typing import Any, cast

import mlx.core as mx
from mlx.utils import tree_flatten, tree_map, tree_map_with_path

from tenny_lsp.learning.objective import Loss

Gradients = Any


class TrainingStep:
    """Trains a model batch by batch.

    Gradients that are accumulated weigh by their learned tokens, so that the update is that of one large batch. A batch
    whose loss or gradient is not a number is left out. Several processes, each with its rows of a batch, make the same
    update: theirs together.

    Args:
        model: The model.
        loss (Loss): Returns the mean loss of a batch and the number of its learned tokens.
        optimizer: An optimizer of MLX.
        max_norm (float): Longer gradients are scaled down to this norm.
        accumulation (int): Batches of one update.
        is_compiled (bool): Whether MLX compiles the gradient for each shape of a batch.
    """

    def __init__(
        self, model: Any, loss: Loss, optimizer: Any, *, max_norm: float, accumulation: int, is_compiled: bool = False
    ) -> None:
        self._model, self._optimizer, self._loss = model, optimizer, loss
        self._max_norm, self._accumulation, self._is_compiled = max_norm, accumulation, is_compiled
        self.retrace()
        self._world = mx.distributed.init()
        self._gradients: Gradients | None = None
        self._tokens, self._batches = 0.0, 0

    def retrace(self) -> None:
        """Forget what was compiled: a number in it, such as the adapter's scale, has changed."""

        def loss(parameters: Any, *batch: mx.array) -> tuple[mx.array, mx.array]:
            self._model.update(parameters)
            return self._loss(self._model, *batch)

        gradient: Any = mx.value_and_grad(loss)
        state = mx.random.state
        self._gradient = mx.compile(gradient, inputs=state, outputs=state) if self._is_compiled else gradient

    def __call__(self, batch: tuple[mx.array, ...]) -> float | None:
        """Train on a batch; return its loss, or None where that or its gradient is not a number."""
        parameters = self._model.trainable_parameters()
        (loss, tokens), gradients = self._gradient(parameters, *batch)
        self._model.update(parameters)  # what was differentiated has put its own there
        if self._world.size() > 1:
            loss, tokens, gradients = self._together(loss, tokens, gradients)
        size = _norm(gradients)
        mx.eval(loss, tokens, size, gradients)
        if not (math.isfinite(_number(loss)) and math.isfinite(_number(size))):
            return None
        if self._accumulation > 1:
            self._add(gradients, _number(tokens))
            if self._batches == self._accumulation:
                self.finish()
        else:
            self._update(gradients, size)
        return _number(loss)

    def _together(self, loss: mx.array, tokens: mx.array, gradients: Gradients) -> tuple[mx.array, mx.array, Gradients]:
        """Return the mean loss and gradient of all processes, weighted by tokens, and the number of all tokens."""
        total = mx.distributed.all_sum(tokens, group=self._world)

        def mean(value: mx.array) -> mx.array:
            return mx.distributed.all_sum(value * tokens.astype(value.dtype), group=self._world) / total

        return mean(loss), total, tree_map(mean, gradients)

    def finish(self) -> None:
        """Update with what has been accumulated, if anything has."""
        if self._gradients is None:
            return
        mean = tree_map(lambda value: value / self._tokens, self._gradients)
        self._gradients, self._tokens, self._batches = None, 0.0, 0
        self._update(mean, _norm(mean))

    def _add(self, gradients: Gradients, tokens: float) -> None:
        # A gradient may be laid out by columns, and in a file it is by rows: its norm must not depend on that.
        weighted = tree_map(lambda value: mx.contiguous(value * tokens), gradients)
        before = self._gradients
        self._gradients = weighted if before is None else tree_map(mx.add, before, weighted)
        self._tokens += tokens
        self._batches += 1
        mx.eval(self._gradients)

    def _update(self, gradients: Gradients, size: mx.array) -> None:
        share = mx.minimum(1.0, self._max_norm / (size + 1e-6))
        self._optimizer.update(self._model, tree_map(lambda value: value * share.astype(value.dtype), gradients))
        mx.eval(self._model.trainable_parameters(), self._optimizer.state)

    def state(self) -> dict[str, mx.array]:
        """Return what has been accumulated, and the optimizer's state, as arrays by name."""
        arrays = {f"optimizer.{name}": value for name, value in _flat(self._optimizer.state).items()}
        if self._gradients is not None:
            arrays |= {f"gradients.{name}": value for name, value in _flat(self._gradients).items()}
            arrays["accumulated"] = mx.array([self._tokens, float(self._batches)])
        return arrays

    def restore(self, arrays: dict[str, mx.array]) -> None:
        """Go on from what ``state`` returned."""
        parameters = self._model.trainable_parameters()
        self._optimizer.init(parameters)
        self._optimizer.state = _filled(self._optimizer.state, arrays, "optimizer.")
        if "accumulated" in arrays:
            self._gradients = _filled(parameters, arrays, "gradients.")
            tokens, batches = cast("list[float]", arrays["accumulated"].tolist())
            self._tokens, self._batches = tokens, int(batches)


def _number(value: mx.array) -> float:
    return cast("float", value.item())


def _norm(gradients: Gradients) -> mx.array:
    """Return the Euclidean norm of all gradients together, a scalar in float32."""
    return mx.sqrt(sum((value.astype(mx.float32).square().sum() for value in _flat(gradients).values()), mx.array(0.0)))


def _flat(tree: Any) -> dict[str, mx.array]:
    return dict(cast("list[tuple[str, mx.array]]", tree_flatten(tree)))


def _filled(tree: Any, arrays: dict[str, mx.array], prefix: str) -> Any:
    """Return a tree with the arrays of a file in its leaves; its empty branches stand in no file."""
    return tree_map_with_path(lambda path, value: arrays.get(f"{prefix}{path}", value), tree)
