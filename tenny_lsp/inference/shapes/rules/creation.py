"""Rules that make arrays: zeros, arange, random numbers, windows."""

import math
from typing import Any

from tenny_lsp.inference.shapes.broadcasting import broadcast, number_of, operand, same
from tenny_lsp.inference.shapes.dimension import (
    UNKNOWN,
    Dimension,
    Expression,
    Unknown,
    floor_divide,
    subtract,
)
from tenny_lsp.inference.shapes.rule import Value, core, rule
from tenny_lsp.inference.shapes.rules.reductions import reduced
from tenny_lsp.inference.shapes.values import (
    Array,
    Dtype,
    Items,
    Number,
    Shape,
    is_int,
    is_number,
    promote_all,
    scalar_dtype,
    shape_of,
)

_FLOAT32, _INT32 = Dtype("float32"), Dtype("int32")


def dtype_name(dtype: Value, default: str | None = None) -> str | None:
    """Return the dtype that an argument asks for; ``default`` for None."""
    if dtype is None:
        return default
    return dtype.name if isinstance(dtype, Dtype) else None


@rule("mlx.core.array", "mlx.core.asarray")
def array(val: Any, dtype: Any = None, copy: Any = None) -> Value:
    """What lists of numbers, a number or an array hold."""
    if isinstance(val, Array):
        return Array(val.shape, dtype_name(dtype, val.dtype))
    if is_number(val):
        return Array((), dtype_name(dtype, scalar_dtype(val)))
    found = _nested(val)
    if found is None:
        return Array(None, dtype_name(dtype, None))
    return Array(found.shape, dtype_name(dtype, found.dtype))


def _nested(value: Value) -> Array | None:
    """Return the array that a list of numbers or of arrays makes; None where its shape is unknown."""
    if isinstance(value, Array):
        return value
    if is_number(value):
        return Array((), scalar_dtype(value))
    if isinstance(value, Items):
        each = _nested(value.each)
        return Array((UNKNOWN, *each.shape), each.dtype) if each is not None and each.shape is not None else None
    if not isinstance(value, tuple) or not value:
        return None
    parts = [_nested(item) for item in value]
    shapes = {part.shape for part in parts if part is not None}
    shape = next(iter(shapes), None)
    if None in parts or len(shapes) != 1 or shape is None:
        return None
    dtypes = [part.dtype for part in parts if part is not None]
    return Array((len(value), *shape), promote_all(dtypes))


@rule(*core("zeros ones empty"))
def filled(shape: Any, dtype: Any = _FLOAT32) -> Value:
    """The shape asked for; ``float32`` by default."""
    return Array(shape_of(shape), dtype_name(dtype, "float32"))


@rule("mlx.nn.MultiHeadAttention.create_additive_causal_mask")
def causal_mask(N: Any, dtype: Any = _FLOAT32) -> Value:
    """A square."""
    return Array((number_of(N),) * 2, dtype_name(dtype))


@rule("mlx.core.full")
def full(shape: Any, vals: Any, dtype: Any = None) -> Value:
    """The shape asked for, with the dtype of the values by default."""
    wanted = shape_of(shape)
    broadcast(wanted, operand(vals).shape)
    if isinstance(vals, Array):
        return Array(wanted, vals.dtype)  # whatever dtype is asked for
    if not is_number(vals) or not (dtype is None or isinstance(dtype, Dtype)):
        return Array(wanted, None)
    return Array(wanted, scalar_dtype(vals, dtype.name if dtype is not None else None))


@rule(*core("zeros_like ones_like empty_like"))
def like(a: Any, dtype: Any = None) -> Value:
    """The shape of the array, and its dtype by default."""
    found = operand(a)
    return Array(found.shape, dtype_name(dtype, found.dtype))


@rule("mlx.core.full_like")
def full_like(a: Any, vals: Any, dtype: Any = None) -> Value:
    """The shape of the array, and its dtype by default."""
    return like(a, dtype)


@rule(*core("eye tri"))
def eye(n: Any, m: Any = None, k: Any = 0, dtype: Any = None) -> Value:
    """A matrix; ``float32`` by default."""
    rows = number_of(n)
    return Array((rows, rows if m is None else number_of(m)), dtype_name(dtype, "float32"))


@rule("mlx.core.identity")
def identity(n: Any, dtype: Any = _FLOAT32) -> Value:
    """A square matrix; ``float32`` by default."""
    return Array((number_of(n), number_of(n)), dtype_name(dtype, "float32"))


_MISSING = object()


@rule("mlx.core.arange")
def arange(start: Any = 0, stop: Any = _MISSING, step: Any = 1, dtype: Any = None) -> Value:
    """One dimension from start to stop; ``int32`` for integers by default."""
    if stop is _MISSING or (stop is None and start is not None):
        start, stop = 0, start
    step = 1 if step is None else step
    numbers = (start, stop, step)
    kind: str | None
    if all(is_int(number) for number in numbers):
        kind = "int32" if _is_small(numbers) else None
    elif any(isinstance(n, float) or n == Number("float") for n in numbers) and all(is_number(n) for n in numbers):
        kind = "float32"
    else:
        kind = None
    return Array((_length(start, stop, step),), dtype_name(dtype, kind))


def _is_small(numbers: tuple[Value, ...]) -> bool:
    """Return whether integers are certain to fit into 32 bits: numbers, and as the last of a range a size."""
    start, stop = numbers[:2]
    is_size = isinstance(stop, Expression) and start == 0
    known = [number for number in numbers if not (number is stop and is_size)]
    return all(isinstance(number, int) and -(2**31) <= number < 2**31 for number in known)


def _length(start: Value, stop: Value, step: Value) -> Dimension:
    if all(isinstance(n, int | float) and not isinstance(n, bool) for n in (start, stop, step)) and step:
        size = (stop - start) / step
        return max(math.ceil(size), 0) if math.isfinite(size) else UNKNOWN
    if step == 1 and start == 0 and isinstance(stop, Expression) and stop.is_int:
        return stop
    if isinstance(step, int) and step > 1 and start == 0 and isinstance(stop, Expression) and stop.is_int:
        return floor_divide(_plus(stop, step - 1), step)
    if step == 1 and isinstance(stop, Expression) and isinstance(start, Expression) and stop.is_int and start.is_int:
        size = subtract(stop, start)
        is_positive = isinstance(size, Expression) and all(count > 0 for _, count in size.terms)
        return size if is_positive else UNKNOWN
    return UNKNOWN


def _plus(one: Dimension, number: int) -> Dimension:
    return subtract(one, -number)


@rule("mlx.core.linspace")
def linspace(start: Any, stop: Any, num: Any = 50, endpoint: Any = True, dtype: Any = _FLOAT32) -> Value:
    """One dimension; ``float32`` by default."""
    return Array((number_of(num),), dtype_name(dtype, "float32"))


@rule(*core("bartlett blackman hamming hanning"))
def window(M: Any) -> Value:
    """One dimension of ``float32``."""
    return Array((number_of(M),), "float32")


@rule("mlx.core.random.key")
def key(seed: Any) -> Value:
    """Two ``uint32``."""
    return Array((2,), "uint32")


@rule("mlx.core.random.split")
def split_key(key: Any, num: Any = 2) -> Value:
    """Keys."""
    return Array((number_of(num), 2), "uint32")


@rule(*core("random.gumbel"))
def gumbel(shape: Any = (), dtype: Any = _FLOAT32, key: Any = None) -> Value:
    """The shape asked for; ``float32`` by default."""
    return filled(shape, dtype)


@rule("mlx.core.random.normal")
def normal(shape: Any = (), dtype: Any = _FLOAT32, loc: Any = None, scale: Any = None, key: Any = None) -> Value:
    """The shape asked for; ``float32`` by default."""
    wanted = shape_of(shape)
    is_plain = all(value is None or is_number(value) for value in (loc, scale))
    return Array(wanted, dtype_name(dtype, "float32") if is_plain else None)


@rule("mlx.core.random.laplace")
def laplace(shape: Any = (), dtype: Any = _FLOAT32, loc: Any = 0.0, scale: Any = 1.0, key: Any = None) -> Value:
    """The shape asked for; ``float32`` by default."""
    return filled(shape, dtype)


@rule("mlx.core.random.randint")
def randint(low: Any, high: Any, shape: Any = (), dtype: Any = _INT32, key: Any = None) -> Value:
    """The shape asked for; ``int32`` by default."""
    return Array(shape_of(shape), dtype_name(dtype, "int32"))


@rule("mlx.core.random.uniform")
def uniform(low: Any = 0, high: Any = 1, shape: Any = (), dtype: Any = _FLOAT32, key: Any = None) -> Value:
    """The shape asked for; ``float32`` by default."""
    return Array(shape_of(shape), dtype_name(dtype, "float32"))


@rule("mlx.core.random.truncated_normal")
def truncated_normal(lower: Any, upper: Any, shape: Any = None, dtype: Any = _FLOAT32, key: Any = None) -> Value:
    """The shape asked for, or that of the bounds; ``float32`` by default."""
    return Array(_or_broadcast(shape, lower, upper), dtype_name(dtype, "float32"))


def _or_broadcast(shape: Value, *values: Value) -> Shape | None:
    return broadcast(*(operand(value).shape for value in values)) if shape is None else shape_of(shape)


@rule("mlx.core.random.bernoulli")
def bernoulli(p: Any = 0.5, shape: Any = None, key: Any = None) -> Value:
    """The shape asked for, or that of the probabilities, of ``bool``."""
    return Array(_or_broadcast(shape, p), "bool")


@rule("mlx.core.random.categorical")
def categorical(logits: Any, axis: Any = -1, shape: Any = None, num_samples: Any = None, key: Any = None) -> Value:
    """The shape of the logits without the axis, of ``uint32``."""
    if shape is not None:
        return Array(shape_of(shape), "uint32")
    rest = reduced(operand(logits).shape, axis, False) if axis is not None else None
    if num_samples is None:
        return Array(rest, "uint32")
    return Array((*rest, number_of(num_samples)) if rest is not None else None, "uint32")


@rule("mlx.core.random.permutation")
def permutation(x: Any, axis: Any = 0, key: Any = None) -> Value:
    """The array as it is, or that many numbers."""
    if isinstance(x, Array):
        return x
    return Array((number_of(x),), None) if is_int(x) else Array()


@rule("mlx.core.random.multivariate_normal")
def multivariate_normal(mean: Any, cov: Any, shape: Any = (), dtype: Any = _FLOAT32, key: Any = None) -> Value:
    """The shape asked for, and the size of the mean."""
    wanted, size = shape_of(shape), operand(mean)
    if wanted is None or size.shape is None or len(size.shape) != 1 or operand(cov).ndim != 2:
        return Array(None, dtype_name(dtype, "float32"))
    last = same(size.shape[0], operand(cov).dimension(0), "Mean and covariance differ in size")
    return Array((*wanted, last) if not isinstance(last, Unknown) else None, dtype_name(dtype, "float32"))
