"""Linear algebra on arrays and devices that it does not work on."""

from collections.abc import Iterator

from tenny_lsp.pitfalls.calls import Call
from tenny_lsp.pitfalls.context import RuleContext
from tenny_lsp.pitfalls.edits import Fix, atom, replaced
from tenny_lsp.pitfalls.rule import PYTHON, Example, Finding, rule
from tenny_lsp.pitfalls.values import dtype_of
from tenny_lsp.source.syntax import text_of

_LINALG = "mlx.core.linalg."
_PAGE = PYTHON + "linalg.html"
#: What works on a CPU alone, in float32 and float64.
_DECOMPOSITIONS = (
    "inv", "svd", "qr", "eigh", "eigvalsh", "eig", "eigvals", "cholesky", "cholesky_inv", "pinv", "lu", "lu_factor",
    "tri_inv", "solve", "solve_triangular",
)  # fmt: skip


@rule(
    "linalg-dtype",
    "error",
    "Linear algebra on integers or half precision",
    _PAGE,
    calls=_DECOMPOSITIONS,
    examples=(
        Example(
            "y = mx.linalg.inv(mx.array([[1, 2], [3, 4]]), stream=mx.cpu)",
            "y = mx.linalg.inv(mx.array([[1, 2], [3, 4]]).astype(mx.float32), stream=mx.cpu)",
            "y.shape == (2, 2)",
        ),
        Example(
            "h = x.astype(mx.float16)\ny = mx.linalg.svd(h, stream=mx.cpu)[0]",
            "h = x.astype(mx.float16)\ny = mx.linalg.svd(h.astype(mx.float32), stream=mx.cpu)[0]",
            "y.shape == (2, 2)",
        ),
    ),
)
def linalg_dtype(context: RuleContext, call: Call) -> Iterator[Finding]:
    """Find decompositions of arrays that are known to be neither float32 nor float64."""
    if not call.arguments or not context.name(call.function).startswith(_LINALG):
        return
    dtypes = [dtype_of(context, one) for one in call.arguments[: 2 if call.name.startswith("solve") else 1]]
    if not all(one.startswith(("int", "uint", "float16", "bfloat16")) for one in dtypes):
        return
    mx, first = context.alias("mlx.core", call.node), call.arguments[0]
    cast = f"{atom(first)}.astype({mx}.float32)"
    fixes = (Fix("Cast to float32", (replaced(first, cast),), is_safe=False),) if mx else ()
    yield Finding(
        first, f"`mx.linalg.{call.name}` works in float32 and float64, and this is {dtypes[0]}: cast it first.", fixes
    )


@rule(
    "linalg-on-gpu",
    "error",
    "Linear algebra on the GPU",
    _PAGE,
    calls=_DECOMPOSITIONS,
    examples=(
        Example(
            "y = mx.linalg.inv(mx.eye(2), stream=mx.gpu)", "y = mx.linalg.inv(mx.eye(2), stream=mx.cpu)",
            "y.shape == (2, 2)",
        ),
    ),
)  # fmt: skip
def linalg_on_gpu(context: RuleContext, call: Call) -> Iterator[Finding]:
    """Find decompositions that are told to run on the GPU."""
    stream = call.value("stream")
    if stream is None or context.name(stream) != "mlx.core.gpu":
        return
    if context.name(call.function).startswith(_LINALG):
        text = text_of(stream).removesuffix("gpu") + "cpu"
        yield Finding(
            stream, f"`mx.linalg.{call.name}` does not run on the GPU: it raises. Write `stream={text}`.",
            (Fix(f"Write {text}", (replaced(stream, text),)),),
        )  # fmt: skip


RULES = (linalg_dtype, linalg_on_gpu)
