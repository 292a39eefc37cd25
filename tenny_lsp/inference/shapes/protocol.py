"""The protocol of the evaluator of shapes, through which its modules call each other; ``engine.ShapeEngine`` is it."""

from collections.abc import Callable, Hashable
from typing import Protocol, TypeAlias

from tenny_lsp.inference.evaluator import Evaluator
from tenny_lsp.inference.shapes.frames import Frame, Made
from tenny_lsp.inference.shapes.rule import Value
from tenny_lsp.source.syntax import Node

#: The positional arguments and the keywords of a call.
Given: TypeAlias = tuple[list[Value], dict[str, Value]]


class Shapes(Protocol):
    """Evaluates expressions to arrays with shapes and dtypes, without running them."""

    def value(self, frame: Frame, node: Node) -> Value:
        """Return the value of an expression in a frame."""

    def memoised(self, key: Hashable, compute: Callable[[], Value]) -> Value:
        """Return what ``compute`` returns, computed once for each key; of a recursive definition the fixpoint."""

    def generic(self, home: Evaluator, node: Node) -> Frame:
        """Return the frame that stands for every run of the function around a node, or of the module."""

    def invoked(self, called: Value, given: Given) -> Value:
        """Return what a call of a value gives."""

    def fact(self, key: Hashable, compute: Callable[[], frozenset[str]]) -> frozenset[str]:
        """Return the names that ``compute`` reads from the text alone, computed once for each key."""

    def run(self, frame: Frame, compute: Callable[[], Value]) -> Value:
        """Return what a run of a function returns; unknown where the function is running already, with other values."""

    def method(self, made: Made, name: str) -> Value:
        """Return an attribute or a method of an object of a file's class."""

    def calls_of(self, home: Evaluator, function: Node) -> list[tuple[Frame, Node]]:
        """Return the calls of a function that stand in its file, each with its frame."""
