"""Which functions MLX traces, and which values in them it knows nothing of yet."""

from collections.abc import Callable, Iterator

from tenny_lsp.inference.definitions import decorators
from tenny_lsp.inference.meaning import External
from tenny_lsp.pitfalls.calls import call_of
from tenny_lsp.pitfalls.context import RuleContext
from tenny_lsp.source.syntax import Node, text_of


def compiler(context: RuleContext, function: Node | None) -> Node | None:
    """Return the decorator that compiles a function, ``mx.compile`` or a ``partial`` of it."""
    for decorator in decorators(function) if function is not None and context.file.mentions("compile") else ():
        call = call_of(decorator)
        if context.name(decorator) == "mlx.core.compile":
            return decorator
        if call is None or not call.arguments or context.name(call.arguments[0]) != "mlx.core.compile":
            continue
        if context.evaluator.meaning(call.function) == External("functools.partial"):
            return decorator
    given = context.file.transformed.get("mlx.core.compile", {}).get(function.id) if function is not None else None
    return given.node if given is not None else None


def has_no_values(context: RuleContext, function: Node | None) -> str:
    """Return what makes the arrays in a function have no values, ``compiled`` or ``mapped``; empty if nothing does."""
    if compiler(context, function) is not None:
        return "compiled"
    call = context.file.transformed.get("mlx.core.vmap", {}).get(function.id) if function is not None else None
    # With in_axes some of its arguments are not mapped, and have values.
    is_plain = call is not None and not call.keywords and len(call.arguments) == 1 and call.is_whole
    return "mapped" if is_plain else ""


def is_traced(context: RuleContext, node: Node, function: Node) -> bool:
    """Return whether an expression's value comes from the parameters of a function."""
    given = {b.name for bs in context.bindings_in(function).values() for b in bs if b.definition is not None}
    names = (part for part in behind(context, node) if part.type == "identifier")
    return any(
        text_of(name) in given and context.binding_of(name) is not None and context.is_array(name) for name in names
    )


def behind(context: RuleContext, node: Node, is_end: Callable[[Node], bool] = lambda _: False) -> Iterator[Node]:
    """Yield an expression's parts, and those of what its names are assigned, but for what says no more of a value.

    What is an end is not gone into.
    """
    waiting, seen = [node], set[int]()
    while waiting:
        part = waiting.pop()
        if part.id in seen:
            continue
        seen.add(part.id)
        yield part
        if is_end(part):
            continue
        value = context.value_of(part) if part.type == "identifier" else None
        if value is not None and value != part:
            waiting.append(value)
        elif part.type == "attribute":
            is_plain = text_of(part.named_children[-1]) in ("shape", "ndim", "size", "dtype")
            waiting += [] if is_plain else part.named_children[:1]
        elif part.type == "keyword_argument":
            waiting += part.named_children[1:]
        else:
            waiting += part.named_children
