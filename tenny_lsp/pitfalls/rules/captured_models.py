"""Models that compiled functions read, whose weights change later."""

from collections.abc import Iterator
from functools import partial

from tenny_lsp.inference.definitions import decorators
from tenny_lsp.inference.meaning import LocalFunction
from tenny_lsp.pitfalls.calls import Call, all_within, call_of, function_around, within
from tenny_lsp.pitfalls.context import RuleContext
from tenny_lsp.pitfalls.edits import Fix, appended, replaced
from tenny_lsp.pitfalls.rule import USAGE, Example, Finding, Search, rule
from tenny_lsp.source.syntax import Node, field, text_of, up_to

_COMPILE = "mlx.core.compile"
_LOOPS = ("for_statement", "while_statement")
#: Methods of a module that change its parameters.
_CHANGES = ("update", "load_weights", "set_dtype", "apply")
_SET = "model.weight = mx.zeros((2, 3))\nmodel.bias = mx.zeros(2)\n"
_TRAIN = (
    "def train():\n    loss, grads = nn.value_and_grad(model, lambda x: mx.square(model(x) - 9).mean())(x)\n"
    "    optimizer.update(model, grads)\n    mx.eval(model.parameters())\n"
)
_PREDICT = "{}\ndef predict(a):\n    return model(a)\n"
_TWICE = "before = predict(x)\nmx.eval(before)\ntrain()\ny = predict(x)"
_COMPILED = "mx.compile(self.model, inputs=self.model.state)"
_CLASS = (
    "class Trainer:\n    def __init__(self):\n        self.model = nn.Linear(3, 2)\n"
    "        self.optimizer = optim.SGD(learning_rate=0.1)\n        self.predict = {}\n"
    "    def fit(self):\n        loss_fn = lambda m: mx.square(m(x) - 9).mean()\n        for _ in range(2):\n"
    "            loss, grads = nn.value_and_grad(self.model, loss_fn)(self.model)\n"
    "            self.optimizer.update(self.model, grads)\n"
    "            mx.eval(self.model.parameters(), self.optimizer.state)\n            y = self.predict(x)\n"
    "        return y\ntrainer = Trainer()\ny = trainer.fit()\nmodel = trainer.model"
)
_CHANGED = "mx.allclose(y, model(x)).item() and not mx.allclose(model(x), mx.zeros((2, 2))).item()"


@rule(
    "frozen-model",
    "warning",
    "A model that a compiled function reads and that is trained later",
    USAGE + "compile.html",
    scope="file",
    kinds=("function_definition", "assignment"),
    words=("compile",),
    examples=(
        Example(
            _SET + _TRAIN + _PREDICT.format("@mx.compile") + _TWICE,
            _SET + _TRAIN + _PREDICT.format("@partial(mx.compile, inputs=model.state)") + _TWICE,
            _CHANGED, "wrong",
        ),
        Example(
            f"{_SET}{_TRAIN}predict = mx.compile(lambda a: model(a))\n{_TWICE}",
            f"{_SET}{_TRAIN}predict = mx.compile(lambda a: model(a), inputs=model.state)\n{_TWICE}",
            _CHANGED, "wrong",
        ),
        Example(
            f"{_SET}{_TRAIN}predict = mx.compile(model)\nfor _ in range(2):\n    y = predict(x)\n    mx.eval(y)\n"
            "    train()\ny = predict(x)",
            f"{_SET}{_TRAIN}predict = mx.compile(model, inputs=model.state)\nfor _ in range(2):\n    y = predict(x)\n"
            "    mx.eval(y)\n    train()\ny = predict(x)",
            _CHANGED, "wrong",
        ),
        Example(
            f"{_SET}{_CLASS.format('mx.compile(self.model)')}", f"{_SET}{_CLASS.format(_COMPILED)}", _CHANGED, "wrong",
        ),
    ),
)  # fmt: skip
def frozen_model(context: RuleContext, node: Node) -> Search | None:
    """Find compiled functions that call a model, which is updated between two calls of them."""
    if not any(map(context.file.mentions, (".update(", ".load_weights("))):
        return None
    name, body = field(node, "name"), node
    compiler = next((one for one in decorators(node) if _is_plain(context, one)), None)
    if node.type == "assignment" and (found := _compiled(context, node)) is not None:
        compiler, name, body = found
    if compiler is None or name is None or context.file.mentions("disable_compile"):
        return None
    scope = next((one for one in context.scopes_around(name) if text_of(name) in one.bindings), None)
    is_one = context.value_of_attribute(name) is not None
    if not is_one and (scope is None or len(scope.bindings[text_of(name)]) != 1):
        return None
    return partial(_trained_models, context, name, body, compiler)


def _is_plain(context: RuleContext, decorator: Node) -> bool:
    """Return whether a decorator compiles a function without naming what it reads."""
    call = call_of(decorator)
    if call is None:
        return context.name(decorator) == _COMPILE
    if context.external(call.function) != "functools.partial" or len(call.arguments) != 1 or not call.is_whole:
        return False
    return "inputs" not in call.keywords and context.name(call.arguments[0]) == _COMPILE


def _compiled(context: RuleContext, node: Node) -> tuple[Node, Node, Node] | None:
    """Return the call that compiles, the name that it is assigned to, and what is compiled: a function or a model."""
    name, call = field(node, "left"), call_of(field(node, "right"))
    is_one = call is not None and call.name == "compile" and call.is_whole and len(call.arguments) == 1
    is_name = name is not None and (name.type == "identifier" or text_of(name).startswith("self."))
    if name is None or call is None or not is_name or not is_one or "inputs" in call.keywords:
        return None
    if context.name(call.function) != _COMPILE:
        return None
    given = call.arguments[0]
    function = context.evaluator.meaning(given)
    is_local = isinstance(function, LocalFunction) and function.home is context.evaluator and function.receiver is None
    return call.node, name, function.node if isinstance(function, LocalFunction) and is_local else given


def _trained_models(context: RuleContext, name: Node, body: Node, compiler: Node, whole: Node) -> Iterator[Finding]:
    """Report the first model that a compiled function calls and that is updated between two of its calls."""
    cls = up_to(compiler, "class_definition") if name.type == "attribute" else None
    scopes = [function_around(compiler) or whole] if cls is None else list(all_within(cls, "function_definition"))
    for scope in scopes:
        yield from _trained_in(context, scope, name, body, compiler)


def _trained_in(context: RuleContext, scope: Node, name: Node, body: Node, compiler: Node) -> Iterator[Finding]:
    """Report the same for the calls in one function, or at the top of the file."""
    calls = [call for one in within(scope, "call") if (call := call_of(one)) is not None]
    uses = [call for call in calls if text_of(call.function) == text_of(name)]
    for model in _models(context, body):
        updates = [call for call in calls if call not in uses and _updates(context, call, text_of(model))]
        if any(_is_between(update, uses) or _is_in_a_loop(update, uses, compiler) for update in updates):
            yield Finding(
                model, f"`{text_of(name)}` keeps the weights that `{text_of(model)}` has when it is traced, although "
                f"they are updated between its calls. Compile it with `inputs={text_of(model)}.state`.",
                _fixes(context, compiler, text_of(model)),
            )  # fmt: skip
            return


def _models(context: RuleContext, body: Node) -> Iterator[Node]:
    """Yield the names of the models that a function calls and does not bind, or the one that is compiled itself."""
    if body.type not in ("function_definition", "lambda"):
        if body.type in ("identifier", "attribute") and context.is_a(body, "mlx.nn.Module"):
            yield body
        return
    own = context.bindings_in(body)
    for one in within(field(body, "body"), "call"):
        function = field(one, "function")
        is_name = function is not None and (function.type == "identifier" or text_of(function).startswith("self."))
        is_outer = function is not None and is_name and text_of(function) not in own
        if function is not None and is_outer and context.is_a(function, "mlx.nn.Module"):
            yield function


def _updates(context: RuleContext, call: Call, model: str) -> bool:
    """Return whether a call changes a model's parameters, itself or in the function of the file that it calls."""
    if call.owner is not None:
        is_own = call.name in _CHANGES and text_of(call.owner) == model
        return is_own or _is_step(context, call, model)
    function = context.evaluator.meaning(call.function)
    node = function.node if isinstance(function, LocalFunction) and function.home is context.evaluator else None
    if node is None:
        node = _decorated(context, call.function)
    if node is None:
        return False
    listed = field(node, "parameters")
    names = [text_of(field(one, "name") or one).partition(":")[0] for one in listed.named_children] if listed else []
    passed = {name for name, given in zip(names, call.arguments, strict=False) if text_of(given) == model}
    if model not in context.bindings_in(node):
        passed.add(model)
    updates = (call_of(one) for one in within(field(node, "body"), "call"))
    return any(_is_step(context, one, word) for one in updates if one is not None for word in passed)


def _is_step(context: RuleContext, call: Call, model: str) -> bool:
    """Return whether a call is that of an optimizer which updates a model."""
    if call.name != "update" or len(call.arguments) != 2 or text_of(call.arguments[0]) != model:
        return False
    return context.is_a(call.owner, "mlx.optimizers.Optimizer")


def _decorated(context: RuleContext, name: Node) -> Node | None:
    """Return the function that a name is, under whatever decorators it stands: a compiled step."""
    scope = next((one for one in context.scopes_around(name) if text_of(name) in one.bindings), None)
    found = scope.bindings[text_of(name)] if scope is not None else []
    one = found[0].definition if len(found) == 1 else None
    return one if one is not None and one.type == "function_definition" else None


def _is_between(update: Call, uses: list[Call]) -> bool:
    """Return whether an update stands between two calls with the same arguments, which are traced once."""
    place = update.node.start_byte
    before = {text_of(one.listed) for one in uses if one.node.end_byte < place and not _is_conditional(one.node)}
    after = {text_of(one.listed) for one in uses if one.node.start_byte > place}
    return not before.isdisjoint(after) and not _is_conditional(update.node)


def _is_in_a_loop(update: Call, uses: list[Call], compiler: Node) -> bool:
    """Return whether an update and a call stand in one loop, in each of whose turns both are made."""
    loops = [loop for loop in _loops(update.node) if loop not in _loops(compiler)]
    return any(not _is_conditional(use.node) and any(loop in loops for loop in _loops(use.node)) for use in uses)


def _loops(node: Node) -> list[Node]:
    found, outer = [], node.parent
    while outer is not None and outer.type not in ("function_definition", "lambda", "module"):
        found += [outer] if outer.type in _LOOPS else []
        outer = outer.parent
    return found


def _is_conditional(node: Node) -> bool:
    """Return whether a node stands under a condition, other than one that comes true again and again: ``i % 10``."""
    outer = node.parent
    while outer is not None and outer.type not in ("function_definition", "lambda", "module"):
        condition = field(outer, "condition") if outer.type in ("if_statement", "elif_clause") else None
        if outer.type in ("else_clause", "except_clause", "conditional_expression", "case_clause"):
            return True
        if condition is not None and "%" not in text_of(condition):
            return True
        outer = outer.parent
    return False


def _fixes(context: RuleContext, compiler: Node, model: str) -> tuple[Fix, ...]:
    call, state = call_of(compiler), f"inputs={model}.state"
    if call is not None:
        return (Fix("Compile with the model's state", (appended(call, state),), is_safe=False),)
    apply = context.alias("functools.partial", compiler)
    text = f"{apply}({text_of(compiler)}, {state})"
    return (Fix("Compile with the model's state", (replaced(compiler, text),), is_safe=False),) if apply else ()


RULES = (frozen_model,)
