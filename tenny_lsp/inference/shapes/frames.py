"""The values that are no arrays: layers, objects, functions, and the frames in which functions run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from tenny_lsp.inference.evaluator import Evaluator
from tenny_lsp.inference.shapes.dimension import UNKNOWN, Dimension, Expression, Symbol, Unknown
from tenny_lsp.inference.shapes.rule import Value
from tenny_lsp.inference.shapes.values import Array, Items, join
from tenny_lsp.source.scope import Span
from tenny_lsp.source.syntax import Node

_MOST_CHOICES = 12


@dataclass(frozen=True, slots=True)
class Frame:
    """One run of a function, or all of them.

    Args:
        home (Evaluator): Evaluates the file that defines it.
        node (Node): The function, or the root of a module.
        arguments (tuple, optional): The names and values of its parameters; None where the frame stands for every run:
            only there are numbers given names of their own.
        outer (Frame, optional): The frame of the function around it.
    """

    home: Evaluator
    node: Node
    arguments: tuple[tuple[str, Value], ...] | None = None
    outer: Frame | None = None
    _hash: int = field(init=False, repr=False, compare=False, default=0)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_hash", hash((id(self.home), self.node.id, self.arguments, self.outer)))

    def __hash__(self) -> int:
        return self._hash

    @property
    def is_generic(self) -> bool:
        """Whether the frame stands for every run of the function."""
        return self.arguments is None


@dataclass(frozen=True, slots=True)
class Made:
    """An object of a class of a file.

    Args:
        home (Evaluator): Evaluates the file that defines the class.
        cls (Node): The class.
        init (Frame): The run of ``__init__`` that made it; its frame for every run where ``self`` is any object.
    """

    home: Evaluator
    cls: Node
    init: Frame | None


@dataclass(frozen=True, slots=True)
class Layer:
    """A layer of ``mlx.nn``: its full name, and the arguments of its constructor by name."""

    name: str
    given: tuple[tuple[str, Value], ...]


@dataclass(frozen=True, slots=True)
class Callee:
    """A function of a file, with the object it is called on and the frame around it."""

    home: Evaluator
    node: Node
    receiver: Made | None = None
    outer: Frame | None = None


@dataclass(frozen=True, slots=True)
class Gradient:
    """What ``mx.grad`` and ``value_and_grad`` make of a function.

    Args:
        name (str): The full name of what has made it.
        function (Value): The function.
        is_of_first (bool): Whether it is the gradient for the first argument alone.
    """

    name: str
    function: Value
    is_of_first: bool


@dataclass(frozen=True, slots=True)
class ApiName:
    """A function or class of MLX, by its full name."""

    name: str


@dataclass(frozen=True, slots=True)
class Either:
    """One of several things that can be called."""

    choices: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Key:
    """What a symbol is that the text of a file names: the place of its binding."""

    home: Evaluator = field(repr=False)
    position: int


class Never:
    """The value of what is not evaluated yet: it joins with everything."""

    def __repr__(self) -> str:
        return "never"


NEVER: Final = Never()
_CALLABLE = (Made, Layer, Callee, Gradient, ApiName, Either)


def join_all(values: Iterable[Value]) -> Value:
    """Return what a value is that is one of several; None beside something else counts as that."""
    found: list[Value] = []
    has_none = False
    for value in values:
        if value is None:
            has_none = True
        elif not isinstance(value, Never):
            found.append(value)
    if not found:
        return None if has_none else NEVER
    result = found[0]
    for value in found[1:]:
        result = _join_two(result, value)
    return result


def _join_two(one: Value, other: Value) -> Value:
    if isinstance(one, _CALLABLE) and isinstance(other, _CALLABLE):
        choices = tuple(dict.fromkeys([*_choices(one), *_choices(other)]))
        if len(choices) > _MOST_CHOICES:
            return UNKNOWN
        return choices[0] if len(choices) == 1 else Either(choices)
    return join(one, other)


def _choices(value: Value) -> tuple[Value, ...]:
    return value.choices if isinstance(value, Either) else (value,)


def has_never(value: Value) -> bool:
    """Return whether a value is not evaluated yet, or one of its parts is not."""
    if isinstance(value, tuple):
        return any(has_never(item) for item in value)
    return isinstance(value, Never) or (isinstance(value, Items) and has_never(value.each))


def without_symbols_of(value: Value, home: Evaluator, span: Span) -> Value:
    """Return a value without the symbols that a part of a file names: each time it runs they are other numbers."""

    def is_inside(symbol: Symbol) -> bool:
        key: Any = symbol.key
        while isinstance(key, tuple):
            key = key[0]
        return isinstance(key, Key) and key.home is home and key.position in span

    if not any(is_inside(symbol) for symbol in symbols_in(value)):
        return value
    return _without(value, lambda dimension: any(is_inside(symbol) for symbol in _symbols(dimension)))


def _without(value: Value, is_gone: Any) -> Value:
    if isinstance(value, Array):
        if value.shape is None:
            return value
        return Array(tuple(UNKNOWN if is_gone(size) else size for size in value.shape), value.dtype)
    if isinstance(value, tuple):
        return tuple(_without(item, is_gone) for item in value)
    if isinstance(value, Items):
        return Items(_without(value.each, is_gone))
    if isinstance(value, Expression) and not is_gone(value):
        return value
    return value if not set(symbols_in(value)) else UNKNOWN


def _symbols(dimension: Dimension) -> frozenset[Symbol]:
    return dimension.symbols if isinstance(dimension, Expression) else frozenset()


def symbols_in(value: Value) -> Iterator[Symbol]:
    """Yield the symbols in a value, at every depth."""
    if isinstance(value, Expression):
        yield from value.symbols
    elif isinstance(value, Array):
        for size in value.shape or ():
            yield from _symbols(size)
    elif isinstance(value, tuple):
        for item in value:
            yield from symbols_in(item)
    elif isinstance(value, Items):
        yield from symbols_in(value.each)
    elif isinstance(value, Layer):
        yield from symbols_in(tuple(argument for _, argument in value.given))
    elif isinstance(value, Made) and value.init is not None:
        yield from symbols_in(tuple(argument for _, argument in value.init.arguments or ()))
    elif isinstance(value, Callee):
        yield from symbols_in(value.receiver)
    elif isinstance(value, Gradient):
        yield from symbols_in(value.function)
    elif isinstance(value, Either):
        yield from symbols_in(value.choices)


def element_of(value: Value) -> Value:
    """Return what a loop over a value yields."""
    if isinstance(value, tuple):
        return join_all(value) if value else NEVER
    if isinstance(value, Items):
        return value.each
    if isinstance(value, Array) and value.shape:
        return Array(value.shape[1:], value.dtype)
    if isinstance(value, Array):
        return Array(None, value.dtype)
    return value if isinstance(value, Never) else UNKNOWN


def item_of(value: Value, place: int) -> Value:
    """Return an item of a value, by its place."""
    if isinstance(value, tuple):
        return value[place] if -len(value) <= place < len(value) else UNKNOWN
    return element_of(value)


def unpacked(value: Value, steps: tuple[int | str, ...]) -> Value:
    """Return what a target is bound to when a value is unpacked or iterated over (see ``Binding.steps``)."""
    for step in steps:
        if isinstance(step, int):
            value = item_of(value, step)
        elif step == "each":
            value = element_of(value)
        else:
            return UNKNOWN
    return value


def is_unknown(value: Value) -> bool:
    """Return whether nothing is known of a value."""
    return isinstance(value, Unknown)
