"""Arguments of compiled functions that are not what they look like: modules, and shapes that may change."""

import re
from collections.abc import Iterator
from functools import partial

from tenny_lsp.inference.consumption import named
from tenny_lsp.inference.definitions import class_of, decorators
from tenny_lsp.pitfalls.calls import Call, call_of, function_around, within
from tenny_lsp.pitfalls.context import RuleContext
from tenny_lsp.pitfalls.edits import Fix, replaced
from tenny_lsp.pitfalls.rule import USAGE, Example, Finding, Search, rule
from tenny_lsp.pitfalls.traced import Tracer
from tenny_lsp.pitfalls.tracing import compiler
from tenny_lsp.source.syntax import Node, field, text_of, up_to

_COMPILE = USAGE + "compile.html"
_MODULE = "mlx.nn.Module"
_STATE = "@partial(mx.compile, inputs=model.state)\ndef f(a):\n    return model(a)\ny = f(x)"
_SHAPELESS = re.compile(r"\bshapeless\s*=\s*True\b")
_MEAN = "@{}\ndef f(a):\n    return a.sum() / a.shape[0]\nf(x)\ny = f(mx.ones((8, 3)))"


@rule(
    "module-argument",
    "error",
    "A module as an argument of a compiled function",
    _COMPILE,
    scope="file",
    kinds=("function_definition",),
    examples=(
        Example("@mx.compile\ndef f(net, a):\n    return net(a)\ny = f(model, x)", _STATE, "y.shape == (2, 2)",
                is_fixed=False),
        Example("@mx.compile\ndef f(net: nn.Module, a):\n    return net(a)\ny = f(model, x)", _STATE,
                "y.shape == (2, 2)", is_fixed=False),
        Example("def g(a, net):\n    return a @ net.weight.T\nf = mx.compile(g)\ny = f(x, model)",
                _STATE.replace("model(a)", "a @ model.weight.T"), "y.shape == (2, 2)", is_fixed=False),
    ),
)  # fmt: skip
def module_argument(context: RuleContext, node: Node) -> Search | None:
    """Find compiled functions that are given a module and call it, or read its attributes: they get a dict."""
    compiled = compiler(context, node) if context.file.mentions("compile") else None
    if compiled is None or class_of(node) is not None:  # a bound method is compiled without self
        return None
    uses = {name: use for name in _parameters(node) if (use := _use_as_module(context, node, name)) is not None}
    return partial(_given_modules, context, node, compiled, uses) if uses else None


def _given_modules(
    context: RuleContext, function: Node, compiled: Node, uses: dict[str, Node], whole: Node
) -> Iterator[Finding]:
    """Report a parameter that is annotated as a module, or given one by a call in the file."""
    called = list(_calls(context, function, compiled, whole))
    for place, name in enumerate(_parameters(function)):
        use = uses.get(name)
        given = [call.value(name) or next(iter(call.arguments[place : place + 1]), None) for call in called]
        if use is not None and (context.is_a(use, _MODULE) or any(context.is_a(one, _MODULE) for one in given)):
            yield Finding(
                use, f"`mx.compile` hands a module on as a plain dict, so using `{name}` raises. Leave it out of the "
                "arguments, read it from outside, and compile with `inputs=model.state`.",
            )  # fmt: skip
            return


def _parameters(function: Node) -> list[str]:
    """Return the names of a function's parameters up to the first with a default or a star."""
    names = list[str]()
    listed = field(function, "parameters")
    for node in listed.named_children if listed is not None else ():
        name = node.named_children[0] if node.type == "typed_parameter" else node
        if name.type != "identifier":
            break
        names.append(text_of(name))
    return names


def _use_as_module(context: RuleContext, function: Node, name: str) -> Node | None:
    """Return where a parameter is called, or an attribute of it is read that a dict lacks; None where neither is."""
    if len(context.bindings_in(function).get(name, ())) != 1:
        return None
    for use in within(field(function, "body"), "identifier"):
        outer = use.parent
        if text_of(use) != name or outer is None:
            continue
        if outer.type == "call" and field(outer, "function") == use:
            return use
        is_read = outer.type == "attribute" and field(outer, "object") == use
        member = text_of(outer.named_children[-1])
        if is_read and not hasattr(dict, member) and context.index.resolve(f"mlx.core.array.{member}") is None:
            return use
    return None


def _calls(context: RuleContext, function: Node, compiled: Node, whole: Node) -> Iterator[Call]:
    """Yield the calls of what has been compiled: by the function's name, or by what is made of it."""
    assigned = up_to(compiled, "assignment") if compiled.type == "call" else None
    name = field(assigned, "left") if assigned is not None else field(function, "name")
    for found in named(whole, text_of(name)) if name is not None else ():
        call = call_of(found.parent)
        if call is None or call.function != found or not call.is_whole:
            continue
        scopes = (scope.bindings[call.name] for scope in context.scopes_around(found) if call.name in scope.bindings)
        bindings = next(scopes, [])
        if len(bindings) == 1 and compiled in (bindings[0].value, *decorators(function)):
            yield call


@rule(
    "shape-in-shapeless",
    "warning",
    "A shape read in a function compiled for all shapes",
    _COMPILE,
    kinds=("attribute",),
    words=("shapeless",),
    examples=(
        Example(
            _MEAN.format("partial(mx.compile, shapeless=True)"), _MEAN.format("mx.compile"), "y.item() == 3", "wrong",
        ),
        Example(
            "def g(a):\n    rows, _ = a.shape\n    return a * rows\nf = mx.compile(g, shapeless=True)\nf(x)\n"
            "y = f(mx.ones((8, 3)))",
            "def g(a):\n    rows, _ = a.shape\n    return a * rows\nf = mx.compile(g)\nf(x)\ny = f(mx.ones((8, 3)))",
            "y[0, 0].item() == 8", "wrong", is_fixed=False,
        ),
    ),
)  # fmt: skip
def shape_in_shapeless(context: RuleContext, node: Node) -> Iterator[Finding]:
    """Find shapes and sizes of traced arrays in functions compiled with ``shapeless=True``; not the last axis's."""
    name, array = field(node, "attribute"), field(node, "object")
    if name is None or array is None or text_of(name) not in ("shape", "size"):
        return
    function = function_around(node)
    compiled = compiler(context, function)
    if function is None or compiled is None or not _SHAPELESS.search(text_of(compiled)) or _is_last(node):
        return
    if not context.is_array(array) or not Tracer(context, function).is_traced(array):
        return
    mx, text = context.alias("mlx.core", function), text_of(compiled)
    is_only = bool(mx) and re.fullmatch(rf"\w+\(\s*{re.escape(mx)}\.compile\s*,\s*shapeless\s*=\s*True\s*\)", text)
    fixes = (Fix("Compile for each shape", (replaced(compiled, f"{mx}.compile"),), is_safe=False),) if is_only else ()
    yield Finding(
        node, f"With `shapeless=True` this is read once, when the function is traced: for arrays of other shapes "
        f"`{text_of(node)}` stays what it was then. Leave `shapeless` out, or compute it outside.", fixes,
    )  # fmt: skip


def _is_last(node: Node) -> bool:
    """Return whether the length of the last axis alone is read, which is mostly the same for all shapes; or a guard."""
    outer = node.parent
    keys = outer.children_by_field_name("subscript") if outer is not None and outer.type == "subscript" else []
    is_guard = up_to(node, "assert_statement", "raise_statement") is not None
    return is_guard or [text_of(key) for key in keys] == ["-1"]


RULES = (module_argument, shape_in_shapeless)
