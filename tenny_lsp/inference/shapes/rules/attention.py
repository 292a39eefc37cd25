"""Rules of ``mlx.core.fast``: attention, rotary positions, normalisation."""

from typing import Any

from tenny_lsp.inference.shapes.broadcasting import operand, same, unknowns
from tenny_lsp.inference.shapes.dimension import UNKNOWN
from tenny_lsp.inference.shapes.rule import Value, rule
from tenny_lsp.inference.shapes.values import Array, Shape, ShapeError, promote, promote_all, shape_text

_CODE = "attention-mask"


def check_mask(mask: Value, scores: Shape, dtype: str | None) -> None:
    """Check that a mask can be added to the scores.

    Args:
        mask (Value): An array, a string or None.
        scores (Shape): The shape of the scores: batch, heads, queries, keys.
        dtype (str | None): Their dtype.

    Raises:
        ShapeError: It cannot.
    """
    if not isinstance(mask, Array):
        return
    shape = mask.shape or ()
    pairs = list(zip(reversed(shape), reversed(scores), strict=False))
    does_fit = all(one in (1, other) or not isinstance(one, int) or not isinstance(other, int) for one, other in pairs)
    if len(shape) > len(scores) or not does_fit:
        text = f"A mask of shape {shape_text(shape)} does not fit scores of shape {shape_text(scores)}"
        raise ShapeError(f"{text} (batch, heads, queries, keys)", _CODE)
    if dtype is not None and mask.dtype is not None and promote(mask.dtype, dtype) != dtype:
        raise ShapeError(f"A mask of {mask.dtype} would widen attention in {dtype}: give it that dtype, or bool", _CODE)


@rule("mlx.core.fast.scaled_dot_product_attention")
def attention(
    q: Any, k: Any, v: Any, scale: Any = UNKNOWN, mask: Any = None, sinks: Any = None, force_fused: Any = False
) -> Value:
    """The shape of the queries, with the last dimension of the values."""
    queries, keys, values = operand(q), operand(k), operand(v)
    for array in (queries, keys, values):
        if array.ndim is not None and array.ndim != 4:
            raise ShapeError(f"Attention takes arrays of 4 dimensions, not of {array.ndim}")
    shape = queries.shape if queries.shape is not None else (UNKNOWN,) * 4
    dtype = promote_all(array.dtype for array in (queries, keys, values))
    features = queries.dimension(3), keys.dimension(3)
    same(*features, f"Queries of {features[0]} features cannot be compared with keys of {features[1]}")
    heads, shared = queries.dimension(1), keys.dimension(1)
    if isinstance(heads, int) and isinstance(shared, int) and shared and heads % shared:
        raise ShapeError(f"{heads} heads of queries cannot share {shared} of keys: {heads} is no multiple of {shared}")
    check_mask(mask, (*shape[:3], keys.dimension(2)), dtype)
    return Array((*shape[:3], values.dimension(-1)), dtype)


@rule("mlx.core.fast.rope")
def rope(a: Any, dims: Any, traditional: Any = False, base: Any = None, scale: Any = 1.0, offset: Any = 0,
         freqs: Any = None) -> Value:  # fmt: skip
    """The array as it is."""
    return operand(a)


@rule("mlx.core.fast.rms_norm")
def rms_norm(x: Any, weight: Any, eps: Any) -> Value:
    """The shape as it is; the dtype of both."""
    found = operand(x)
    return Array(found.shape, found.dtype if weight is None else promote(found.dtype, operand(weight).dtype))


@rule("mlx.core.fast.layer_norm")
def layer_norm(x: Any, weight: Any, bias: Any, eps: Any) -> Value:
    """The shape as it is; the dtype of all."""
    found = operand(x)
    if weight is None:
        return found
    dtypes = [found.dtype, *(operand(part).dtype for part in (weight, bias) if part is not None)]
    return Array(found.shape, promote_all(dtypes))


@rule("mlx.core.fast.cross_entropy")
def cross_entropy(logits: Any, targets: Any) -> Value:
    """The shape of the logits without the last dimension."""
    shape = operand(logits).shape
    return Array(shape[:-1] if shape is not None else None, None)


@rule("mlx.core.fast.gated_delta_update")
def gated_delta_update(q: Any, k: Any, v: Any, gamma: Any, beta: Any, initial_state: Any = None,
                       mask: Any = None) -> Value:  # fmt: skip
    """The values, and the state."""
    return Array(unknowns(operand(v).ndim)), Array(unknowns(4))
