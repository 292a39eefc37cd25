"""Python's numbers given to compiled functions, for each of which they are compiled anew."""

import re
from collections.abc import Iterator
from functools import partial

from tenny_lsp.inference.meaning import LocalFunction, Plain
from tenny_lsp.pitfalls.calls import Call, call_of, within
from tenny_lsp.pitfalls.context import RuleContext
from tenny_lsp.pitfalls.edits import Fix, replaced
from tenny_lsp.pitfalls.rule import USAGE, Example, Finding, Search, rule
from tenny_lsp.pitfalls.traced import outer_value
from tenny_lsp.pitfalls.tracing import compiler
from tenny_lsp.source.syntax import COMPREHENSIONS, Node, field, text_of, up_to

_LOOPS = ("for_statement", "while_statement", *COMPREHENSIONS)
#: Kinds of expressions that may be another number in each turn.
_NUMBERS = ("identifier", "binary_operator", "call", "parenthesized_expression", "subscript")
#: For so many numbers it may as well be compiled.
_FEW = 4
#: What may take a number or an array, element by element.
_ELEMENTWISE = {"maximum", "minimum", "power", "multiply", "add", "subtract", "divide", "clip", "where"}
_COUNTED = "traced = []\n@mx.compile\ndef f(a, s):\n    traced.append(1)\n    return mx.tanh(a * s)\n"


@rule(
    "number-in-compile",
    "warning",
    "A number that changes, given to a compiled function",
    USAGE + "compile.html",
    scope="file",
    calls=("*",),
    words=("compile",),
    examples=(
        Example(f"{_COUNTED}for i in range(4):\n    f(x, 0.1 * i)\ny = len(traced)",
                f"{_COUNTED}for i in range(4):\n    f(x, mx.array(0.1 * i))\ny = len(traced)", "y == 1", "wrong"),
        Example(f"{_COUNTED}curve = [f(x, i / 4) for i in range(4)]\ny = len(traced)",
                f"{_COUNTED}curve = [f(x, mx.array(i / 4)) for i in range(4)]\ny = len(traced)", "y == 1", "wrong"),
        Example("traced = []\ndef g(w, rate):\n    traced.append(1)\n    return w - rate * w\nf = mx.compile(g)\n"
                "rate = 0.1\nfor _ in range(4):\n    z = f(x, rate=rate)\n    rate = rate * 0.5\ny = len(traced)",
                "traced = []\ndef g(w, rate):\n    traced.append(1)\n    return w - rate * w\nf = mx.compile(g)\n"
                "rate = 0.1\nfor _ in range(4):\n    z = f(x, rate=mx.array(rate))\n    rate = rate * 0.5\n"
                "y = len(traced)", "y == 1", "wrong"),
        Example("traced = []\nclass Task:\n    def __init__(self):\n        self.step = mx.compile(self._step)\n"
                "    def _step(self, a, s):\n        traced.append(1)\n        return a * s\n"
                "    def run(self):\n        for i in range(4):\n            self.step(x, i / 4)\n"
                "Task().run()\ny = len(traced)",
                "traced = []\nclass Task:\n    def __init__(self):\n        self.step = mx.compile(self._step)\n"
                "    def _step(self, a, s):\n        traced.append(1)\n        return a * s\n"
                "    def run(self):\n        for i in range(4):\n            self.step(x, mx.array(i / 4))\n"
                "Task().run()\ny = len(traced)", "y == 1", "wrong"),
    ),
)  # fmt: skip
def number_in_compile(context: RuleContext, call: Call) -> Search | None:
    """Find numbers that differ from turn to turn of a loop, and are constants to a compiled function."""
    if call.function.type not in ("identifier", "attribute") or not call.is_whole:
        return None
    loop = up_to(call.node, *_LOOPS, "function_definition", "lambda")
    function = _compiled(context, call.function) if loop is not None and loop.type in _LOOPS else None
    if loop is None or function is None:
        return None
    changing = [one for one in _given(call) if _changes(context, one[1], loop)]
    return partial(_constants, context, call, function, changing) if changing else None


def _given(call: Call) -> Iterator[tuple[int | str, Node]]:
    """Yield the arguments of a call, each with its place or name."""
    yield from enumerate(call.arguments)
    for word in call.keywords:
        if (value := call.value(word)) is not None:
            yield word, value


def _changes(context: RuleContext, node: Node, loop: Node) -> bool:
    """Return whether an argument is a number of Python's, computed from what each turn of a loop binds."""
    if node.type not in _NUMBERS or context.meaning(node) != Plain("float"):
        return False
    over = field(loop, "right")
    if over is not None and over.type in ("tuple", "list") and len(over.named_children) <= _FEW:
        return False
    targets = [field(loop, "left")] if loop.type == "for_statement" else []
    targets += [field(one, "left") for one in loop.named_children if one.type == "for_in_clause"]
    targets += [field(one, "left") for one in within(field(loop, "body"), "assignment", "augmented_assignment")]
    bound = {word for one in targets if one is not None for word in re.findall(r"(?<![\w.])[a-zA-Z_]\w*", text_of(one))}
    return bool(bound & set(re.findall(r"\w+", text_of(node))))


def _constants(
    context: RuleContext, call: Call, function: Node, changing: list[tuple[int | str, Node]], _: Node
) -> Iterator[Finding]:
    """Report such numbers if the compiled function only computes with them."""
    for place, node in changing:
        if _is_computed_with(function, place):
            mx = context.alias("mlx.core", call.node)
            text = f"{mx}.array({text_of(node)})"
            fixes = (Fix(f"Give {text}", (replaced(node, text),), is_safe=False),) if mx else ()
            yield Finding(
                node, "A Python number is a constant of what has been compiled: for each new one the function is "
                f"compiled anew. Give an array: `mx.array({text_of(node)})`.", fixes,
            )  # fmt: skip


def _compiled(context: RuleContext, name: Node) -> Node | None:
    """Return the function of the file that a name calls compiled; None where it is something else."""
    is_member = name.type == "attribute"
    made = call_of(context.value_of_attribute(name) if is_member else outer_value(context, name))
    if is_member and made is None:
        return None
    if made is not None:
        if context.name(made.function) != "mlx.core.compile" or len(made.arguments) != 1:
            return None
        meaning = context.evaluator.meaning(made.arguments[0])
        return meaning.node if isinstance(meaning, LocalFunction) else None
    scopes = (scope.bindings[text_of(name)] for scope in context.scopes_around(name) if text_of(name) in scope.bindings)
    bindings = next(scopes, [])
    found = bindings[0].definition if len(bindings) == 1 else None
    is_function = found is not None and found.type == "function_definition"
    return found if is_function and compiler(context, found) is not None else None


def _is_computed_with(function: Node, place: int | str) -> bool:
    """Return whether a parameter of a function is only a part of arithmetic in it, where it may as well be an array."""
    listed = field(function, "parameters")
    names = [text_of(field(one, "name") or one.named_children[0] if one.named_children else one)
             for one in (listed.named_children if listed is not None else ())]  # fmt: skip
    names = names[1:] if names[:1] == ["self"] else names
    name = place if isinstance(place, str) else names[place] if place < len(names) else ""
    if name not in names:
        return False
    uses = [one for one in within(field(function, "body"), "identifier") if text_of(one) == name]
    return bool(uses) and all(map(_is_in_arithmetic, uses))


def _is_in_arithmetic(use: Node) -> bool:
    outer = use.parent
    while outer is not None and outer.type in ("parenthesized_expression", "unary_operator"):
        outer = outer.parent
    if outer is not None and outer.type == "binary_operator":
        return True
    call = call_of(outer.parent) if outer is not None and outer.type == "argument_list" else None
    return call is not None and call.name in _ELEMENTWISE


RULES = (number_in_compile,)
