"""The values of the shapes: arrays with shape and dtype, dtypes, and Python numbers of which only the kind is known."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from tenny_lsp.inference.shapes.dimension import UNKNOWN, Dimension, Expression, Unknown
from tenny_lsp.source.syntax import Node

#: The dimensions of an array.
Shape: TypeAlias = tuple[Dimension, ...]


@dataclass(frozen=True, slots=True)
class Array:
    """An ``mx.array``.

    Args:
        shape (Shape, optional): Its dimensions; None where not even their number is known.
        dtype (str, optional): The name of its dtype, ``float16``; None where it is unknown.
    """

    shape: Shape | None = None
    dtype: str | None = None

    @property
    def ndim(self) -> int | None:
        """The number of dimensions; None where it is unknown."""
        return None if self.shape is None else len(self.shape)

    def dimension(self, axis: int) -> Dimension:
        """Return one dimension; unknown where there is none of that number."""
        if self.shape is None or not -len(self.shape) <= axis < len(self.shape):
            return UNKNOWN
        return self.shape[axis]


@dataclass(frozen=True, slots=True)
class Dtype:
    """A dtype of MLX, by its name: ``bool`` for ``mx.bool_``."""

    name: str


@dataclass(frozen=True, slots=True)
class Number:
    """A Python number of unknown value."""

    kind: Literal["bool", "int", "float", "complex"]


@dataclass(frozen=True, slots=True)
class Items:
    """A list or tuple of unknown length, all of whose items are one value."""

    each: Any


class ShapeError(Exception):
    """A call that is certain to raise.

    Args:
        message (str): Why.
        code (str): The pitfall that it is.
        place (Node, optional): What raises, where that is inside the function that is called.
    """

    def __init__(self, message: str, code: str = "shape-mismatch", place: Node | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.place = place


BOOL, INT, FLOAT, COMPLEX = Number("bool"), Number("int"), Number("float"), Number("complex")
_FLOATS = ("float16", "bfloat16", "float32", "float64")
_UNSIGNED = ("uint8", "uint16", "uint32", "uint64")
_SIGNED = ("int8", "int16", "int32", "int64")
DTYPES = ("bool", *_UNSIGNED, *_SIGNED, *_FLOATS, "complex64")


def is_floating(dtype: str) -> bool:
    """Return whether a dtype is one of real floating-point numbers."""
    return dtype in _FLOATS


def is_inexact(dtype: str) -> bool:
    """Return whether a dtype is one of floating-point numbers, complex ones too."""
    return dtype in _FLOATS or dtype == "complex64"


def promote(one: str | None, other: str | None) -> str | None:
    """Return the dtype of an operation on two arrays; None where it is unknown."""
    if one == other:
        return one
    if "complex64" in (one, other):
        return "complex64"
    if "float64" in (one, other):
        return "float64"
    if one is None or other is None:
        return None
    low, high = sorted((one, other), key=DTYPES.index)
    if low == "bool":
        return high
    if high in _FLOATS:
        return "float32" if low in _FLOATS else high
    if low in _UNSIGNED and high in _SIGNED:
        return _promote_mixed(_UNSIGNED.index(low), _SIGNED.index(high))
    return high


def _promote_mixed(unsigned: int, signed: int) -> str:
    """Return the dtype of an unsigned and a signed integer, given by the logarithms of their bytes."""
    if unsigned == 3:
        return "float32"
    return _SIGNED[signed] if signed > unsigned else _SIGNED[unsigned + 1]


def promote_all(dtypes: Iterable[str | None]) -> str | None:
    """Return the dtype of an operation on several arrays."""
    found: list[str | None] = list(dtypes)
    result = found[0] if found else None
    for dtype in found[1:]:
        result = promote(result, dtype)
    return result


def at_least_float(dtype: str | None) -> str | None:
    """Return the dtype of an operation that turns whole numbers into ``float32``."""
    return dtype if dtype is None or is_inexact(dtype) else "float32"


def is_int(value: object) -> bool:
    """Return whether a value is certain to be a Python integer, and no bool."""
    if isinstance(value, Expression):
        return value.is_int
    return (isinstance(value, int) and not isinstance(value, bool)) or value == INT


def is_number(value: object) -> bool:
    """Return whether a value is certain to be a Python number."""
    return isinstance(value, Number | bool | float | complex) or is_int(value)


def dimension_of(value: object) -> Dimension:
    """Return a value that must be an integer, as a dimension."""
    if isinstance(value, bool):
        return int(value)
    return value if isinstance(value, int | Expression) else UNKNOWN


def shape_of(value: object) -> Shape | None:
    """Return the shape that an argument gives: a tuple of integers, or one integer; None where it is unknown."""
    if isinstance(value, tuple):
        return tuple(dimension_of(item) for item in value)
    if is_int(value):
        return (dimension_of(value),)
    return None


def scalar_dtype(value: object, beside: str | None = None) -> str | None:
    """Return the dtype of a Python number: beside an array of a dtype, or, by default, alone.

    Returns None where it is unknown; beside an array of unknown dtype that is so for every number.
    """
    if isinstance(value, bool) or value == BOOL:
        return beside or "bool"
    if isinstance(value, complex) or value == COMPLEX:
        return "complex64"
    if isinstance(value, float) or value == FLOAT:
        return beside if beside is not None and is_floating(beside) else "float32"
    if isinstance(value, int) and not -(2**31) <= value < 2**31:
        return None
    if is_int(value) and beside in (None, "bool"):
        return "int32" if isinstance(value, int) else None  # a large one is int64
    return beside if is_int(value) else None


def join(one: Any, other: Any) -> Any:
    """Return what a value is that is one of two: what they agree on."""
    if one == other and type(one) is type(other):
        return one
    if isinstance(one, Array) and isinstance(other, Array):
        return Array(join_shapes(one.shape, other.shape), one.dtype if one.dtype == other.dtype else None)
    if isinstance(one, tuple) and isinstance(other, tuple):
        if len(one) == len(other):
            return tuple(join(left, right) for left, right in zip(one, other, strict=True))
        return UNKNOWN
    if isinstance(one, Items) and isinstance(other, Items):
        return Items(join(one.each, other.each))
    for kind, number in ((bool, BOOL), (float, FLOAT)):
        if all(isinstance(value, kind) or value == number for value in (one, other)):
            return number
    return INT if is_int(one) and is_int(other) else UNKNOWN


def join_shapes(one: Shape | None, other: Shape | None) -> Shape | None:
    """Return the dimensions on which two shapes agree."""
    if one is None or other is None or len(one) != len(other):
        return None
    return tuple(
        left if left == right and not isinstance(left, Unknown) else UNKNOWN
        for left, right in zip(one, other, strict=True)
    )


def shape_text(shape: Shape | None) -> str:
    """Return a shape as it is shown: ``(B, T, 512)``, ``?`` for what is unknown.

    Of two symbols with one name the second is shown as unknown: who reads the name twice takes it for one number.
    """
    if shape is None:
        return ""
    keys: dict[str, object] = {}
    parts: list[str] = []
    for dimension in shape:
        symbols = dimension.symbols if isinstance(dimension, Expression) else frozenset()
        is_clear = all(keys.setdefault(symbol.name, symbol.key) == symbol.key for symbol in symbols)
        parts.append(str(dimension) if is_clear else "?")
    return f"({parts[0]},)" if len(parts) == 1 else f"({', '.join(parts)})"


def array_text(array: Array) -> str:
    """Return an array as it is shown, ``(B, T, 512) float16``; empty where nothing is known of it."""
    return " ".join(part for part in (shape_text(array.shape), array.dtype or "") if part)
