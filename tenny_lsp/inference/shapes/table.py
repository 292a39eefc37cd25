"""All rules: of the functions of MLX, of its layers, of the operators of arrays."""

from tenny_lsp.inference.shapes.rule import RULES, ShapeRule
from tenny_lsp.inference.shapes.rules import (
    attention,
    convolution,
    creation,
    decompositions,
    diagonals,
    elementwise,
    indexing,
    joining,
    layers,
    linear,
    losses,
    manipulation,
    quantized,
    reductions,
    spectral,
)
from tenny_lsp.inference.shapes.rules.layers import LAYERS

#: The modules that hold rules; importing them fills the table.
FAMILIES = (
    attention,
    convolution,
    creation,
    decompositions,
    diagonals,
    elementwise,
    indexing,
    joining,
    layers,
    linear,
    losses,
    manipulation,
    quantized,
    reductions,
    spectral,
)
#: Operator of Python → the function of MLX that it calls on arrays.
OPERATORS = {
    "+": "add", "-": "subtract", "*": "multiply", "/": "divide", "//": "floor_divide", "%": "remainder",
    "**": "power", "@": "matmul", "&": "bitwise_and", "|": "bitwise_or", "^": "bitwise_xor", "<<": "left_shift",
    ">>": "right_shift", "==": "equal", "!=": "not_equal", "<": "less", "<=": "less_equal", ">": "greater",
    ">=": "greater_equal",
}  # fmt: skip


def rule_of(name: str) -> ShapeRule | None:
    """Return the rule of a function or method of MLX, by its full name; None where there is none.

    A method without a rule of its own is the function of the same name, called with the array.
    """
    return RULES.get(name) or RULES.get(name.replace("mlx.core.array.", "mlx.core."))


def has_rule(name: str) -> bool:
    """Return whether a function, method or layer has a rule."""
    return rule_of(name) is not None or name in LAYERS
