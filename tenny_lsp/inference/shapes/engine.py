"""The evaluator of shapes: memoises, evaluates recursive definitions to a fixpoint, and is bounded."""

from collections.abc import Callable, Hashable

from tenny_lsp.inference.evaluator import Evaluator
from tenny_lsp.inference.shapes import evaluate, invoke
from tenny_lsp.inference.shapes.attributes import method_value
from tenny_lsp.inference.shapes.dimension import UNKNOWN, Unknown
from tenny_lsp.inference.shapes.frames import NEVER, Callee, Frame, Gradient, Made, Never, join_all
from tenny_lsp.inference.shapes.inside import error_inside
from tenny_lsp.inference.shapes.objects import method_of
from tenny_lsp.inference.shapes.protocol import Given
from tenny_lsp.inference.shapes.rule import Value
from tenny_lsp.inference.shapes.values import Array, ShapeError
from tenny_lsp.inference.shapes.variables import binding_value
from tenny_lsp.source.scope import Binding
from tenny_lsp.source.syntax import Node, every, field, text_of, up_to

#: How deep evaluations are nested before one is given up.
_MAX_DEPTH = 70
#: How many expressions are evaluated for one question before it is given up.
_MAX_EVALUATIONS = 4000
#: How many questions may be given up before each of a file is given up after a few evaluations: a file that gives no
#: answers is not to take minutes.
_MAX_GIVEN_UP, _FEW_EVALUATIONS = 5, 100
#: How often a recursive definition is evaluated again before it is unknown.
_MAX_ROUNDS = 4


def go_on() -> None:
    """Do not pause."""


class ShapeEngine:
    """Evaluates expressions of one file, and of those that its names lead to; see ``protocol.Shapes``.

    Args:
        pause (Callable[[], None]): Called at every evaluation: it may hold the engine up, or end it by an exception.
    """

    def __init__(self, pause: Callable[[], None] | None = None) -> None:
        #: Called at every evaluation; whoever lends the engine sets it.
        self.pause = pause or go_on
        self._final: dict[Hashable, Value] = {}
        self._assumed: dict[Hashable, Value] = {}
        #: Key → a result that hangs on assumptions, and the keys of these.
        self._provisional: dict[Hashable, tuple[Value, set[Hashable]]] = {}
        self._used: set[Hashable] = set()
        #: Frame and node → the value of a call that hangs on no assumption: in a chain, each asks for all before it.
        self._values: dict[tuple[Frame, int], Value] = {}
        #: The functions that are run through, the outermost first.
        self._running: list[int] = []
        self._depth = 0
        self._evaluations = 0
        self._gave_up = False
        self._given_up = 0
        self._generic: dict[tuple[int, int], Frame] = {}
        self._facts: dict[Hashable, frozenset[str]] = {}
        #: Evaluator of a file → the calls in it by what is called; None while they are being looked for.
        self._calls: dict[int, dict[int, list[tuple[Frame, Node]]] | None] = {}

    def value(self, frame: Frame, node: Node) -> Value:
        """Return the value of an expression in a frame."""
        self.pause()
        if self._depth == 0:
            self._begin(frame)
        is_kept = node.type == "call" and not self._running  # what runs already is unknown within itself alone
        if is_kept and (frame, node.id) in self._values:
            return self._values[frame, node.id]
        outer, self._used = self._used, set()
        try:
            found = self._bounded(frame, node)
            if is_kept and not self._used and not self._gave_up:
                self._values[frame, node.id] = found
        finally:
            self._used |= outer
        return found

    def _bounded(self, frame: Frame, node: Node) -> Value:
        """Return the value of an expression, unknown where the question has become too deep or too long."""
        self._depth += 1
        self._evaluations += 1
        most = _MAX_EVALUATIONS if self._given_up < _MAX_GIVEN_UP else _FEW_EVALUATIONS
        try:
            if self._depth > _MAX_DEPTH or self._evaluations > most:
                self._given_up += not self._gave_up
                self._gave_up = True
                return UNKNOWN
            found = evaluate.value(self, frame, node)
        finally:
            self._depth -= 1
        is_open = isinstance(found, Unknown) and node.type in ("call", "identifier", "attribute", "subscript")
        if is_open and frame.home.is_array(frame.home.meaning(node)):
            return Array()
        return found

    def _begin(self, frame: Frame) -> None:
        """Begin a question."""
        self.calls_of(frame.home, frame.node)
        self._evaluations, self._gave_up = 0, False

    def memoised(self, key: Hashable, compute: Callable[[], Value]) -> Value:
        """Return what ``compute`` returns, computed once for each key; of a recursive definition the fixpoint."""
        if key in self._final:
            return self._final[key]
        if key in self._assumed:
            self._used.add(key)
            return self._assumed[key]
        if key in self._provisional:
            known, hangs_on = self._provisional[key]
            self._used |= hangs_on
            return known
        outer, self._used = self._used, set()
        self._assumed[key] = NEVER
        try:
            found = self._fixpoint(key, compute)
        finally:
            del self._assumed[key]
            used = self._used - {key}
            self._used = outer | used
            self._forget(key)
        if used:
            self._provisional[key] = found, used
        else:
            found = UNKNOWN if isinstance(found, Never) else found
            if not self._gave_up or not self._assumed:
                self._final[key] = found
        return found

    def _fixpoint(self, key: Hashable, compute: Callable[[], Value]) -> Value:
        for _ in range(_MAX_ROUNDS):
            found = compute()
            if key not in self._used:
                return found
            widened = join_all((self._assumed[key], found))
            if widened == self._assumed[key]:
                return widened
            self._assumed[key] = widened
            self._forget(key)
        return UNKNOWN

    def _forget(self, key: Hashable) -> None:
        """Drop the results that hang on an assumption which is no longer made."""
        if self._provisional:
            self._provisional = {k: found for k, found in self._provisional.items() if key not in found[1]}

    def generic(self, home: Evaluator, node: Node) -> Frame:
        """Return the frame that stands for every run of the function around a node, or of the module."""
        function = up_to(node, "function_definition")
        where = function if function is not None else home.buffer.root
        key = id(home), where.id
        if key not in self._generic:
            outer = (
                self.generic(home, function.parent) if function is not None and function.parent is not None else None
            )
            is_nested = outer is not None and outer.node != home.buffer.root
            self._generic[key] = Frame(home, where, None, outer if is_nested else None)
        return self._generic[key]

    def invoked(self, called: Value, given: Given) -> Value:
        """Return what a call of a value gives."""
        try:
            return invoke.invoked(self, called, given)
        except ShapeError:
            return UNKNOWN

    def error(self, frame: Frame, node: Node) -> ShapeError | None:
        """Return why an expression is certain to raise; None where it may not."""
        self._begin(frame)
        self._depth += 1
        try:
            evaluate.checked(self, frame, node)
            return error_inside(self, frame, node, self._raises) if node.type == "call" else None
        except ShapeError as error:
            return error
        finally:
            self._depth -= 1

    def _raises(self, home: Evaluator, node: Node) -> bool:
        """Return whether an expression raises in every run of the function around it."""
        try:
            evaluate.checked(self, self.generic(home, node), node)
        except ShapeError:
            return True
        return False

    def fact(self, key: Hashable, compute: Callable[[], frozenset[str]]) -> frozenset[str]:
        """Return the names that ``compute`` reads from the text alone, computed once for each key."""
        if key not in self._facts:
            self._facts[key] = compute()
        return self._facts[key]

    def run(self, frame: Frame, compute: Callable[[], Value]) -> Value:
        """Return what a run of a function returns; unknown where the function is running already, with other values."""
        if frame.node.id in self._running and frame not in self._assumed:
            return UNKNOWN
        self._running.append(frame.node.id)
        try:
            return self.memoised(frame, compute)
        finally:
            self._running.pop()

    def method(self, made: Made, name: str) -> Value:
        """Return an attribute or a method of an object of a file's class."""
        return method_value(self, made, name)

    def calls_of(self, home: Evaluator, function: Node) -> list[tuple[Frame, Node]]:
        """Return the calls of a function that stand in its file, each with its frame."""
        if id(home) not in self._calls:
            self._calls[id(home)] = None
            try:
                self._calls[id(home)] = self._find_calls(home)
            except BaseException:  # a pause has ended it: they are to be found another time
                del self._calls[id(home)]
                raise
            self._final.clear()  # what has been evaluated without them is not to stay
            self._values.clear()
            self._provisional.clear()
        found = self._calls[id(home)]
        return found.get(function.id, []) if found is not None else []

    def _find_calls(self, home: Evaluator) -> dict[int, list[tuple[Frame, Node]]]:
        found: dict[int, list[tuple[Frame, Node]]] = {}
        nodes = list[Node]()
        for node in every(home.buffer.root):
            self.pause()
            if node.type in ("call", "class_definition"):
                nodes.append(node)
        members = _members(home, nodes)
        for node in nodes:
            called = field(node, "function") if node.type == "call" else None
            if called is None or called.type not in ("identifier", "attribute", "call"):
                continue
            if called.type == "call" and b"grad" not in (called.text or b""):
                continue
            attribute = field(called, "attribute")
            if attribute is not None and text_of(attribute) not in members:
                continue
            frame = self.generic(home, node)
            value = self.value(frame, called)
            if isinstance(value, Gradient):  # it calls the function with the same arguments
                value = value.function
            if isinstance(value, Made):
                value = method_value(self, value, "__call__")
            if not isinstance(value, Callee) or value.home is not home:
                continue
            is_class = value.node.type == "class_definition"
            function = method_of(frame, value.node, "__init__") if is_class else value.node
            if function is not None:
                found.setdefault(function.id, []).append((frame, node))
        return found

    def of_binding(self, home: Evaluator, binding: Binding, node: Node) -> Value:
        """Return the value of a name where it is bound, in every run of the function around it."""
        self.calls_of(home, node)
        return binding_value(self, self.generic(home, node), binding)


def _members(home: Evaluator, nodes: list[Node]) -> set[str]:
    """Return the names after a dot that may be a function or a module of the file: most are methods of arrays."""
    found: set[str] = set()
    for cls in (node for node in nodes if node.type == "class_definition"):
        found |= home.buffer.bindings_in(cls).keys()
        for name, bindings in home.buffer.attributes_in(cls).items():
            values = [text_of(binding.value) for binding in bindings if binding.value is not None]
            if not all(value.startswith(("nn.", "mx.")) and value.endswith(")") for value in values):
                found.add(name)
    return found
