"""Operations on arrays whose shapes do not fit, as far as the whole file tells them."""

import re
from collections.abc import Iterator

from tenny_lsp.pitfalls.context import RuleContext
from tenny_lsp.pitfalls.guards import is_guarded
from tenny_lsp.pitfalls.rule import PYTHON, Example, Finding, rule
from tenny_lsp.pitfalls.values import is_mask
from tenny_lsp.source.syntax import Node, field, text_of

#: A condition on shapes or dtypes.
_QUESTION = re.compile(rb"\b(?:if|elif|while|assert|match|case)\b[^\n]*\b(?:ndim|shape|len|size|dtype|dim)\b")
#: What MLX raises for shapes.
_RAISED = ("ValueError", "RuntimeError", "IndexError")
_OPERATORS = {"+", "-", "*", "/", "//", "%", "**", "@", "<", ">", "<=", ">=", "==", "!=", "&", "|", "^"}


@rule(
    "shape-mismatch",
    "error",
    "Shapes that do not fit",
    PYTHON + "ops.html",
    kinds=("call", "binary_operator", "comparison_operator", "augmented_assignment", "subscript"),
    is_general=True,
    needs_shapes=True,
    examples=(
        Example("y = mx.zeros((2, 3)) @ mx.zeros((2, 3))", "y = mx.zeros((2, 3)) @ mx.zeros((2, 3)).T",
                "y.shape == (2, 2)", is_fixed=False),
        Example("y = mx.zeros((4, 2)) + mx.zeros(4)", "y = mx.zeros((4, 2)) + mx.zeros((4, 1))", "y.shape == (4, 2)",
                is_fixed=False),
        Example("y = mx.zeros((2, 3)).reshape(4, 2)", "y = mx.zeros((2, 3)).reshape(3, 2)", "y.shape == (3, 2)",
                is_fixed=False),
        Example("y = mx.sum(mx.zeros((2, 3)), axis=2)", "y = mx.sum(mx.zeros((2, 3)), axis=1)", "y.shape == (2,)",
                is_fixed=False),
        Example("y = nn.Linear(4, 2)(mx.zeros((1, 3)))", "y = nn.Linear(3, 2)(mx.zeros((1, 3)))", "y.shape == (1, 2)",
                is_fixed=False),
        Example("y = mx.concatenate([mx.zeros((2, 3)), mx.zeros((2, 4))])",
                "y = mx.concatenate([mx.zeros((2, 3)), mx.zeros((2, 4))], axis=1)", "y.shape == (2, 7)",
                is_fixed=False),
        Example("y = x[mx.any(x > 2, axis=1)]", "y = mx.where(x > 2, x, 0)", "y.shape == (2, 3)", is_fixed=False),
        Example("y = mx.split(mx.zeros(7), 2)", "y = mx.split(mx.zeros(8), 2)", "len(y) == 2", is_fixed=False),
        Example(
            "def f(a, b):\n    return a @ b\n\ny = f(mx.zeros((2, 3)), mx.zeros((4, 5)))",
            "def f(a, b):\n    return a @ b\n\ny = f(mx.zeros((2, 3)), mx.zeros((3, 5)))",
            "y.shape == (2, 5)",
            is_fixed=False,
        ),
    ),
)  # fmt: skip
def shape_mismatch(context: RuleContext, node: Node) -> Iterator[Finding]:
    """Find operations that are certain to raise for the shapes or dtypes of their arrays."""
    operator, outer = field(node, "operator"), node.parent
    if operator is not None and text_of(operator).removesuffix("=") not in _OPERATORS:
        return
    if node.type == "subscript" and outer is not None and (field(outer, "left") == node or "del" in outer.type):
        return  # what is assigned to it is another matter
    if any(is_mask(context, key) for key in node.children_by_field_name("subscript")):
        return  # boolean-index speaks of it
    why = context.shape_error(node)
    is_tested = any(map(context.file.mentions, ("assertRaises(", "pytest.raises(")))
    if why and not is_tested and not is_guarded(context, node, _RAISED) and not _asks(node):
        place = field(node, "function") or node
        yield Finding(field(place, "attribute") or place, f"This raises: {why[0].lower() + why[1:]}.")


def _asks(node: Node) -> bool:
    """Return whether the statement at the top of the file asks for shapes: then not all of it runs for each of them."""
    while node.parent is not None and node.parent.parent is not None:
        node = node.parent
    return _QUESTION.search(node.text or b"") is not None


RULES = (shape_mismatch,)
