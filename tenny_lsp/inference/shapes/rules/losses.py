"""Rules of ``mlx.nn.losses``: reduced they are one number, and some want two arrays of the very same shape."""

from typing import Any

from tenny_lsp.inference.shapes.broadcasting import operand, same
from tenny_lsp.inference.shapes.rule import Value, rule
from tenny_lsp.inference.shapes.values import Array, Shape, ShapeError, shape_text

_LOSSES = (
    "nll_loss kl_div_loss triplet_loss cosine_similarity_loss margin_ranking_loss hinge_loss huber_loss log_cosh_loss"
)
#: Losses that raise for two shapes that are not the same, even where they could be broadcast.
_OF_EQUAL_SHAPES = "binary_cross_entropy l1_loss mse_loss smooth_l1_loss gaussian_nll_loss"


def _reduced(reduction: Any) -> Value:
    return Array((), None) if reduction in ("mean", "sum") else Array()


@rule(*(f"mlx.nn.losses.{name}" for name in _LOSSES.split()))
def loss(*_: Any, reduction: Any = "none", **__: Any) -> Value:
    """One number, or unknown."""
    return _reduced(reduction)


@rule(*(f"mlx.nn.losses.{name}" for name in _OF_EQUAL_SHAPES.split()))
def loss_of_equal_shapes(*given: Any, targets: Any = None, reduction: Any = "mean", **named: Any) -> Value:
    """One number, or unknown; predictions and targets have the same shape."""
    first = given[0] if given else named.get("inputs", named.get("predictions"))
    _expect_equal(operand(first).shape, operand(given[1] if len(given) > 1 else targets).shape)
    return _reduced(reduction)


@rule("mlx.nn.losses.cross_entropy")
def cross_entropy(
    logits: Any, targets: Any, weights: Any = None, axis: Any = -1, label_smoothing: Any = 0.0, reduction: Any = "none"
) -> Value:
    """One number, or unknown; targets are classes, without the axis of the logits, or probabilities, with it."""
    scores, classes = operand(logits).shape, operand(targets).shape
    if scores is not None and classes is not None and axis == -1:
        is_of_classes = len(classes) != len(scores)
        _expect_equal(scores[:-1] if is_of_classes else scores, classes)
    return _reduced(reduction)


def _expect_equal(one: Shape | None, other: Shape | None) -> None:
    """Raise a ShapeError for two shapes that are certain to differ."""
    if one is None or other is None:
        return
    message = f"Shapes {shape_text(one)} and {shape_text(other)} are not the same"
    if len(one) != len(other):
        raise ShapeError(message)
    for left, right in zip(one, other, strict=True):
        same(left, right, message)
