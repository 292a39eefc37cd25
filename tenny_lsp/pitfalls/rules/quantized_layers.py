"""A layer quantised by itself, which stays what it was."""

from collections.abc import Iterator

from tenny_lsp.inference.meaning import Api, Instance
from tenny_lsp.pitfalls.calls import Call
from tenny_lsp.pitfalls.context import RuleContext
from tenny_lsp.pitfalls.edits import Fix, replaced
from tenny_lsp.pitfalls.rule import PYTHON, Example, Finding, rule
from tenny_lsp.source.syntax import text_of

_LAYERS = ("mlx.nn.Linear", "mlx.nn.Embedding")
_HEAD = "head = nn.Linear(64, 8)\n"


@rule(
    "quantized-alone",
    "warning",
    "`nn.quantize` of a layer by itself",
    PYTHON + "nn/_autosummary_functions/mlx.nn.quantize.html",
    calls=("quantize",),
    examples=(
        Example(f"{_HEAD}nn.quantize(head, group_size=32, bits=4)\ny = head.weight.dtype",
                f"{_HEAD}head = head.to_quantized(group_size=32, bits=4)\ny = head.weight.dtype", "y == mx.uint32",
                "wrong"),
        Example("table = nn.Embedding(9, 64)\nnn.quantize(table)\ny = table.weight.dtype",
                "table = nn.Embedding(9, 64)\ntable = table.to_quantized()\ny = table.weight.dtype", "y == mx.uint32",
                "wrong"),
    ),
)  # fmt: skip
def quantized_alone(context: RuleContext, call: Call) -> Iterator[Finding]:
    """Find a layer given to ``nn.quantize``, which replaces the layers inside a module and not the module itself."""
    given = call.arguments[0] if call.arguments else call.value("model")
    if given is None or context.name(call.function) != "mlx.nn.quantize" or not context.is_made(given):
        return
    meaning = context.meaning(given)
    if not isinstance(meaning, Instance) or not isinstance(meaning.of, Api) or meaning.of.entry.name not in _LAYERS:
        return
    rest = [text_of(one) for one in call.listed.named_children if one not in (given, call.keywords.get("model"))]
    text = f"{text_of(given)}.to_quantized({', '.join(rest)})"
    statement = call.node.parent
    is_plain = given.type == "identifier" and context.is_own(given) and call.is_whole
    is_alone = statement is not None and statement.type == "expression_statement"
    fixes: tuple[Fix, ...] = ()
    if is_plain and is_alone and not {"class_predicate", "quantize_input"} & call.keywords.keys():
        fixes = (Fix(f"Write {text}", (replaced(call.node, f"{text_of(given)} = {text}"),), is_safe=False),)
    yield Finding(
        call.node, "`nn.quantize` replaces the layers inside a module, and this is a layer itself: it stays as it is. "
        f"`{text}` returns it quantised.", fixes,
    )  # fmt: skip


RULES = (quantized_alone,)
