"""Names of PyTorch, NumPy and JAX that MLX's modules and arrays lack, and what to write instead."""

from collections.abc import Iterator
from functools import cache

from tenny_lsp.mlx_api.foreign import load_foreign_names, replacement_for_member
from tenny_lsp.mlx_api.naming import customary_name
from tenny_lsp.mlx_api.pages import page_of
from tenny_lsp.pitfalls.calls import call_of
from tenny_lsp.pitfalls.context import RuleContext
from tenny_lsp.pitfalls.edits import Fix, replaced, unwrapped
from tenny_lsp.pitfalls.rewrites import ARRAY_REWRITES, FUNCTION_REWRITES, RENAMED, Rewrite, rewritten
from tenny_lsp.pitfalls.rule import Finding
from tenny_lsp.source.syntax import Node, field, text_of

ARRAY = "mlx.core.array"
#: Those that PyTorch and NumPy mean otherwise, so that MLX's function of the name is not what was meant.
_OTHERWISE = {"where", "repeat", "sort", "topk", "unique", "split", "take", "expand", "type", "fill", "put", "stack"}

#: Contexts without gradients: MLX computes none that nobody asks for.
_NO_GRADIENTS = ("no_grad", "inference_mode")

replacement = cache(replacement_for_member)


@cache
def foreign_members() -> frozenset[str]:
    """Return the last components of all the names that the tables of other libraries' names have."""
    rows = {row.name for row in (*ARRAY_REWRITES, *FUNCTION_REWRITES)}
    return frozenset(
        {"functional"}.union(rows, *RENAMED.values()) | {name.rpartition(".")[2] for name in load_foreign_names()}
    )


def is_explained(context: RuleContext, node: Node, module: str, name: str) -> bool:
    """Return whether ``foreign-function`` or ``foreign-layer`` reports a name that one of MLX's modules lacks.

    Args:
        context (RuleContext): The file.
        node (Node): The attribute, ``mx.cat``.
        module (str): The module's public name.
        name (str): The member that it lacks.
    """
    if name not in foreign_members():
        return False
    if module == "mlx.nn":
        return is_functional(node, name) or replacement(module, name) is not None
    return next(lacking(context, node, module, name), None) is not None


def is_functional(node: Node, name: str) -> bool:
    """Return whether an attribute is the ``nn.functional`` of ``nn.functional.relu``."""
    return name == "functional" and field(node.parent, "object") == node


def lacking(context: RuleContext, node: Node, owner: str, name: str) -> Iterator[Finding]:
    """Yield the finding of a name that a module or an array lacks, if anything is known of it."""
    found = replacement(owner, name)
    fixes = tuple(_fixes(context, node, owner, name))
    renamed = RENAMED.get(owner, {}).get(name)
    if found is None and not fixes and renamed is None:
        return
    what = "An `mx.array`" if owner == ARRAY else f"`{customary_name(owner)}`"
    if found is not None:
        said = advice(found.mlx, found.note)
    else:
        said = f" MLX calls it `{customary_name(owner)}.{renamed}`." if renamed else f" {fixes[0].title}."
    page = page_of(found.mlx) if found is not None and found.mlx else None
    yield Finding(node, f"{what} has no `{name}`.{said}", fixes, page or "")


def advice(mlx: str | None, note: str) -> str:
    """Return what to write instead, as the end of a message."""
    named = f" MLX has `{customary_name(mlx)}`." if mlx else ""
    return f"{named} {note}".rstrip() if note else named


def _fixes(context: RuleContext, node: Node, owner: str, name: str) -> Iterator[Fix]:
    call = call_of(node.parent)
    receiver, member = field(node, "object"), field(node, "attribute")
    if receiver is None or member is None:
        return
    if owner == "mlx.core" and name in _NO_GRADIENTS:
        statement = _with_alone(node.parent)
        edits = unwrapped(statement) if statement is not None else ()
        if edits:
            yield Fix("Leave it out", edits)
        return
    is_array = owner == ARRAY
    if call is not None and call.function == node:
        for row in _rewrites(name):
            if row.is_function and (is_array or owner not in ("mlx.core", "mlx.core.random")):
                continue
            text = rewritten(context, call, row, receiver if is_array else None)
            if text is not None and (is_array or owner == "mlx.core" or row.is_function):
                yield Fix(
                    f"Write {text}" if len(text) < 60 else "Write it as MLX's",
                    (replaced(call.node, text),),
                    row.is_safe,
                )
                return
        mx = context.alias("mlx.core", node)
        function = context.index.resolve(f"mlx.core.{name}")
        if is_array and mx and function is not None and function.signatures and name not in _OTHERWISE:
            given = text_of(call.listed)[1:-1].strip()
            text = f"{mx}.{name}({', '.join(filter(None, (text_of(receiver), given)))})"
            yield Fix(f"Write {mx}.{name}(…)", (replaced(call.node, text),), is_safe=False)
            return
    if renamed := RENAMED.get(owner, {}).get(name):
        yield Fix(f"Write {text_of(receiver)}.{renamed}", (replaced(member, renamed),))


@cache
def _rewrites(name: str) -> tuple[Rewrite, ...]:
    return tuple(row for row in (*FUNCTION_REWRITES, *ARRAY_REWRITES) if row.name == name)


def _with_alone(node: Node | None) -> Node | None:
    """Return the ``with`` statement whose only item is a call, without ``as``; None where there is none."""
    item = node.parent if node is not None and node.type == "call" else None
    clause = item.parent if item is not None and item.type == "with_item" else None
    statement = clause.parent if clause is not None and len(clause.named_children) == 1 else None
    return statement if statement is not None and statement.type == "with_statement" else None
