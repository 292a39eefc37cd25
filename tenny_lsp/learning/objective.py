"""The loss and the optimizer that MLX-LM's trainer is given."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, cast

import mlx.core as mx
import mlx.nn as nn
import mlx.optimizers as optim

from tenny_lsp.learning.options import TrainOptions

Loss = Callable[[Any, mx.array, mx.array, mx.array, mx.array], tuple[mx.array, mx.array]]


def completion_loss(model: Any) -> Loss:
    """Return the loss for a model: mean cross-entropy of the learned positions, and their number.

    Where the model allows it, the output layer (the widest by far in a small model) is computed for those
    positions only.

    The loss takes the model, inputs ``(B, T) int32``, positions ``(N,) int32`` in the flattened inputs,
    targets ``(N,) int32`` and weights ``(N,) float32``.
    """
    separate = _has_separate_head(model)

    def loss(
        model: Any, inputs: mx.array, positions: mx.array, targets: mx.array, weights: mx.array
    ) -> tuple[mx.array, mx.array]:
        outputs = model.model(inputs) if separate else model(inputs)  # (B, T, D), or (B, T, V) with the head
        chosen = outputs.reshape(-1, outputs.shape[-1])[positions]
        logits = _head(model, chosen) if separate else chosen  # (N, V)
        losses = nn.losses.cross_entropy(logits.astype(mx.float32), targets)
        count = weights.sum()
        return (losses * weights).sum() / count, count

    return loss


def _head(model: Any, hidden: mx.array) -> mx.array:
    """Return the logits ``(..., V)`` of hidden states ``(..., D)``, by the model's own or its tied head."""
    head = model.lm_head if "lm_head" in model else model.model.embed_tokens.as_linear
    return cast("mx.array", head(hidden))


def _has_separate_head(model: Any) -> bool:
    """Return whether body and head, called one after the other, give what the model gives."""
    probe = mx.array([[1, 2, 3, 4]])
    try:
        logits = _head(model, model.model(probe))
    except (AttributeError, TypeError, ValueError):
        return False
    expected = model(probe)
    return logits.shape == expected.shape and bool(mx.allclose(logits, expected, rtol=1e-2, atol=1e-2))


class ClippedOptimizer:
    """Adam or AdamW with warm-up, cosine decay and clipped gradients, as MLX-LM's trainer uses one.

    Args:
        options (TrainOptions): The kind of optimizer, the peak learning rate and the gradient's longest norm.
        iters (int): Iterations in all; the first twentieth of them is the warm-up.
    """

    def __init__(self, options: TrainOptions, iters: int) -> None:
        peak, warmup = options.learning_rate, max(1, iters // 20)
        rising = optim.linear_schedule(peak / (warmup + 1), peak, warmup)
        falling = optim.cosine_decay(peak, max(1, iters - warmup), peak / 10)
        kind = optim.AdamW if options.optimizer == "adamw" else optim.Adam
        self._optimizer = kind(learning_rate=optim.join_schedules([rising, falling], [warmup]))
        self._max_norm = options.max_grad_norm

    @property
    def state(self) -> dict[str, Any]:
        """The optimizer's state."""
        return cast("dict[str, Any]", self._optimizer.state)

    @property
    def learning_rate(self) -> mx.array:
        """The present learning rate, a scalar."""
        return cast("mx.array", self._optimizer.learning_rate)

    def update(self, model: Any, gradients: dict[str, Any]) -> None:
        """Update the model's trainable parameters by one step against the gradients."""
        clipped, _ = optim.clip_grad_norm(gradients, self._max_norm)  # type: ignore[no-untyped-call]
        self._optimizer.update(model, clipped)


@contextmanager
def grad_checkpoint_undone(model: Any) -> Iterator[None]:
    """Restore, on exit, the class of the model's layers, which MLX-LM's ``grad_checkpoint`` patches."""
    layer_type = type(model.layers[0])
    original = layer_type.__call__
    try:
        yield
    finally:
        layer_type.__call__ = original
