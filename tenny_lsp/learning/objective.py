"""The loss of a training."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, cast

import mlx.core as mx
import mlx.nn as nn
from mlx_lm.tuner.trainer import grad_checkpoint

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
        # Of several processes one may have no row of a batch.
        return (losses * weights).sum() / mx.maximum(count, 1.0), count

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


@contextmanager
def checkpointed_layers(model: Any) -> Iterator[None]:
    """Compute activations twice, for less memory, in the layers of a model; undone on exit.

    MLX-LM patches a class, so all classes of layers are patched, and restored.
    """
    types = {type(layer): layer for layer in model.layers}
    calls = {layer_type: layer_type.__call__ for layer_type in types}
    try:
        for layer in types.values():
            grad_checkpoint(layer)
        yield
    finally:
        for layer_type, call in calls.items():
            layer_type.__call__ = call
