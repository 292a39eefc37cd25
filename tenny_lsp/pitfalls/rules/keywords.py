"""Keywords that PyTorch, NumPy or JAX have and MLX calls otherwise."""

from collections.abc import Iterator
from functools import partial

from tenny_lsp.mlx_api.foreign import own_keyword
from tenny_lsp.mlx_api.pages import page_of
from tenny_lsp.pitfalls.calls import Call
from tenny_lsp.pitfalls.context import RuleContext
from tenny_lsp.pitfalls.edits import Fix, replaced
from tenny_lsp.pitfalls.guards import is_guarded
from tenny_lsp.pitfalls.rule import PYTHON, Example, Finding, Rule, rule
from tenny_lsp.pitfalls.signatures import called_entry, parameters
from tenny_lsp.source.syntax import text_of


def _renamed(code: str, title: str, link: str, keywords: tuple[str, ...], examples: tuple[Example, ...]) -> Rule:
    """Return the rule that finds some of the keywords in ``KEYWORDS`` and writes MLX's own."""
    check = partial(_renamed_keywords, keywords)
    return rule(code, "error", title, link, keywords=keywords, examples=examples)(check)


def _renamed_keywords(keywords: tuple[str, ...], context: RuleContext, call: Call) -> Iterator[Finding]:
    entry = called_entry(context, call)
    known = parameters(entry) if entry is not None else {"**"}
    if entry is None or "**" in known:
        return
    for name in keywords:
        own = own_keyword(name, known - call.keywords.keys())
        if name in call.keywords and name not in known and own is not None and not is_guarded(context, call.node):
            keyword = call.keywords[name].named_children[0]
            message = f"`{entry.name}` has no argument `{name}`; MLX calls it `{own}`."
            yield Finding(
                keyword, message, (Fix(f"Write {own}=", (replaced(keyword, own),)),), page_of(entry.name) or ""
            )


_RENAMED = (
    _renamed(
        "dim-keyword",
        "`dim=` instead of `axis=` or `dims=`",
        PYTHON + "ops.html",
        ("dim", "dims"),
        (
            Example("y = mx.sum(x, dim=0)", "y = mx.sum(x, axis=0)", "y.tolist() == [3, 5, 7]"),
            Example("y = x.mean(dim=1)", "y = x.mean(axis=1)", "y.tolist() == [1, 4]"),
            Example("y = nn.softmax(x, dim=-1)", "y = nn.softmax(x, axis=-1)", "y.shape == (2, 3)"),
            Example("y = nn.RMSNorm(dim=3)(x)", "y = nn.RMSNorm(dims=3)(x)", "y.shape == (2, 3)"),
            Example("y = mx.transpose(x, dims=(1, 0))", "y = mx.transpose(x, axes=(1, 0))", "y.shape == (3, 2)"),
        ),
    ),
    _renamed(
        "layer-keyword",
        "PyTorch's names of a layer's arguments",
        PYTHON + "nn/layers.html",
        (
            "in_features", "out_features", "elementwise_affine", "normalized_shape", "embedding_dim", "embed_dim",
            "d_model", "nhead", "dim_feedforward",
        ),
        (
            Example("y = nn.LayerNorm(3, elementwise_affine=False)(x)", "y = nn.LayerNorm(3, affine=False)(x)",
                    "y.size == 6"),
            Example("y = nn.Embedding(9, embedding_dim=4)", "y = nn.Embedding(9, dims=4)", "y.weight.shape == (9, 4)"),
            Example("y = nn.Linear(3, out_features=2)(x)", "y = nn.Linear(3, output_dims=2)(x)", "y.shape == (2, 2)"),
        ),
    ),
    _renamed(
        "function-keyword",
        "PyTorch's or NumPy's names of a function's arguments",
        PYTHON + "ops.html",
        ("diagonal", "steps", "fill_value"),
        (
            Example("y = mx.tril(x, diagonal=-1)", "y = mx.tril(x, k=-1)", "y[0, 0].item() == 0"),
            Example("y = mx.linspace(0, 1, steps=5)", "y = mx.linspace(0, 1, num=5)", "y.shape == (5,)"),
            Example("y = mx.full((2,), fill_value=3)", "y = mx.full((2,), vals=3)", "y.tolist() == [3, 3]"),
        ),
    ),
    _renamed(
        "keepdim-keyword",
        "`keepdim=` instead of `keepdims=`",
        PYTHON + "ops.html",
        ("keepdim",),
        (
            Example("y = x.sum(axis=1, keepdim=True)", "y = x.sum(axis=1, keepdims=True)", "y.shape == (2, 1)"),
            Example("y = mx.argmax(x, 1, keepdim=True)", "y = mx.argmax(x, 1, keepdims=True)", "y.shape == (2, 1)"),
        ),
    ),
    _renamed(
        "in-dims-keyword",
        "`vmap(in_dims=)` instead of `in_axes=`",
        PYTHON + "_autosummary/mlx.core.vmap.html",
        ("in_dims", "out_dims"),
        (
            Example(
                "y = mx.vmap(lambda a: a.sum(), in_dims=1)(x)",
                "y = mx.vmap(lambda a: a.sum(), in_axes=1)(x)",
                "y.tolist() == [3, 5, 7]",
            ),
        ),
    ),
    _renamed(
        "size-keyword",
        "NumPy's `size=` instead of `shape=`",
        PYTHON + "random.html",
        ("size",),
        (
            Example("y = mx.random.normal(size=(2, 3))", "y = mx.random.normal(shape=(2, 3))", "y.shape == (2, 3)"),
            Example("y = mx.random.randint(0, 9, size=(4,))", "y = mx.random.randint(0, 9, shape=(4,))", "y.size == 4"),
        ),
    ),
)  # fmt: skip


@rule(
    "unbiased-keyword",
    "error",
    "`unbiased=` instead of `ddof=`",
    PYTHON + "_autosummary/mlx.core.std.html",
    keywords=("unbiased",),
    examples=(
        Example("y = mx.std(x, unbiased=True)", "y = mx.std(x, ddof=1)", "abs(y.item() - 1.8708) < 1e-3"),
        Example("y = x.var(unbiased=False)", "y = x.var(ddof=0)", "abs(y.item() - 2.9167) < 1e-3"),
    ),
)
def unbiased_keyword(context: RuleContext, call: Call) -> Iterator[Finding]:
    """Find ``unbiased=`` of ``std`` and ``var``."""
    entry, value = called_entry(context, call), call.value("unbiased")
    if entry is None or value is None or "ddof" not in parameters(entry) or "unbiased" in parameters(entry):
        return
    fixes: tuple[Fix, ...] = ()
    if text_of(value) in ("True", "False"):
        number = int(text_of(value) == "True")
        fixes = (Fix(f"Write ddof={number}", (replaced(call.keywords["unbiased"], f"ddof={number}"),)),)
    message = f"`{entry.name}` has no argument `unbiased`: MLX divides by N - ddof, and ddof is 0 unless it is given."
    yield Finding(call.keywords["unbiased"], message, fixes, page_of(entry.name) or "")


RULES = (*_RENAMED, unbiased_keyword)
