"""Functions that MLX traces: what compiles or maps them, and what an expression in them is computed from."""

from collections.abc import Callable, Iterator

from tenny_lsp.inference.definitions import decorators
from tenny_lsp.pitfalls.calls import call_of
from tenny_lsp.pitfalls.context import RuleContext
from tenny_lsp.source.syntax import Node, text_of


def compiler(context: RuleContext, function: Node | None) -> Node | None:
    """Return what compiles a function: its decorator, ``mx.compile`` or a ``partial`` of it, or a call given it.

    Returns None when nothing does.
    """
    for decorator in decorators(function) if function is not None and context.file.mentions("compile") else ():
        call = call_of(decorator)
        if context.name(decorator) == "mlx.core.compile":
            return decorator
        if call is None or not call.arguments or context.name(call.arguments[0]) != "mlx.core.compile":
            continue
        if context.external(call.function) == "functools.partial":
            return decorator
    given = context.file.transformed.get("mlx.core.compile", {}).get(function.id) if function is not None else None
    return given.node if given is not None else None


def has_no_values(context: RuleContext, function: Node | None) -> str:
    """Return why the arrays in a function have no values, ``compiled`` or ``mapped``; empty where they have."""
    if compiler(context, function) is not None:
        return "compiled"
    call = context.file.transformed.get("mlx.core.vmap", {}).get(function.id) if function is not None else None
    # With in_axes some of its arguments are not mapped, and have values.
    is_plain = call is not None and not call.keywords and len(call.arguments) == 1 and call.is_whole
    return "mapped" if is_plain else ""


def behind(context: RuleContext, node: Node, is_end: Callable[[Node], bool] = lambda _: False) -> Iterator[Node]:
    """Yield the nodes that an expression's value is computed from, following names to what they are assigned.

    Args:
        context (RuleContext): The file.
        node (Node): The expression.
        is_end (Callable[[Node], bool]): Whether a node is yielded, but nothing inside it.
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
