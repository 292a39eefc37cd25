"""Errors inside a function of the file that only some of its calls make: those of what the function always runs."""

from collections.abc import Callable, Iterator
from typing import TypeAlias

from tenny_lsp.inference.evaluator import Evaluator
from tenny_lsp.inference.shapes.arguments import arguments_of
from tenny_lsp.inference.shapes.evaluate import checked
from tenny_lsp.inference.shapes.frames import Frame, has_never
from tenny_lsp.inference.shapes.invoke import frame_of
from tenny_lsp.inference.shapes.protocol import Shapes
from tenny_lsp.inference.shapes.values import ShapeError
from tenny_lsp.source.syntax import SCOPES, Node, field, text_of

#: How many functions are entered, each called by the last.
_DEEPEST = 3
IsKnown: TypeAlias = Callable[[Evaluator, Node], bool]
_PLAIN = ("expression_statement", "return_statement")
_RAISING = ("call", "binary_operator", "subscript")
#: What need not be evaluated whenever the statement around it is.
_OPTIONAL = (
    *SCOPES, "conditional_expression", "boolean_operator", "list_comprehension", "dictionary_comprehension",
    "set_comprehension", "generator_expression", "augmented_assignment", "yield", "await",
)  # fmt: skip
_LEAVES = (b"return", b"raise", b"yield", b"assert", b"exit")


def error_inside(shapes: Shapes, frame: Frame, call: Node, is_known: IsKnown) -> ShapeError | None:
    """Return why a call of a function of the file is certain to raise inside it; None where it may not.

    Args:
        shapes (Shapes): Evaluates expressions.
        frame (Frame): The frame of the call.
        call (Node): The call.
        is_known (IsKnown): Whether a node raises in every run of its function, which is told there.
    """
    return _inside(shapes, frame, call, is_known, 0)


def _inside(shapes: Shapes, frame: Frame, call: Node, is_known: IsKnown, depth: int) -> ShapeError | None:
    function = field(call, "function")
    if depth >= _DEEPEST or function is None:
        return None
    called = shapes.value(frame, function)
    given = arguments_of(shapes, frame, call)
    if given is None or has_never((tuple(given[0]), tuple(given[1].values()))):
        return None
    run = frame_of(shapes, called, given)
    if run is None or run.home is not frame.home or any(child.type == "async" for child in run.node.children):
        return None
    for node in _always_run(run.node):
        try:
            checked(shapes, run, node)
        except ShapeError as error:
            if is_known(run.home, node):
                return None
            return ShapeError(f"In `{_name(run.node)}`, {str(error)[0].lower()}{str(error)[1:]}", error.code, node)
        inner = _inside(shapes, run, node, is_known, depth + 1) if node.type == "call" else None
        if inner is not None:
            return inner
    return None


def _name(function: Node) -> str:
    name = field(function, "name")
    return text_of(name) if name is not None else "the lambda"


def _always_run(function: Node) -> Iterator[Node]:
    """Yield the operations that every run of a function makes, up to the first statement that may end it."""
    body = field(function, "body")
    if body is None or b"yield" in (body.text or b""):
        return
    for statement in body.named_children if function.type != "lambda" else [body]:
        if function.type == "lambda" or statement.type in _PLAIN:
            yield from _operations(statement)
        elif statement.type != "comment" and any(word in (statement.text or b"") for word in _LEAVES):
            return


def _operations(node: Node) -> Iterator[Node]:
    """Yield the operations in a statement, the inner ones first."""
    for child in node.named_children:
        if child.type not in _OPTIONAL:
            yield from _operations(child)
    left = field(node.parent, "left") if node.parent is not None else None
    if node.type in _RAISING and node != left:
        yield node
