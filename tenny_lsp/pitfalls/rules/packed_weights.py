"""Weights of quantised layers, which are packed integers, used and cast as if they were numbers."""

import re
from collections.abc import Iterator
from functools import partial

from tenny_lsp.inference.meaning import Instance, LocalClass, LocalFunction
from tenny_lsp.pitfalls.calls import Call, all_within, call_of
from tenny_lsp.pitfalls.context import RuleContext
from tenny_lsp.pitfalls.edits import Fix, replaced
from tenny_lsp.pitfalls.guards import is_guarded
from tenny_lsp.pitfalls.rule import PYTHON, Example, Finding, Search, rule
from tenny_lsp.source.syntax import Node, field, text_of, up_to

_PAGE = PYTHON + "nn/_autosummary_functions/mlx.nn.quantize.html"
_LAYERS = ("mlx.nn.Embedding", "mlx.nn.Linear")
_NET = (
    "class Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
    "        self.embed = nn.Embedding(64, 64)\n"
    "    def __call__(self, t):\n        h = self.embed(t)\n        return {}\n"
    "net = Net()\nnn.quantize(net)\ny = net(mx.array([1]))"
)
_QUANTIZED = "net = nn.Sequential(nn.Linear(64, 64))\nnn.quantize(net)\n"
_CALLED = "y = net(mx.ones((1, 64), dtype=mx.bfloat16))"
#: What in a class says that it knows of packed weights.
_KNOWS = re.compile(r"Quantized|dequantize|as_linear|\bscales\b|isinstance\(|hasattr\(")
#: What in a predicate may leave a layer out.
_CHOOSES = re.compile(r"isinstance|type\(|Embedding|Linear|\.shape|\.weight|\.size|class_name|__class__")
_FLOATS = {"mlx.core.float32", "mlx.core.float16", "mlx.core.bfloat16"}


@rule(
    "packed-weight",
    "error",
    "The packed weight of a quantised layer in a matrix product",
    _PAGE,
    scope="file",
    attributes=("weight",),
    examples=(
        Example(_NET.format("h @ self.embed.weight.T"), _NET.format("self.embed.as_linear(h)"), "y.shape == (1, 64)"),
        Example(
            _NET.format("mx.matmul(h, self.embed.weight.T)"), _NET.format("self.embed.as_linear(h)"),
            "y.shape == (1, 64)",
        ),
    ),
)  # fmt: skip
def packed_weight(context: RuleContext, node: Node) -> Search | None:
    """Find products with the weight of a layer of a module that the file quantises."""
    if not context.file.mentions("quantize("):
        return None
    layer, cls = node.named_children[0], up_to(node, "class_definition")
    product = _product(node)
    made = call_of(context.value_of_attribute(layer)) if product is not None else None
    if cls is None or made is None or product is None or _KNOWS.search(text_of(cls)):
        return None
    if context.name(made.function) not in _LAYERS:
        return None
    return partial(_quantized, context, node, product, cls)


def _product(weight: Node) -> tuple[Node, Node] | None:
    """Return the product that a layer's weight is a transposed factor of, with the other factor, or None."""
    outer = weight.parent
    if outer is None or outer.type != "attribute" or text_of(outer.named_children[-1]) not in ("T", "mT", "transpose"):
        return None
    if text_of(outer.named_children[-1]) == "transpose" and outer.parent is not None:
        call = call_of(outer.parent)
        outer = call.node if call is not None and not call.arguments and not call.keywords else outer
    product = outer.parent
    if product is not None and product.type == "binary_operator" and product.children[1].type == "@":
        left = field(product, "left")
        return (product, left) if left is not None and left != outer else None
    call = call_of(product.parent) if product is not None and product.type == "argument_list" else None
    if call is None or call.name != "matmul" or len(call.arguments) != 2 or call.arguments[1] != outer:
        return None
    return call.node, call.arguments[0]


def _quantized(
    context: RuleContext, weight: Node, product: tuple[Node, Node], cls: Node, whole: Node
) -> Iterator[Finding]:
    """Report a product with a weight, where the file quantises and calls a module of the class around it."""
    layer = weight.named_children[0]
    name = text_of(layer.named_children[-1])
    if not any(_quantizes(context, call_of(one), cls, name) for one in all_within(whole, "call")):
        return
    made = call_of(context.value_of_attribute(layer))
    is_embedding = made is not None and context.name(made.function) == _LAYERS[0]
    better = f"{text_of(layer)}.as_linear" if is_embedding else text_of(layer)
    text = f"{better}({text_of(product[1])})"
    fixes = (Fix(f"Write {text}", (replaced(product[0], text),), is_safe=False),) if is_embedding else ()
    yield Finding(
        weight, "`nn.quantize` in this file packs this weight into integers, of another shape: the product raises. "
        f"`{text}` multiplies by it, packed or not.", fixes,
    )  # fmt: skip


def _quantizes(context: RuleContext, call: Call | None, cls: Node, name: str) -> bool:
    """Return whether a call is certain to quantise an attribute of a class of the file."""
    if call is None or call.name != "quantize" or context.name(call.function) != "mlx.nn.quantize":
        return False
    given = call.arguments[0] if call.arguments else call.value("model")
    model = context.meaning(given)
    if given is None or not context.file.mentions(f"{text_of(given)}("):  # it may be saved alone
        return False
    if not isinstance(model, Instance) or not isinstance(model.of, LocalClass) or model.of.node != cls:
        return False
    predicate = call.value("class_predicate") or (call.arguments[4] if len(call.arguments) > 4 else None)
    if predicate is None or predicate.type == "none":
        return call.is_whole
    function = context.evaluator.meaning(predicate)
    text = text_of(function.node) if isinstance(function, LocalFunction) else name
    return name not in text and _CHOOSES.search(text) is None


@rule(
    "cast-of-packed",
    "error",
    "The packed weights of a quantised model cast to floating point",
    PYTHON + "nn/_autosummary/mlx.nn.Module.set_dtype.html",
    scope="file",
    calls=("apply", "update"),
    examples=(
        Example(
            f"{_QUANTIZED}net.apply(lambda p: p.astype(mx.bfloat16))\n{_CALLED}",
            f"{_QUANTIZED}net.set_dtype(mx.bfloat16)\n{_CALLED}",
            "y.dtype == mx.bfloat16",
        ),
        Example(
            "from mlx.utils import tree_map\n"
            f"{_QUANTIZED}net.update(tree_map(lambda p: p.astype(mx.bfloat16), net.parameters()))\n{_CALLED}",
            f"from mlx.utils import tree_map\n{_QUANTIZED}net.set_dtype(mx.bfloat16)\n{_CALLED}",
            "y.dtype == mx.bfloat16",
        ),
    ),
)
def cast_of_packed(context: RuleContext, call: Call) -> Search | None:
    """Find casts of all parameters of a model after ``nn.quantize``: the packed weights are cast too."""
    if not context.file.mentions("quantize(") or call.owner is None or not call.is_whole or call.keywords:
        return None
    given = call.arguments[0] if len(call.arguments) == 1 else None
    if given is not None and call.name == "update":
        mapped = call_of(given)
        is_map = mapped is not None and len(mapped.arguments) == 2 and mapped.name == "tree_map"
        parameters = f"{text_of(call.owner)}.parameters()"
        is_same = is_map and mapped is not None and text_of(mapped.arguments[1]) == parameters
        given = mapped.arguments[0] if is_same and mapped is not None else None
    if given is None or not _is_quantized_before(context, call) or is_guarded(context, call.node, ("ValueError",)):
        return None
    return partial(_casts, context, call, given)


def _casts(context: RuleContext, call: Call, given: Node, _: Node) -> Iterator[Finding]:
    """Report a function that casts whatever it is given."""
    dtype = _cast(context, given)
    if dtype is None:
        return
    text = f"{text_of(call.owner or call.node)}.set_dtype({text_of(dtype)})"
    yield Finding(
        given, "After `nn.quantize` the weights are packed integers, and this casts them too: the next call raises. "
        f"`{text}` casts floating point alone.", (Fix(f"Write {text}", (replaced(call.node, text),), is_safe=False),),
    )  # fmt: skip


def _cast(context: RuleContext, function: Node | None) -> Node | None:
    """Return the dtype that a function casts whatever it is given to; None where it is another function."""
    meaning = context.evaluator.meaning(function) if function is not None else None
    if not isinstance(meaning, LocalFunction):
        return None
    listed, body = field(meaning.node, "parameters"), field(meaning.node, "body")
    if body is not None and body.type == "block" and len(body.named_children) == 1:
        only = body.named_children[0]
        body = only.named_children[0] if only.type == "return_statement" and only.named_children else None
    call = call_of(body)
    if call is None or call.owner is None or call.name != "astype" or len(call.arguments) != 1 or listed is None:
        return None
    is_given = [text_of(one) for one in listed.named_children] == [text_of(call.owner)]
    return call.arguments[0] if is_given and context.name(call.arguments[0]) in _FLOATS else None


def _is_quantized_before(context: RuleContext, call: Call) -> bool:
    """Return whether a statement before a call, in its block, quantises the same model."""
    statement, owner = up_to(call.node, "expression_statement"), text_of(call.owner or call.node)
    before = statement.prev_named_sibling if statement is not None else None
    while before is not None:
        found = call_of(before.named_children[0]) if before.type == "expression_statement" else None
        if found is not None and found.name == "quantize" and context.name(found.function) == "mlx.nn.quantize":
            given = found.arguments[0] if found.arguments else found.value("model")
            return given is not None and text_of(given) == owner
        if re.search(rf"(?<![\w.]){re.escape(owner)} =(?!=)", text_of(before)):
            return False
        before = before.prev_named_sibling
    return False


RULES = (packed_weight, cast_of_packed)
