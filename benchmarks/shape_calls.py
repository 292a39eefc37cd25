"""Random calls of MLX's operations and layers, for the rules of shapes and dtypes to be compared with MLX.

A maker gets a ``random.Random`` and returns the arguments and keywords of one call, arrays among them; about one call
in ten is one that MLX refuses. ``MAKERS`` has one for each function, by full name.
"""

from collections.abc import Callable
from random import Random
from typing import Any, TypeAlias

import mlx.core as mx

#: The arguments and the keywords of a call.
Call: TypeAlias = tuple[list[Any], dict[str, Any]]
Maker: TypeAlias = Callable[[Random], Call]

FLOATS = [mx.float16, mx.bfloat16, mx.float32]
INTEGERS = [mx.uint8, mx.uint16, mx.uint32, mx.uint64, mx.int8, mx.int16, mx.int32, mx.int64]
ALL = [mx.bool_, *INTEGERS, *FLOATS, mx.complex64]
#: Full name → what makes its calls.
MAKERS: dict[str, Maker] = {}


def makes(names: str, prefix: str = "mlx.core.") -> Callable[[Maker], Maker]:
    """Register a maker for functions, given with spaces between their names."""

    def register(maker: Maker) -> Maker:
        for name in names.split():
            assert prefix + name not in MAKERS, name
            MAKERS[prefix + name] = maker
        return maker

    return register


def size(r: Random) -> int:
    """Return a dimension, mostly small, sometimes 1, seldom 0."""
    return r.choice([0, 1, 1, 1, 2, 2, 3, 3, 4, 5, 6]) if r.random() < 0.3 else r.randint(1, 5)


def shape(r: Random, low: int = 0, high: int = 4) -> tuple[int, ...]:
    """Return a shape."""
    return tuple(size(r) for _ in range(r.randint(low, high)))


def array(
    r: Random, low: int = 0, high: int = 4, dtypes: list[Any] = ALL, of: tuple[int, ...] | None = None
) -> mx.array:
    """Return an array of ones."""
    return mx.ones(shape(r, low, high) if of is None else of, r.choice(dtypes))


def like(r: Random, given: tuple[int, ...]) -> tuple[int, ...]:
    """Return a shape that most likely broadcasts with another."""
    found = [1 if r.random() < 0.25 else dimension for dimension in given[r.randint(0, len(given)) :]]
    if r.random() < 0.3:
        found = list(given)
    if r.random() < 0.2:
        found = [size(r), *found]
    if found and r.random() < 0.08:
        found[r.randrange(len(found))] = size(r)
    return tuple(found)


def axis(r: Random, ndim: int) -> int:
    """Return an axis, seldom out of range."""
    if r.random() < 0.05 or not ndim:
        return r.choice([ndim, -ndim - 1, 0, -1])
    return r.randrange(-ndim, ndim)


def axes(r: Random, ndim: int) -> tuple[int, ...]:
    """Return some axes."""
    return tuple(r.sample(range(ndim), r.randint(1, ndim))) if ndim else (0,)


def some_axes(r: Random, ndim: int) -> Any:
    """Return None, an axis, or several."""
    return r.choice([None, axis(r, ndim), axis(r, ndim), axes(r, ndim)])


def maybe(r: Random, **keywords: Any) -> dict[str, Any]:
    """Return some of these keywords."""
    return {name: value for name, value in keywords.items() if r.random() < 0.5}


def number(r: Random) -> Any:
    """Return a Python number."""
    return r.choice([True, 2, 3, -1, 0.5, 2.0, 1])


@makes("abs acos acosh arccos arccosh arcsin arcsinh arctan arctanh asin asinh atan atanh cosh degrees erf erfinv "
       "expm1 radians sigmoid sinh tan tanh cos exp log log10 log1p log2 rsqrt sin sqrt ceil floor "
       "negative positive sign "
       "trunc stop_gradient contiguous square conj conjugate bitwise_invert round reciprocal real imag isfinite isinf "
       "isnan isneginf isposinf logical_not nan_to_num zeros_like ones_like empty_like")  # fmt: skip
def unary(r: Random) -> Call:
    return [array(r) if r.random() < 0.9 else number(r)], {}


@makes("abs cos exp log log10 log1p log2 rsqrt sin sqrt square conj round reciprocal", "mlx.core.array.")
def unary_method(r: Random) -> Call:
    return [array(r)], {}


@makes("real imag T mT", "mlx.core.array.")
def prop(r: Random) -> Call:
    return [array(r)], {}


@makes("add subtract multiply maximum minimum floor_divide remainder power pow divide arctan2 atan2 logaddexp divmod "
       "equal greater greater_equal less less_equal not_equal logical_and logical_or logical_xor isclose allclose "
       "array_equal bitwise_and bitwise_or bitwise_xor left_shift right_shift bitwise_left_shift "
       "bitwise_right_shift")  # fmt: skip
def binary(r: Random) -> Call:
    one = array(r)
    other: Any = array(r, of=like(r, one.shape)) if r.random() < 0.7 else number(r)
    return [one, other] if r.random() < 0.7 else [other, one], {}


@makes("clip")
def clip(r: Random) -> Call:
    one = array(r)
    bounds: list[Any] = [r.choice([None, number(r), array(r, of=like(r, one.shape))]) for _ in range(2)]
    return [one, *bounds], {}


@makes("where")
def where(r: Random) -> Call:
    one = array(r)
    x, y = (r.choice([number(r), array(r, of=like(r, one.shape))]) for _ in range(2))
    return [one, x, y], {}


@makes("item", "mlx.core.array.")
def item(r: Random) -> Call:
    return [array(r, of=())], {}


@makes("astype")
@makes("astype view", "mlx.core.array.")
@makes("view")
def astype(r: Random) -> Call:
    return [array(r), r.choice(ALL)], {}


@makes("result_type")
def result_type(r: Random) -> Call:
    return [r.choice([array(r), r.choice(ALL)]) for _ in range(r.randint(1, 3))], {}


@makes("to_fp8")
def to_fp8(r: Random) -> Call:
    return [array(r, dtypes=FLOATS)], {}


@makes("from_fp8")
def from_fp8(r: Random) -> Call:
    return [array(r, dtypes=[mx.uint8])], maybe(r, dtype=r.choice(FLOATS))


@makes("all any argmax argmin max min mean logsumexp median var std sum prod count_nonzero minmax")
@makes("all any argmax argmin max min mean logsumexp var std sum prod", "mlx.core.array.")
def reduction(r: Random) -> Call:
    one = array(r)
    return [one], maybe(r, axis=some_axes(r, one.ndim), keepdims=r.random() < 0.5)


@makes("softmax")
def softmax(r: Random) -> Call:
    one = array(r)
    return [one], maybe(r, axis=some_axes(r, one.ndim), precise=True)


@makes("cumsum cumprod cumulative_prod cumulative_sum cummax cummin logcumsumexp")
@makes("cumsum cumprod cummax cummin logcumsumexp", "mlx.core.array.")
def cumulative(r: Random) -> Call:
    one = array(r)
    return [one], maybe(r, axis=r.choice([None, axis(r, one.ndim)]), reverse=True, inclusive=False)


@makes("sort argsort")
def sort(r: Random) -> Call:
    one = array(r)
    return [one], maybe(r, axis=r.choice([None, axis(r, one.ndim)]))


@makes("partition argpartition topk")
def topk(r: Random) -> Call:
    one = array(r, 1)
    return [one, r.randint(1, 3)], maybe(r, axis=r.choice([None, axis(r, one.ndim)]))


@makes("searchsorted")
def searchsorted(r: Random) -> Call:
    return [array(r, 1, 1, FLOATS), array(r, dtypes=FLOATS)], maybe(r, side="right")


def _wanted(r: Random, given: tuple[int, ...]) -> tuple[int, ...]:
    """Return a shape of as many elements, as a rule."""
    factors = [f for d in given for f in ({4: [2, 2], 6: [2, 3]}.get(d, [d]))]
    r.shuffle(factors)
    found: list[int] = []
    for factor in factors:
        if found and r.random() < 0.5:
            found[-1] *= factor
        else:
            found.append(factor)
    if r.random() < 0.3:
        found.insert(r.randint(0, len(found)), 1)
    if found and r.random() < 0.5:
        found[r.randrange(len(found))] = -1
    if found and r.random() < 0.05:
        found[0] = 7
    return tuple(found)


@makes("reshape")
def reshape(r: Random) -> Call:
    one = array(r)
    return [one, r.choice([tuple, list])(_wanted(r, one.shape))], {}


@makes("reshape", "mlx.core.array.")
def reshape_method(r: Random) -> Call:
    one = array(r)
    wanted = _wanted(r, one.shape)
    return [one, *(wanted if wanted and r.random() < 0.6 else [wanted])], {}


@makes("flatten")
@makes("flatten", "mlx.core.array.")
def flatten(r: Random) -> Call:
    one = array(r)
    return [one], maybe(r, start_axis=axis(r, one.ndim), end_axis=axis(r, one.ndim))


@makes("unflatten")
def unflatten(r: Random) -> Call:
    one = array(r, 1)
    place = axis(r, one.ndim)
    known = one.shape[place] if -one.ndim <= place < one.ndim else 2
    if not known:  # unflattening nothing with a -1 ends the process
        return [one, place, (0, 2)], {}
    return [one, place, _wanted(r, (known,))], {}


@makes("transpose permute_dims")
def transpose(r: Random) -> Call:
    one = array(r)
    order = r.sample(range(one.ndim), one.ndim)
    if order and r.random() < 0.3:
        order = [i - one.ndim if r.random() < 0.5 else i for i in order]
    if order and r.random() < 0.06:
        order[0] = order[-1]
    return [one], {"axes": order} if r.random() < 0.8 else {}


@makes("transpose", "mlx.core.array.")
def transpose_method(r: Random) -> Call:
    one = array(r)
    order = r.sample(range(one.ndim), one.ndim)
    return [one, *(r.choice([order, [order], []]) if order else [])], {}


@makes("matrix_transpose")
def matrix(r: Random) -> Call:
    return [array(r, 1)], {}


@makes("swapaxes moveaxis")
@makes("swapaxes moveaxis", "mlx.core.array.")
def swapaxes(r: Random) -> Call:
    one = array(r)
    return [one, axis(r, one.ndim), axis(r, one.ndim)], {}


@makes("expand_dims")
def expand_dims(r: Random) -> Call:
    one = array(r)
    return [one, r.choice([axis(r, one.ndim + 1), axes(r, one.ndim + 1), list(axes(r, one.ndim + 2))])], {}


@makes("squeeze")
@makes("squeeze", "mlx.core.array.")
def squeeze(r: Random) -> Call:
    one = array(r, of=tuple(r.choice([1, 1, size(r)]) for _ in range(r.randint(0, 4))))
    return [one], maybe(r, axis=some_axes(r, one.ndim))


@makes("broadcast_to")
def broadcast_to(r: Random) -> Call:
    one = array(r)
    wanted = [size(r) if d == 1 else d for d in one.shape]
    wanted = [size(r)] * r.randint(0, 1) + wanted
    if wanted and r.random() < 0.1:
        wanted[0] = size(r)
    return [one, wanted], {}


@makes("broadcast_arrays")
def broadcast_arrays(r: Random) -> Call:
    one = array(r)
    return [one, *(array(r, of=like(r, one.shape)) for _ in range(r.randint(0, 2)))], {}


@makes("broadcast_shapes")
def broadcast_shapes(r: Random) -> Call:
    one = shape(r)
    return [one, like(r, one)], {}


@makes("atleast_1d atleast_2d atleast_3d")
def at_least(r: Random) -> Call:
    return [array(r) for _ in range(r.randint(1, 2))], {}


@makes("as_strided")
def as_strided(r: Random) -> Call:
    return [array(r, 1, dtypes=FLOATS), (2, 1), (0, 0)], {}


@makes("pad")
def pad(r: Random) -> Call:
    one = array(r, 1)
    pairs = [(r.randint(0, 2), r.randint(0, 2)) for _ in range(one.ndim)]
    return [one, r.choice([1, (1, 2), [2], pairs, [(1, 1)], (3,), 0])], maybe(r, constant_values=0)


@makes("flip")
def flip(r: Random) -> Call:
    one = array(r)
    return [one], maybe(r, axis=some_axes(r, one.ndim))


@makes("roll")
def roll(r: Random) -> Call:
    one = array(r, 1)
    return [one, r.randint(-2, 2)], maybe(r, axis=axis(r, one.ndim))


@makes("slice")
def slice_(r: Random) -> Call:
    one = array(r, 2, 2, FLOATS)
    return [one, mx.array([0, 0]), (0, 1), (1, 1)], {}


@makes("slice_update")
def slice_update(r: Random) -> Call:
    return [array(r, 2, 2, FLOATS), mx.ones((1, 1)), mx.array([0, 0]), (0, 1)], {}


@makes("diagonal")
@makes("diagonal", "mlx.core.array.")
def diagonal(r: Random) -> Call:
    one = array(r, 1)
    return [one], maybe(r, offset=r.randint(-2, 2), axis1=axis(r, one.ndim), axis2=axis(r, one.ndim))


@makes("diag")
@makes("diag", "mlx.core.array.")
def diag(r: Random) -> Call:
    return [array(r, 1, 2)], maybe(r, k=r.randint(-3, 3))


@makes("trace")
def trace(r: Random) -> Call:
    return [array(r, 2)], maybe(r, offset=r.randint(-1, 1), dtype=r.choice(ALL))


@makes("tril triu")
def triangle(r: Random) -> Call:
    return [array(r, 1)], maybe(r, k=r.randint(-1, 1))


def _joinable(r: Random, place: int | None) -> list[mx.array]:
    one = shape(r, 1)
    found = []
    for _ in range(r.randint(1, 3)):
        dimensions = list(one)
        if place is not None and -len(one) <= place < len(one):
            dimensions[place] = size(r)
        if r.random() < 0.05:
            dimensions[r.randrange(len(one))] += 1
        if r.random() < 0.03:
            dimensions.append(1)
        found.append(array(r, of=tuple(dimensions)))
    return found


@makes("concatenate concat")
def concatenate(r: Random) -> Call:
    place = r.choice([0, 0, 1, -1, -2, None])
    return [_joinable(r, place)], {} if place == 0 else {"axis": place}


@makes("stack")
def stack(r: Random) -> Call:
    return [_joinable(r, None)], maybe(r, axis=r.choice([0, 1, -1, 2, 3]))


@makes("split")
@makes("split", "mlx.core.array.")
def split(r: Random) -> Call:
    one = array(r, 1)
    sections = r.choice([1, 2, 3, [1], [1, 2], [2, 4], [0, 1], [-1], []])
    return [one, sections], maybe(r, axis=axis(r, one.ndim))


@makes("unstack")
def unstack(r: Random) -> Call:
    one = array(r, 1)
    return [one], maybe(r, axis=axis(r, one.ndim))


@makes("repeat")
def repeat(r: Random) -> Call:
    one = array(r)
    return [one, r.randint(0, 3)], maybe(r, axis=axis(r, one.ndim))


@makes("tile")
def tile(r: Random) -> Call:
    return [array(r), r.choice([2, (2,), (1, 3), [2, 1, 2], (1, 2, 1, 1, 2), ()])], {}


@makes("meshgrid")
def meshgrid(r: Random) -> Call:
    return [array(r, 0, 1) for _ in range(r.randint(1, 3))], maybe(r, sparse=True, indexing=r.choice(["xy", "ij"]))


@makes("diff")
def diff(r: Random) -> Call:
    one = array(r, 1)
    return [one], maybe(r, n=r.randint(0, 3), axis=axis(r, one.ndim))


@makes("array asarray")
def array_of(r: Random) -> Call:
    value: Any = r.choice([number(r), [1, 2, 3], [[1, 2], [3, 4]], [1.0, 2], [True], array(r), [True, 2], [],
                           [[1, 2.5]],
                           [array(r, of=(2,)), array(r, of=(2,))], (1, 2), [[1], [2, 3]]])  # fmt: skip
    return [value], maybe(r, dtype=r.choice(ALL))


@makes("zeros ones empty")
def filled(r: Random) -> Call:
    return [r.choice([shape(r), list(shape(r)), size(r)])], maybe(r, dtype=r.choice(ALL))


@makes("full")
def full(r: Random) -> Call:
    wanted = shape(r)
    return [wanted, r.choice([number(r), array(r, of=like(r, wanted))])], maybe(r, dtype=r.choice(ALL))


@makes("full_like")
def full_like(r: Random) -> Call:
    return [array(r), number(r)], maybe(r, dtype=r.choice(ALL))


@makes("eye tri")
def eye(r: Random) -> Call:
    return [r.randint(1, 5)], maybe(r, m=r.randint(1, 5), k=r.randint(-1, 1), dtype=r.choice(FLOATS))


@makes("identity")
def identity(r: Random) -> Call:
    return [r.randint(1, 5)], maybe(r, dtype=r.choice(FLOATS))


@makes("arange")
def arange(r: Random) -> Call:
    numbers = [r.choice([0, 1, 2, 5, 7, 10, -3, 2.5, 0.5]) for _ in range(r.randint(1, 3))]
    if len(numbers) == 3 and not numbers[2]:
        numbers[2] = 1
    return numbers, maybe(r, dtype=r.choice([mx.int32, mx.float32, mx.float16]))


@makes("linspace")
def linspace(r: Random) -> Call:
    return [0, 1], maybe(r, num=r.randint(1, 6), endpoint=False, dtype=r.choice(FLOATS))


@makes("bartlett blackman hamming hanning random.key")
def one_number(r: Random) -> Call:
    return [r.randint(1, 6)], {}


@makes("random.split")
def random_split(r: Random) -> Call:
    return [mx.random.key(0)], maybe(r, num=r.randint(1, 4))


@makes("random.gumbel random.normal random.laplace random.uniform")
def random(r: Random) -> Call:
    return [], maybe(
        r, shape=r.choice([shape(r), list(shape(r))]), dtype=r.choice([mx.float16, mx.float32, mx.bfloat16])
    )


@makes("random.randint")
def randint(r: Random) -> Call:
    return [0, 5], maybe(r, shape=shape(r), dtype=r.choice([mx.int32, mx.uint8, mx.int64]))


@makes("random.truncated_normal")
def truncated(r: Random) -> Call:
    low = r.choice([-1.0, array(r, dtypes=[mx.float32])])
    return [low, 2.0], maybe(r, shape=shape(r), dtype=r.choice([mx.float16, mx.float32]))


@makes("random.bernoulli")
def bernoulli(r: Random) -> Call:
    return [], maybe(r, p=r.choice([0.2, array(r, dtypes=[mx.float32])]), shape=shape(r))


@makes("random.categorical")
def categorical(r: Random) -> Call:
    one = array(r, 1, dtypes=FLOATS)
    return [one], maybe(r, axis=axis(r, one.ndim), num_samples=r.randint(1, 3))


@makes("random.permutation")
def permutation(r: Random) -> Call:
    return [r.choice([r.randint(1, 5), array(r, 1)])], {}


@makes("random.multivariate_normal")
def multivariate(r: Random) -> Call:
    n = r.randint(1, 3)
    return [mx.zeros(n), mx.eye(n)], maybe(r, shape=shape(r))


def _multipliable(r: Random) -> tuple[mx.array, mx.array]:
    n, k, m = size(r), size(r), size(r)
    outer = shape(r, 0, 2)
    other = k if r.random() < 0.93 else size(r)
    one = array(r, of=r.choice([(k,), (*outer, n, k), (n, k)]), dtypes=[*FLOATS, mx.float32, mx.complex64, mx.int32])
    return one, array(r, of=r.choice([(other,), (*like(r, outer), other, m), (other, m)]), dtypes=[*FLOATS, mx.float32])


@makes("matmul")
def matmul(r: Random) -> Call:
    return list(_multipliable(r)), {}


@makes("addmm")
def addmm(r: Random) -> Call:
    a, b = _multipliable(r)
    return [array(r, of=r.choice([(), (1,), (b.shape[-1],)]), dtypes=FLOATS), a, b], {}


@makes("inner")
def inner(r: Random) -> Call:
    one = array(r, dtypes=FLOATS)
    return [one, array(r, of=(*shape(r, 0, 2), *one.shape[-1:]), dtypes=FLOATS)], {}


@makes("outer kron")
def outer(r: Random) -> Call:
    return [array(r, 1, 2), array(r, 1, 2)], {}


@makes("tensordot")
def tensordot(r: Random) -> Call:
    one = array(r, 2, 3, FLOATS)
    if r.random() < 0.5:
        return [one, array(r, of=(*one.shape[-2:], *shape(r, 0, 1)), dtypes=FLOATS)], maybe(r, axes=2)
    other = array(r, of=(size(r), one.shape[0]), dtypes=FLOATS)
    return [one, other], {"axes": r.choice([[[0], [1]], [[0], [-1]], 1])}


@makes("einsum")
def einsum(r: Random) -> Call:
    sizes = {letter: size(r) for letter in "ijkbd"}
    inputs = ["".join(r.sample("ijkbd", r.randint(1, 3))) for _ in range(r.randint(1, 3))]
    letters = sorted(set("".join(inputs)))
    text = ",".join(inputs)
    if r.random() < 0.7:
        text += "->" + "".join(r.sample(letters, r.randint(0, len(letters))))
    arrays = [
        array(r, of=tuple(1 if r.random() < 0.03 else sizes[letter] for letter in part), dtypes=FLOATS)
        for part in inputs
    ]
    return [text, *arrays], {}


@makes("hadamard_transform")
def hadamard(r: Random) -> Call:
    return [array(r, of=(*shape(r, 0, 2), r.choice([2, 4, 8])), dtypes=FLOATS)], {}


@makes("convolve")
def convolve(r: Random) -> Call:
    return [array(r, of=(r.randint(1, 6),), dtypes=FLOATS), array(r, of=(r.randint(1, 4),), dtypes=FLOATS)], maybe(
        r, mode=r.choice(["full", "same", "valid"])
    )


@makes("block_masked_mm")
def block_masked(r: Random) -> Call:
    return [mx.ones((32, 32)), mx.ones((32, r.choice([32, 64])))], {"block_size": 32}


@makes("gather_mm")
def gather_mm(r: Random) -> Call:
    n, k, m = r.randint(1, 4), r.randint(1, 4), r.randint(1, 4)
    a = array(r, of=(*shape(r, 0, 1), n, k), dtypes=[mx.float32])
    b = array(r, of=(3, k, m), dtypes=[mx.float32])
    return [a, b], {"rhs_indices": mx.zeros(shape(r, 1, 2), mx.uint32)}


@makes("segmented_mm")
def segmented(r: Random) -> Call:
    return [mx.ones((r.randint(1, 3), 4)), mx.ones((4, r.randint(1, 3))), mx.zeros((r.randint(1, 3), 2), mx.uint32)], {}


@makes("quantize")
def quantize(r: Random) -> Call:
    w = array(r, of=(*shape(r, r.choice([0, 1, 1, 1]), 2), r.choice([48, 64, 128, 256])), dtypes=FLOATS)
    options = maybe(r, group_size=r.choice([16, 32, 32, 64, 128]), bits=r.choice([2, 3, 4, 5, 6, 7, 8]))
    return [w], {**options, **maybe(r, mode=r.choice(["affine", "mxfp4", "mxfp8", "nvfp4"]))}


@makes("dequantize")
def dequantize(r: Random) -> Call:
    bits = r.choice([2, 3, 4, 6, 8])
    parts = mx.quantize(mx.ones((4, 128), r.choice(FLOATS)), group_size=64, bits=bits)
    return list(parts), {"group_size": 64, "bits": bits}


@makes("quantized_matmul")
def quantized_matmul(r: Random) -> Call:
    rows, columns = r.choice([64, 128]), r.choice([64, 128])
    dtype = r.choice(FLOATS)
    w = mx.quantize(mx.ones((rows, columns), dtype))
    transpose = r.random() < 0.7
    x = array(r, of=(*shape(r, 0, 2), columns if transpose else rows), dtypes=[dtype, mx.float32])
    return [x, *w], {} if transpose else {"transpose": False}


@makes("gather_qmm")
def gather_qmm(r: Random) -> Call:
    w = mx.quantize(mx.ones((3, 32, 64)))
    return [array(r, of=(*shape(r, 0, 1), 2, 64), dtypes=[mx.float32]), *w], {
        "rhs_indices": mx.zeros(shape(r, 1, 2), mx.uint32)
    }


def _conv(name: str, axes_: int) -> None:
    def conv(r: Random) -> Call:
        kernel = [r.randint(1, 3) for _ in range(axes_)]
        channels = r.randint(1, 3)
        spatial = [r.randint(1, 8) for _ in range(axes_)]
        given = channels if r.random() < 0.95 else channels + 1
        x = mx.ones((r.randint(1, 2), *spatial, given), r.choice(FLOATS))
        w = mx.ones((r.randint(1, 3), *kernel, channels), r.choice(FLOATS))
        return [x, w], maybe(
            r,
            stride=r.choice([1, 2, tuple(r.randint(1, 2) for _ in range(axes_))]) if axes_ > 1 else r.randint(1, 3),
            padding=r.randint(0, 2),
            **({"kernel_dilation": 2} if name == "conv_general" else {"dilation": r.randint(1, 2)}),
        )

    MAKERS[f"mlx.core.{name}"] = conv


for _axes in (1, 2, 3):
    _conv(f"conv{_axes}d", _axes)
    _conv(f"conv_transpose{_axes}d", _axes)
_conv("conv_general", 2)


@makes("take")
def take(r: Random) -> Call:
    one = array(r, 1)
    indices: Any = r.choice([0, mx.zeros(shape(r), mx.int32)])
    return [one, indices], maybe(r, axis=axis(r, one.ndim))


@makes("put_along_axis")
def put_along(r: Random) -> Call:
    one = array(r, 1, 3, FLOATS)
    return [one, mx.zeros(one.shape, mx.int32), mx.ones(one.shape)], {"axis": axis(r, one.ndim)}


@makes("take_along_axis")
def take_along(r: Random) -> Call:
    one = array(r, 1)
    place = axis(r, one.ndim)
    wanted = list(one.shape)
    if -one.ndim <= place < one.ndim:
        wanted[place] = size(r)
    if r.random() < 0.2:
        wanted[r.randrange(len(wanted))] = 1
    return [one, mx.zeros(wanted, mx.int32)], {"axis": place}


@makes("unique")
def unique(r: Random) -> Call:
    return [array(r, 1, dtypes=INTEGERS)], {"size": r.randint(1, 4)}


@makes("depends")
def depends(r: Random) -> Call:
    return [array(r), array(r)], {}


@makes("fft.fft fft.ifft fft.rfft fft.irfft")
def fft(r: Random) -> Call:
    one = array(r, 1, 3, [mx.float32, mx.int32])
    return [one], maybe(r, n=r.randint(1, 6), axis=axis(r, one.ndim))


@makes("fft.fft2 fft.ifft2 fft.rfft2 fft.irfft2 fft.fftn fft.ifftn fft.rfftn fft.irfftn")
def fftn(r: Random) -> Call:
    one = array(r, 2, 3, [mx.float32])
    sizes = [r.randint(1, 5), r.randint(1, 5)]
    return [one], r.choice([{}, {"axes": [0, 1]}, {"axes": [-2, -1]}, {"s": sizes}, {"s": sizes, "axes": [0, -1]}])


@makes("fft.fftshift fft.ifftshift")
def fftshift(r: Random) -> Call:
    one = array(r, 1)
    return [one], maybe(r, axes=axes(r, one.ndim))


@makes("fft.fftfreq fft.rfftfreq")
def fftfreq(r: Random) -> Call:
    return [r.randint(1, 7)], maybe(r, d=0.5)


@makes("fft.stft")
def stft(r: Random) -> Call:
    return [mx.ones((*shape(r, 0, 1), 64))], {"n_fft": 16}


@makes("linalg.inv linalg.cholesky linalg.tri_inv linalg.pinv linalg.cholesky_inv linalg.eigvals linalg.eigvalsh "
       "linalg.eig linalg.eigh linalg.det linalg.slogdet linalg.lu_factor linalg.lu")  # fmt: skip
def square_matrix(r: Random) -> Call:
    n = r.randint(1, 4)
    eye = mx.broadcast_to(mx.eye(n, dtype=r.choice([mx.float32, mx.float32, mx.float16])), (*shape(r, 0, 1), n, n))
    return [eye], {"stream": mx.cpu}


@makes("linalg.qr linalg.svd")
def any_matrix(r: Random) -> Call:
    return [mx.ones((*shape(r, 0, 1), r.randint(1, 4), r.randint(1, 4)))], {"stream": mx.cpu}


@makes("linalg.norm matrix_norm")
def norm(r: Random) -> Call:
    one = array(r, 1)
    return [one], maybe(r, axis=r.choice([axis(r, one.ndim), None]), keepdims=True)


@makes("linalg.solve linalg.solve_triangular")
def solve(r: Random) -> Call:
    n = r.randint(1, 3)
    return [mx.eye(n), mx.ones((n, r.randint(1, 3)))], {"stream": mx.cpu}


@makes("linalg.cross")
def cross(r: Random) -> Call:
    return [array(r, of=(2, 3), dtypes=FLOATS), array(r, of=(2, 3), dtypes=FLOATS)], {}


@makes("fast.scaled_dot_product_attention")
def attention(r: Random) -> Call:
    b, heads, n, d = r.randint(1, 2), r.choice([1, 2]), r.randint(1, 4), r.choice([4, 8])
    dtype = r.choice(FLOATS)
    q = mx.ones((b, r.choice([heads, 2 * heads, heads + 1]), n, d), dtype)
    m = r.randint(1, 4)
    k, v = (
        mx.ones((b, heads, m, d), dtype),
        mx.ones((b, heads, m, r.choice([d, d, 2 * d])), r.choice([dtype, mx.float32])),
    )
    full = (b, q.shape[1], n, m)
    sizes = tuple(r.choice([size, size, size, 1, r.randint(1, 4)]) for size in full[r.randint(0, 4) :])
    added = mx.zeros((*([1] if r.random() < 0.1 else []), *sizes), r.choice([*FLOATS, mx.bool_]))
    masks = [None, "causal", added, added]
    return [q, k, v], {"scale": 1.0, **maybe(r, mask=r.choice(masks))}


@makes("fast.rope")
def rope(r: Random) -> Call:
    one = array(r, of=(*shape(r, 1, 2), 2, 8), dtypes=FLOATS)
    return [one, 8], {"traditional": False, "base": 10000.0, "scale": 1.0, "offset": 0}


@makes("fast.rms_norm")
def rms_norm(r: Random) -> Call:
    one = array(r, 1, dtypes=FLOATS)
    return [one, r.choice([None, mx.ones(one.shape[-1:], r.choice(FLOATS))]), 1e-5], {}


@makes("fast.layer_norm")
def layer_norm(r: Random) -> Call:
    one = array(r, 1, dtypes=FLOATS)
    weight, bias = (r.choice([None, mx.ones(one.shape[-1:], r.choice(FLOATS))]) for _ in range(2))
    return [one, weight, bias, 1e-5], {}


@makes("fast.cross_entropy")
def fast_cross_entropy(r: Random) -> Call:
    one = array(r, 1, 3, FLOATS)
    return [one, mx.zeros(one.shape[:-1], mx.int32)], {}


@makes("celu elu gelu gelu_approx gelu_fast_approx hard_tanh hardswish leaky_relu log_sigmoid mish relu relu2 "
       "relu6 selu sigmoid silu softplus softsign hard_shrink softshrink step", "mlx.nn.")  # fmt: skip
def activation(r: Random) -> Call:
    return [array(r, dtypes=[*FLOATS, mx.float32, mx.int32])], {}


@makes("glu softmax softmin log_softmax", "mlx.nn.")
def along(r: Random) -> Call:
    one = array(r, 1, dtypes=FLOATS)
    return [one], maybe(r, axis=axis(r, one.ndim))


@makes("prelu", "mlx.nn.")
def prelu(r: Random) -> Call:
    return [array(r, dtypes=FLOATS), mx.ones(1)], {}


@makes("hinge_loss huber_loss log_cosh_loss binary_cross_entropy l1_loss mse_loss smooth_l1_loss kl_div_loss "
       "cosine_similarity_loss", "mlx.nn.losses.")  # fmt: skip
def loss(r: Random) -> Call:
    one = array(r, 2, 3, FLOATS)
    other = one if r.random() < 0.6 else array(r, dtypes=FLOATS, of=like(r, one.shape))
    return [one, other], maybe(r, reduction=r.choice(["none", "mean", "sum"]))


@makes("cross_entropy nll_loss", "mlx.nn.losses.")
def class_loss(r: Random) -> Call:
    one = array(r, 1, 3, FLOATS)
    classes = one.shape[:-1] if r.random() < 0.7 else shape(r, 0, 3)
    return [one, mx.zeros(classes, mx.int32)], maybe(r, reduction=r.choice(["none", "mean", "sum"]))


@makes("gaussian_nll_loss triplet_loss margin_ranking_loss", "mlx.nn.losses.")
def three_loss(r: Random) -> Call:
    one = array(r, 1, 3, FLOATS)
    return [one, one, one], maybe(r, reduction=r.choice(["none", "mean", "sum"]))
