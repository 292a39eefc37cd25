"""Calls that fit no signature of what they call: keywords that it does not have, arguments too many or too few."""

from collections.abc import Iterator
from dataclasses import replace
from difflib import get_close_matches
from functools import lru_cache

from tenny_lsp.mlx_api.entry import ApiEntry, Signature
from tenny_lsp.mlx_api.foreign import KEYWORDS_WITH_RULES, load_foreign_arguments, own_keyword
from tenny_lsp.mlx_api.index import ApiIndex
from tenny_lsp.mlx_api.overloads import overloads_of, positional_of, takes
from tenny_lsp.mlx_api.pages import page_of
from tenny_lsp.pitfalls.calls import Call
from tenny_lsp.pitfalls.context import RuleContext
from tenny_lsp.pitfalls.edits import Fix, replaced, without
from tenny_lsp.pitfalls.guards import is_guarded, is_set_or_guarded
from tenny_lsp.pitfalls.rule import PYTHON, Example, Finding, rule
from tenny_lsp.pitfalls.signatures import Mismatch, bound_entry, mismatch, parameters
from tenny_lsp.source.syntax import Node, field, text_of

#: Up to how many parameters a message lists.
_FEW = 8
#: What other libraries call a first argument that MLX takes by its place.
_FIRST = ("input", "a", "x", "tensor", "arr")


@rule(
    "unknown-keyword",
    "error",
    "A keyword argument that MLX does not have",
    PYTHON + "ops.html",
    calls=("*",),
    is_general=True,
    examples=(
        Example("y = nn.LayerNorm(3, epsilon=1e-5)(x)", "y = nn.LayerNorm(3, eps=1e-5)(x)", "y.shape == (2, 3)"),
        Example("y = mx.random.normal((2,), std=3)", "y = mx.random.normal((2,), scale=3)", "y.shape == (2,)"),
        Example("y = optim.AdamW(1e-3, weightdecay=0.1)", "y = optim.AdamW(1e-3, weight_decay=0.1)",
                "abs(y.weight_decay - 0.1) < 1e-6"),
        Example(
            "q = x[None, None]\ny = mx.fast.scaled_dot_product_attention(q, q, q, scale=1.0, attn_mask=None)",
            "q = x[None, None]\ny = mx.fast.scaled_dot_product_attention(q, q, q, scale=1.0, mask=None)",
            "y.shape == (1, 1, 2, 3)",
        ),
        Example("y = nn.LSTM(3, 4, batch_first=True)(x)[0]", "y = nn.LSTM(3, 4)(x)[0]", "y.shape == (2, 4)"),
        Example("y = mx.sum(input=x, axis=0)", "y = mx.sum(x, axis=0)", "y.tolist() == [3, 5, 7]"),
        Example("y = x.sum(axis=1, dtype=mx.float16)", "y = x.astype(mx.float16).sum(axis=1)",
                "y.dtype == mx.float16", is_fixed=False),
        Example("y = nn.ReLU(inplace=True)(x)", "y = nn.ReLU()(x)", "y.shape == (2, 3)"),
        Example("y = nn.Softmax(dim=-1)(x)", "y = nn.Softmax()(x)", "y.shape == (2, 3)"),
        Example("y = partial(mx.softmax, dim=-1)(x)", "y = partial(mx.softmax, axis=-1)(x)", "y.shape == (2, 3)"),
        Example("@partial(mx.compile, static_argnums=(1,))\ndef f(a, n):\n    return a**n\ny = f(x, 2)",
                "@partial(mx.compile)\ndef f(a, n):\n    return a**n\ny = f(x, 2)", "y.shape == (2, 3)",
                is_fixed=False),
        Example("y = model(x, train=False)", "y = model(x)", "y.shape == (2, 2)", is_fixed=False),
    ),
)  # fmt: skip
def unknown_keyword(context: RuleContext, call: Call) -> Iterator[Finding]:
    """Find keywords that no overload of what is called has."""
    is_partial = call.name == "partial" and bool(call.keywords)
    call = _of_partial(context, call) if is_partial else call
    found = _misfit(context, call) if call.keywords else None
    if found is None:
        return
    entry, why = found
    for name in (*why.unknown, *why.placed):
        is_first = not call.arguments and name == next(iter(call.keywords))
        own = own_keyword(name, why.left)
        if not is_partial and (name in _OTHER_RULES or (name in KEYWORDS_WITH_RULES and own is not None)):
            continue
        if name == "unbiased" and "ddof" in parameters(entry):
            continue
        message, fixes = _advice(call, why, name, is_first)
        if not fixes and _is_said_anyway(entry, name, call.value(name)):
            fixes = (Fix(f"Remove {name}=", without(call, [call.keywords[name]])),)
        what = f"`{_called(entry)}` has no argument `{name}`"
        if name in why.placed:
            what = f"`{_called(entry)}` takes `{name}` by its place alone"
        yield Finding(call.keywords[name].named_children[0], what + message, fixes, page_of(entry.name) or "")


def _of_partial(context: RuleContext, call: Call) -> Call:
    """Return a ``partial`` as the call that it begins, of its first argument; another call as it is."""
    function = call.arguments[0] if call.arguments else None
    if function is None or context.external(call.function) != "functools.partial":
        return call
    owner, name = field(function, "object"), field(function, "attribute")
    short = text_of(name or function)
    return replace(call, function=function, name=short, owner=owner, arguments=call.arguments[1:])


#: Layers over the last axis.
_LAST_AXIS = ("mlx.nn.Softmax", "mlx.nn.LogSoftmax", "mlx.nn.Softmin")


def _is_said_anyway(entry: ApiEntry, name: str, value: Node | None) -> bool:
    """Return whether a layer does what a keyword says though it does not have it."""
    text = text_of(value) if value is not None else ""
    layer = entry.name.removesuffix(".__init__")
    if name == "inplace":  # the layer returns what it computes, and nobody has anything else of it
        return text == "True" and layer.startswith("mlx.nn.") and layer.rpartition(".")[2][:1].isupper()
    return layer in _LAST_AXIS and name in ("dim", "axis") and text == "-1"


#: Keywords that rules speak of whatever is called.
_OTHER_RULES = ("device", "requires_grad")


def _advice(call: Call, why: Mismatch, name: str, is_first: bool) -> tuple[str, tuple[Fix, ...]]:
    """Return what to write instead of a keyword, as the end of a message, and the fixes that write it."""
    keyword, value = call.keywords[name], call.value(name)
    own, elsewhere = own_keyword(name, why.left), load_foreign_arguments().get(name)
    if own is not None:
        return f"; MLX calls it `{own}`.", (Fix(f"Write {own}=", (replaced(keyword.named_children[0], own),)),)
    if name in why.placed or (name in _FIRST and why.missing[:1] and is_first):
        fix = Fix(f"Remove {name}=", (replaced(keyword, text_of(value)),)) if value is not None and is_first else None
        return ("." if name in why.placed else "; it is the first, without a name."), (fix,) if fix else ()
    if elsewhere is not None:
        is_default = value is not None and text_of(value).replace("'", '"') == elsewhere.default
        fix = Fix(f"Remove {name}=", without(call, [keyword])) if is_default else None
        return f". {elsewhere.note}", (fix,) if fix is not None else ()
    alike = get_close_matches(name, why.left, 1, 0.75)
    if alike:
        fix = Fix(f"Write {alike[0]}=", (replaced(keyword.named_children[0], alike[0]),), is_safe=False)
        return f"; it has `{alike[0]}`.", (fix,)
    listed = [one for one in why.left if one != "stream"]
    if not listed and not call.keywords.keys() - {name}:
        return ".", ()
    return (f"; it has {', '.join(f'`{one}`' for one in listed)}." if 0 < len(listed) <= _FEW else "."), ()


@rule(
    "argument-count",
    "error",
    "Arguments too many or too few",
    PYTHON + "ops.html",
    calls=("*",),
    is_general=True,
    examples=(
        Example("y = mx.fast.rms_norm(x, mx.ones(3))", "y = mx.fast.rms_norm(x, mx.ones(3), 1e-5)",
                "y.shape == (2, 3)", is_fixed=False),
        Example("y = nn.Linear(3)(x)", "y = nn.Linear(3, 2)(x)", "y.shape == (2, 2)", is_fixed=False),
        Example("y = mx.matmul(x)", "y = mx.matmul(x, x.T)", "y.shape == (2, 2)", is_fixed=False),
        Example("y = mx.softmax(x, -1, True, mx.cpu)", "y = mx.softmax(x, -1, precise=True, stream=mx.cpu)",
                "y.shape == (2, 3)", is_fixed=False),
        Example("y = mx.sum(x, 0, axis=1)", "y = mx.sum(x, axis=1)", "y.shape == (2,)", is_fixed=False),
        Example(
            "@mx.vmap(in_axes=1)\ndef f(a):\n    return a.sum()\ny = f(x)",
            "@partial(mx.vmap, in_axes=1)\ndef f(a):\n    return a.sum()\ny = f(x)",
            "y.tolist() == [3, 5, 7]",
        ),
        Example("y = nn.ReLU(True)(x)", "y = nn.ReLU()(x)", "y.shape == (2, 3)", is_fixed=False),
        Example("y = nn.MultiHeadAttention(4, 2)(mx.zeros((1, 2, 4)))",
                "q = mx.zeros((1, 2, 4))\ny = nn.MultiHeadAttention(4, 2)(q, q, q)", "y.shape == (1, 2, 4)",
                is_fixed=False),
    ),
)  # fmt: skip
def argument_count(context: RuleContext, call: Call) -> Iterator[Finding]:
    """Find calls with more positional arguments than there are places, twice the same, or without what they need."""
    found = _misfit(context, call)
    if found is None or found[1].unknown or found[1].placed:
        return
    entry, why = found
    called, link = _called(entry), page_of(entry.name) or ""
    if why.twice:
        message = f"`{called}` is given `{why.twice[0]}` twice, by its place and by its name."
        yield Finding(call.keywords[why.twice[0]], message, (), link)
    elif why.surplus:
        most = max(len(positional_of(one)) for one in overloads_of(entry))
        named = [f"`{one}`" for one in why.left if one != "stream" or len(why.left) == 1]
        given = "1 is" if len(call.arguments) == 1 else f"{len(call.arguments)} are"
        message = f"`{called}` takes {_count(most)} by place at most, and {given} given"
        message += f"; {', '.join(named)} {'has' if len(named) == 1 else 'have'} to be named." if named else "."
        yield Finding(call.arguments[-why.surplus], message, (), link)
    elif why.missing and _decorates(call):
        text = f"partial({text_of(call.function)}, {text_of(call.listed)[1:-1]})"
        partial = context.alias("functools.partial", call.node)
        fix = Fix(f"Write @{text}", (replaced(call.node, partial + text.removeprefix("partial")),))
        message = f"`{called}` takes the function itself first, and here gets only options. Write `@{text}`."
        yield Finding(call.node, message, (fix,) if partial else (), link)
    elif why.missing:
        named = [f"`{one}`" for one in why.missing]
        yield Finding(call.listed, f"`{called}` needs {_joined(named)}, and has no default for {_it(named)}.", (), link)


def _decorates(call: Call) -> bool:
    """Return whether a call is a decorator that is given options alone, ``@mx.compile(shapeless=True)``."""
    around = call.node.parent
    return around is not None and around.type == "decorator" and not call.arguments and bool(call.keywords)


def _count(most: int) -> str:
    return "no argument" if not most else f"{most} argument{'s' if most > 1 else ''}"


def _joined(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _it(names: list[str]) -> str:
    return "it" if len(names) == 1 else "them"


def _called(entry: ApiEntry) -> str:
    return entry.name.removesuffix(".__call__")


def _misfit(context: RuleContext, call: Call) -> tuple[ApiEntry, Mismatch] | None:
    """Return what a call calls and why the call does not fit it; None where it fits or is not certain to be MLX's."""
    if _all_fit(context, call):
        return None
    if not call.is_whole and (
        call.listed.has_error or any("splat" in child.type for child in call.listed.named_children)
    ):
        return None
    entry = bound_entry(context, call)
    why = mismatch(entry, call) if entry is not None else None
    if entry is None or why is None:
        return None
    is_instance = entry.kind == "method"
    is_prepared = (is_guarded if is_instance else is_set_or_guarded)(
        context, call.node if is_instance else call.function
    )
    is_tested = any(map(context.file.mentions, ("inspect.signature", "assertRaises(", "pytest.raises(")))
    return None if is_prepared or is_tested else (entry, why)


def _all_fit(context: RuleContext, call: Call) -> bool:
    """Return whether all that a call may call by its name takes its arguments; to find out which it is takes longer."""
    is_method = call.owner is not None and not context.is_of_module(call.owner)
    count, keywords = len(call.arguments), frozenset(call.keywords)
    if (call.name, is_method) in _overloads(context.index):
        return _fit(context.index, call.name, is_method, count, keywords)
    refusing = _refusing(context.index, count) if not keywords else ()
    if 0 < len(refusing) <= _FEW and not any(map(context.file.mentions, refusing)):
        return True
    return not context.is_made(call.function)


@lru_cache(maxsize=64)
def _refusing(index: ApiIndex, count: int) -> tuple[str, ...]:
    """Return the short names of the layers that cannot be called with so many arguments."""
    calls = [entry for entry in index if entry.short_name == "__call__" and entry.name != "mlx.nn.Module.__call__"]
    refusing = (one for one in calls if not any(takes(form, count, ()) for form in overloads_of(one)))
    return tuple(one.name.split(".")[-2] for one in refusing)


@lru_cache(maxsize=4)
def _overloads(index: ApiIndex) -> dict[tuple[str, bool], tuple[tuple[Signature, ...], ...]]:
    """Return (short name, whether it is a method) → the overloads of each entry that has it."""
    found: dict[tuple[str, bool], list[tuple[Signature, ...]]] = {}
    for entry in index:
        if overloads := overloads_of(entry):
            for name in {name.rpartition(".")[2] for name in (entry.name, *entry.aliases)}:
                found.setdefault((name, entry.kind == "method"), []).append(overloads)
    return {name: tuple(dict.fromkeys(some)) for name, some in found.items()}


@lru_cache(maxsize=4096)
def _fit(index: ApiIndex, name: str, is_method: bool, count: int, keywords: frozenset[str]) -> bool:
    some = _overloads(index)[name, is_method]
    return all(any(takes(one, count, keywords) for one in overloads) for overloads in some)


RULES = (unknown_keyword, argument_count)
