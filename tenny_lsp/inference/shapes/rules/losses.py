"""Rules of ``mlx.nn.losses``: reduced they are one number, and some want two arrays of the very same shape."""

from typing import Any

from tenny_lsp.inference.shapes.broadcasting import broadcast, operand, same
from tenny_lsp.inference.shapes.rule import Value, rule
from tenny_lsp.inference.shapes.values import Array, Shape, ShapeError, shape_text

#: What they give unless they are told is not reduced.
_LOSSES = "nll_loss kl_div_loss triplet_loss cosine_similarity_loss margin_ranking_loss"
#: The same, and one value for each of the predictions.
_OF_EACH = "hinge_loss huber_loss log_cosh_loss"
#: Losses that raise for two shapes that are not the same, even where they could be broadcast.
_OF_EQUAL_SHAPES = "binary_cross_entropy l1_loss mse_loss smooth_l1_loss gaussian_nll_loss"


def _reduced(reduction: Any, default: str, each: Shape | None = None) -> Value:
    """Return one number, or what is left unreduced where that is asked for.

    Where nobody has asked for it, the loss itself is found by ``unreduced-loss``, and nothing else need be said.
    """
    if (reduction or default) in ("mean", "sum"):
        return Array((), None)
    return Array(each, None) if reduction == "none" else Array()


@rule(*(f"mlx.nn.losses.{name}" for name in _LOSSES.split()))
def loss(*_: Any, reduction: Any = None, **__: Any) -> Value:
    """One number, or unknown."""
    return _reduced(reduction, "none")


@rule(*(f"mlx.nn.losses.{name}" for name in _OF_EACH.split()))
def loss_of_each(*given: Any, reduction: Any = None, **_: Any) -> Value:
    """One number, or one for each prediction."""
    return _reduced(reduction, "none", _of_both(given))


@rule(*(f"mlx.nn.losses.{name}" for name in _OF_EQUAL_SHAPES.split()))
def loss_of_equal_shapes(*given: Any, targets: Any = None, reduction: Any = None, **named: Any) -> Value:
    """One number, or one for each prediction; predictions and targets have the same shape."""
    first = given[0] if given else named.get("inputs", named.get("predictions"))
    _expect_equal(operand(first).shape, operand(given[1] if len(given) > 1 else targets).shape)
    return _reduced(reduction, "mean", _of_both(given) if len(given) == 2 else None)


@rule("mlx.nn.losses.cross_entropy")
def cross_entropy(
    logits: Any, targets: Any, weights: Any = None, axis: Any = -1, label_smoothing: Any = 0.0, reduction: Any = None
) -> Value:
    """One number, or one for each place; targets are classes, without the axis of the logits, or probabilities."""
    scores, classes = operand(logits).shape, operand(targets).shape
    if scores is not None and classes is not None and axis == -1:
        is_of_classes = len(classes) != len(scores)
        _expect_equal(scores[:-1] if is_of_classes else scores, classes)
    if scores and axis == -1 and weights is not None:  # one for each place, and none of them for a class
        _expect_equal(scores[:-1], operand(weights).shape)
    return _reduced(reduction, "none", scores[:-1] if scores and axis == -1 and weights is None else None)


def _of_both(given: tuple[Any, ...]) -> Shape | None:
    return broadcast(operand(given[0]).shape, operand(given[1]).shape) if len(given) > 1 else None


def _expect_equal(one: Shape | None, other: Shape | None) -> None:
    """Raise a ShapeError for two shapes that are certain to differ."""
    if one is None or other is None:
        return
    message = f"Shapes {shape_text(one)} and {shape_text(other)} are not the same"
    if len(one) != len(other):
        raise ShapeError(message)
    for left, right in zip(one, other, strict=True):
        same(left, right, message)
