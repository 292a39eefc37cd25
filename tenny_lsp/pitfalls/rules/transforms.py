"""What MLX's transforms ask of a function: what it returns, what its derivative takes, which parameters they see."""

from collections.abc import Iterator
from functools import partial

from tenny_lsp.inference.definitions import decorators
from tenny_lsp.inference.meaning import LocalFunction
from tenny_lsp.pitfalls.arities import arity_of
from tenny_lsp.pitfalls.calls import Call, call_of, stands_in_statement_of, within
from tenny_lsp.pitfalls.context import RuleContext
from tenny_lsp.pitfalls.edits import Fix, replaced
from tenny_lsp.pitfalls.file_facts import GRADIENTS
from tenny_lsp.pitfalls.guards import is_guarded
from tenny_lsp.pitfalls.rule import PYTHON, Example, Finding, Search, rule
from tenny_lsp.source.syntax import Node, field, text_of

#: Transform → the place of the function among its arguments.
#: Expressions that are no array, nor a tuple of them.
_OTHERS = {
    "list": "a list", "list_comprehension": "a list", "dictionary": "a dictionary", "set": "a set", "none": "None",
    "dictionary_comprehension": "a dictionary", "string": "a text", "generator_expression": "a generator",
}  # fmt: skip
_LOSS = "def loss(w):\n    error = w - 1\n    return "
_TAKEN = "\n_, y = mx.value_and_grad(loss)(x)"


@rule(
    "gradient-result",
    "error",
    "The gradient of a function that returns no array",
    PYTHON + "_autosummary/mlx.core.value_and_grad.html",
    scope="file",
    calls=("grad", "value_and_grad"),
    examples=(
        Example(f"{_LOSS}[(error**2).sum(), error]{_TAKEN}", f"{_LOSS}((error**2).sum(), error){_TAKEN}",
                "y.shape == (2, 3)"),
        Example(f'{_LOSS}{{"loss": (error**2).sum()}}{_TAKEN}', f"{_LOSS}(error**2).sum(){_TAKEN}",
                "y.shape == (2, 3)", is_fixed=False),
        Example(f"{_LOSS}{{'mse': error.sum()}}, error{_TAKEN}", f"{_LOSS}error.sum(), error{_TAKEN}",
                "y.shape == (2, 3)", is_fixed=False),
        Example("def loss(model, a):\n    out = [model(a).sum(), model(a)]\n    return out\n"
                "y = nn.value_and_grad(model, loss)(model, x)[1]['bias']",
                "def loss(model, a):\n    out = model(a).sum(), model(a)\n    return out\n"
                "y = nn.value_and_grad(model, loss)(model, x)[1]['bias']", "y.shape == (2,)", is_fixed=False),
        Example("y = mx.value_and_grad(lambda w: [w.sum(), w])(x)[1]",
                "y = mx.value_and_grad(lambda w: (w.sum(), w))(x)[1]", "y.shape == (2, 3)"),
    ),
)  # fmt: skip
def gradient_result(context: RuleContext, call: Call) -> Iterator[Finding] | Search | None:
    """Find functions that are differentiated, and return a list, a dictionary or None, alone or before the rest."""
    name = context.name(call.function)
    place = GRADIENTS.get(name, 99)
    function = context.evaluator.meaning(call.arguments[place]) if len(call.arguments) > place else None
    if not isinstance(function, LocalFunction) or function.home is not context.evaluator:
        return None
    if decorators(function.node) or is_guarded(context, call.node, ("ValueError",)):
        return None
    search = partial(_other_results, context, function.node, name.endswith("value_and_grad"))
    return search(call.node) if stands_in_statement_of(function.node, call.node) else search


def _other_results(context: RuleContext, function: Node, may_be_tuple: bool, _: Node) -> Iterator[Finding]:
    """Report what a function returns that has no gradient."""
    results = () if any(within(field(function, "body"), "yield")) else _returned(function)
    for result in results:
        first = result.named_children[0] if result.type in ("tuple", "expression_list") else result
        value = context.value_of(first)
        what = _OTHERS.get(value.type, "") if value is not None else ""
        if what:
            fixes = (_as_tuple(result),) if result.type == "list" and may_be_tuple else ()
            yield Finding(
                first, "A gradient is taken of this function, which has to return the loss as an array, or a tuple "
                f"that begins with it: {what} raises.", fixes,
            )  # fmt: skip


def _as_tuple(result: Node) -> Fix:
    text = f"({text_of(result)[1:-1]}{',' if len(result.named_children) == 1 else ''})"
    return Fix("Return a tuple", (replaced(result, text),))


def _returned(function: Node) -> Iterator[Node]:
    """Yield what a function or a lambda returns."""
    body = field(function, "body")
    if function.type == "lambda":
        while body is not None and body.type == "parenthesized_expression":
            body = body.named_children[0]
        yield from (body,) if body is not None else ()
        return
    for found in within(body, "return_statement"):
        yield from found.named_children[:1]


#: Method of a custom function → what MLX calls the function with that is given to it.
_CUSTOM = {
    "vjp": ("primals", "cotangents", "outputs"),
    "jvp": ("primals", "tangents"),
    "vmap": ("inputs", "axes"),
}
_ROUND = "@mx.custom_function\ndef f(a):\n    return mx.round(a)\n"
_TAKES = "\ny = mx.grad(lambda a: f(a).sum())(x)"


@rule(
    "custom-derivative",
    "error",
    "A derivative of a custom function that takes other arguments",
    PYTHON + "_autosummary/mlx.core.custom_function.html",
    scope="file",
    kinds=("decorator",),
    calls=tuple(_CUSTOM),
    examples=(
        Example(f"{_ROUND}@f.vjp\ndef g(primals, cotangent):\n    return cotangent{_TAKES}",
                f"{_ROUND}@f.vjp\ndef g(primals, cotangent, output):\n    return cotangent{_TAKES}",
                "y.sum().item() == 6", is_fixed=False),
        Example(f"{_ROUND}@f.vjp\ndef g(cotangent):\n    return cotangent{_TAKES}",
                f"{_ROUND}@f.vjp\ndef g(primal, cotangent, output):\n    return cotangent{_TAKES}",
                "y.sum().item() == 6", is_fixed=False),
        Example(f"{_ROUND}f.vjp(lambda a, c: c){_TAKES}", f"{_ROUND}f.vjp(lambda a, c, _: c){_TAKES}",
                "y.sum().item() == 6", is_fixed=False),
        Example(f"{_ROUND}@f.jvp\ndef g(primals, tangents, outputs):\n    return tangents\n"
                "y = mx.jvp(lambda a: f(a), [x], [x])[1][0]",
                f"{_ROUND}@f.jvp\ndef g(primals, tangents):\n    return tangents\n"
                "y = mx.jvp(lambda a: f(a), [x], [x])[1][0]", "y.shape == (2, 3)", is_fixed=False),
    ),
)  # fmt: skip
def custom_derivative(context: RuleContext, found: Node | Call) -> Search | None:
    """Find functions given to ``vjp``, ``jvp`` and ``vmap`` of a custom function that do not take what they get."""
    if not context.file.mentions("custom_function"):
        return None
    if isinstance(found, Call):
        target = found.function if len(found.arguments) == 1 and found.is_whole else None
        meaning = context.evaluator.meaning(found.arguments[0]) if target is not None else None
        function = meaning.node if isinstance(meaning, LocalFunction) and meaning.receiver is None else None
    else:
        target = found.named_children[0] if found.named_children else None
        function = field(found.parent, "definition")
    owner, method = field(target, "object"), field(target, "attribute")
    given = _CUSTOM.get(text_of(method)) if method is not None else None
    if given is None or owner is None or function is None or function.type not in ("function_definition", "lambda"):
        return None
    arity = arity_of(function)
    is_other = arity is not None and not arity.takes(len(given))
    return partial(_other_arguments, context, owner, function, text_of(target or owner)) if is_other else None


def _other_arguments(context: RuleContext, owner: Node, function: Node, name: str, _: Node) -> Iterator[Finding]:
    """Report a derivative that takes something else, if it is one of a custom function."""
    if _is_custom(context, owner):
        said = ", ".join(f"the {one}" for one in _CUSTOM[name.rpartition(".")[2]])
        yield Finding(
            field(function, "parameters") or function,
            f"MLX calls the function of `{name}` with {said}: this raises.",
        )


def _is_custom(context: RuleContext, name: Node) -> bool:
    """Return whether a name is that of a function that ``mx.custom_function`` has made."""
    scopes = (scope.bindings[text_of(name)] for scope in context.scopes_around(name) if text_of(name) in scope.bindings)
    bindings = next(scopes, [])
    if name.type != "identifier" or len(bindings) != 1:
        return False
    made, function = call_of(bindings[0].value), bindings[0].definition
    marks = decorators(function) if function is not None else []
    return any(context.name(one) == "mlx.core.custom_function" for one in (*marks, made.function if made else None))


_BLOCK = (
    "class Block(nn.Module):\n    def __init__(self):\n        super().__init__()\n        self.fc = nn.Linear(3, 3)\n"
    "    def __call__(self, a):\n        return "
)

_GRADIENT = "block = Block()\n_, grads = nn.value_and_grad(block, lambda m, a: m(a).sum())(block, x)\ny = grads"


@rule(
    "checkpointed-module",
    "warning",
    "`mx.checkpoint` of a module",
    PYTHON + "_autosummary/mlx.nn.utils.checkpoint.html",
    scope="file",
    calls=("checkpoint",),
    examples=(
        Example(f"{_BLOCK}mx.checkpoint(self.fc)(a)\n{_GRADIENT}", f"{_BLOCK}nn.utils.checkpoint(self.fc)(a)\n"
                f"{_GRADIENT}", 'mx.abs(y["fc"]["weight"]).sum().item() > 0', "wrong"),
        Example(f"{_BLOCK}mx.checkpoint(lambda h: nn.relu(self.fc(h)) + h)(a)\n{_GRADIENT}",
                f"{_BLOCK}nn.relu(nn.utils.checkpoint(self.fc)(a)) + a\n{_GRADIENT}",
                'mx.abs(y["fc"]["bias"]).sum().item() > 0', "wrong", is_fixed=False),
        Example(f"{_BLOCK}mx.checkpoint(self.run)(a)\n    def run(self, a):\n        return self.fc(a)\n{_GRADIENT}",
                f"{_BLOCK}nn.utils.checkpoint(self, self.run)(a)\n    def run(self, a):\n        return self.fc(a)\n"
                f"{_GRADIENT}", 'mx.abs(y["fc"]["bias"]).sum().item() > 0', "wrong"),
    ),
)  # fmt: skip
def checkpointed_module(context: RuleContext, call: Call) -> Search | None:
    """Find modules, and functions that use one of outside, given to ``mx.checkpoint``: their parameters stay as are."""
    given = call.arguments[0] if call.is_whole and len(call.arguments) == 1 else None
    if given is None or context.name(call.function) != "mlx.core.checkpoint" or context.file.mentions("freeze("):
        return None
    return partial(_checkpointed, context, call, given)


def _checkpointed(context: RuleContext, call: Call, given: Node, _: Node) -> Iterator[Finding]:
    """Report a module, or a function that uses one."""
    nn, text = context.alias("mlx.nn", call.node), ""
    if context.is_a(given, "mlx.nn.Module"):
        text = f"{nn}.utils.checkpoint({text_of(given)})"
    else:
        function = context.evaluator.meaning(given)
        if not isinstance(function, LocalFunction) or not _uses_module(context, function.node):
            return
        if function.receiver is not None and given.type == "attribute":
            text = f"{nn}.utils.checkpoint({text_of(given.named_children[0])}, {text_of(given)})"
    fixes = (Fix(f"Write {text}", (replaced(call.node, text),), is_safe=False),) if nn and text else ()
    yield Finding(
        call.node, "`mx.checkpoint` computes gradients of its arguments alone: the module's parameters get zero. "
        "`nn.utils.checkpoint` gives them to it.", fixes,
    )  # fmt: skip


def _uses_module(context: RuleContext, function: Node) -> bool:
    """Return whether a function calls a module that it is not given, and gives it no other parameters."""
    if ".update(" in text_of(function):
        return False
    own = context.bindings_in(function).keys() - {"self"}
    for found in within(field(function, "body"), "call"):
        called = field(found, "function") or found
        root = called
        while root.type in ("attribute", "subscript") and root.named_children:
            root = root.named_children[0]
        if text_of(root) not in own and context.is_a(called, "mlx.nn.Module"):
            return True
    return False


RULES = (gradient_result, custom_derivative, checkpointed_module)
