"""Weights of PyTorch that are brought into another order than MLX's layers have."""

import re
from collections.abc import Iterator
from functools import partial

from tenny_lsp.pitfalls.calls import Call, all_within, call_of, function_around
from tenny_lsp.pitfalls.context import RuleContext
from tenny_lsp.pitfalls.edits import Edit, Fix, replaced
from tenny_lsp.pitfalls.origins import last_value
from tenny_lsp.pitfalls.rule import ISSUES, PYTHON, Example, Finding, Search, rule
from tenny_lsp.source.syntax import Node, field, text_of, up_to

#: The order of a convolution's axes, of which PyTorch's transposed one has the first two exchanged → the right one.
_ORDERS = {"021": "1, 2, 0", "0231": "1, 2, 3, 0", "02341": "1, 2, 3, 4, 0"}
_UP = (
    "class Up(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
    "        self.up = nn.ConvTranspose1d(4, 4, 3)\n\n"
)
_STATE = 'state = {"up.weight": mx.arange(48.0).reshape(4, 4, 3)}\n'
_UP_RIGHT = 'y["up.weight"][1, 0, 2].item() == 27'


@rule(
    "transposed-kernel",
    "warning",
    "A transposed convolution given the order of a plain one",
    PYTHON + "nn/_autosummary/mlx.nn.ConvTranspose1d.html",
    scope="file",
    calls=("transpose", "permute"),
    examples=(
        Example(
            f"{_UP}{_STATE}y = {{}}\nfor k, v in state.items():\n    if k.startswith(\"up.\"):\n"
            "        v = v.transpose(0, 2, 1)\n    y[k] = v",
            f"{_UP}{_STATE}y = {{}}\nfor k, v in state.items():\n    if k.startswith(\"up.\"):\n"
            "        v = v.transpose(1, 2, 0)\n    y[k] = v",
            _UP_RIGHT, "wrong",
        ),
        Example(
            f"{_UP}{_STATE}y = {{k: mx.transpose(v, (0, 2, 1)) if \"up\" in k else v for k, v in state.items()}}",
            f"{_UP}{_STATE}y = {{k: mx.transpose(v, (1, 2, 0)) if \"up\" in k else v for k, v in state.items()}}",
            _UP_RIGHT, "wrong",
        ),
        Example(
            f'{_UP}{_STATE}y = {{}}\ny["up.weight"] = state["up.weight"].transpose(0, 2, 1)',
            f'{_UP}{_STATE}y = {{}}\ny["up.weight"] = state["up.weight"].transpose(1, 2, 0)',
            _UP_RIGHT, "wrong",
        ),
    ),
)  # fmt: skip
def transposed_kernel(context: RuleContext, call: Call) -> Search | None:
    """Find weights of PyTorch's transposed convolutions, (in, out, kernel), that are ordered as plain ones are."""
    if not context.file.mentions("ConvTranspose") or not call.arguments or not call.is_whole:
        return None
    order = _ORDERS.get(re.sub(r"\D", "", "".join(text_of(one) for one in call.arguments if one.type != "identifier")))
    words = _words_around(call.node) if order is not None else set()
    return partial(_exchanged, context, call, order, words) if order is not None and words else None


def _exchanged(context: RuleContext, call: Call, order: str, words: set[str], root: Node) -> Iterator[Finding]:
    layers = context.alias("mlx.nn", call.node)
    text = text_of(root)
    made = rf"self\.(\w+)(?: *= *|\.append\()(?:\[\s*)?{re.escape(layers)}\."
    names = set(re.findall(rf"{made}ConvTranspose\dd\(", text)) if layers else set()
    others = set(re.findall(rf"{made}(?!ConvTranspose)", text))
    if not words & names or words & others or len(words & names) != len(words - {"weight"}):
        return
    listed = [one for one in call.arguments if one.type != "identifier"]
    inner = f"({order})" if listed[0].type == "tuple" else f"[{order}]" if listed[0].type == "list" else order
    edit = Edit(listed[0].start_byte, listed[-1].end_byte, inner)
    yield Finding(
        call.node, "PyTorch keeps the weight of a transposed convolution as (input, output, kernel), and MLX as "
        f"(output, kernel, input): this leaves input and output exchanged. The order is `{order}`.",
        (Fix(f"Write {order}", (edit,), is_safe=False),),
    )  # fmt: skip


def _words_around(node: Node) -> set[str]:
    """Return the parts of the weights' names by which code is chosen, or that it stores to: ``up`` of ``"up.weight"``.

    Empty where the choice is not plain.
    """
    inner, outer = node, node.parent
    while outer is not None and outer.type not in ("function_definition", "module", "for_statement"):
        condition = field(outer, "condition") if outer.type in ("if_statement", "elif_clause") else None
        if outer.type == "conditional_expression" and outer.named_children[0] == inner:
            condition = outer.named_children[1]
        is_then = outer.type == "conditional_expression" or field(outer, "consequence") == inner
        if outer.type == "assignment" and (field(outer, "left") or inner).type == "subscript":
            condition, is_then = field(outer, "left", "subscript"), True
        if condition is not None and is_then and ('"' in text_of(condition) or "'" in text_of(condition)):
            return _words(text_of(condition))
        if condition is not None and not is_then:
            return set()
        inner, outer = outer, outer.parent
    return set()


def _words(condition: str) -> set[str]:
    if re.search(r"\b(?:not|or)\b|!=|f[\"']", condition):
        return set()
    return {word for text in re.findall(r"[\"']([\w.]+)[\"']", condition) for word in text.split(".") if word}


_CONV = (
    "class Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
    "        self.out = nn.Conv1d(4, 3, 1)\n\n"
    'net, state = Net(), {"out.weight": mx.zeros((3, 4, 1)), "out.bias": mx.zeros(3)}\ndone = []\n'
    "for k, v in state.items():\n    if v.ndim == 3"
)
_LOAD = ":\n        v = v.transpose(0, 2, 1)\n    done.append((k, v))\nnet.load_weights(done)\ny = net.out.weight"


@rule(
    "narrow-kernel",
    "error",
    "A kernel of width 1 left in PyTorch's order",
    ISSUES + "2116",
    calls=("transpose", "swapaxes", "moveaxis", "permute"),
    examples=(
        Example(f"{_CONV} and v.shape[-1] > 1{_LOAD}", f"{_CONV}{_LOAD}", "y.shape == (3, 1, 4)"),
        Example(f"{_CONV} and v.shape[2] != 1{_LOAD}", f"{_CONV}{_LOAD}", "y.shape == (3, 1, 4)"),
    ),
)  # fmt: skip
def narrow_kernel(context: RuleContext, call: Call) -> Iterator[Finding]:
    """Find kernels that are brought into MLX's order only if they are wider than 1, where a layer's is as narrow."""
    choice = up_to(call.node, "if_statement", "elif_clause", "for_statement", "function_definition")
    condition, function = field(choice, "condition"), function_around(call.node)
    array = text_of(call.owner) if call.owner is not None else ""
    if condition is None or not re.fullmatch(r"\w+", array) or condition.type != "boolean_operator":
        return
    given = re.sub(r"\D", "", "".join(map(text_of, call.arguments)))
    wide = re.search(rf"\b{array}\.shape\[(?:-1|[234])\] *(?:> *1|!= *1|>= *2)\b *", text_of(condition))
    if wide is None or given not in ("021", "0231", "02341", "12", "21") or " or " in text_of(condition):
        return
    is_counted = re.search(rf"\b(?:{array}\.ndim|len\({array}\.shape\)) *== *[345]\b", text_of(condition))
    around = text_of(function) if function is not None else text_of(choice) if choice is not None else ""
    if is_counted is None or re.search(r"squeeze|\[\.\.\., *0\]|:, *0\]|reshape", around):
        return
    sides = [field(condition, "left"), field(condition, "right")]
    kept = [one for one in sides if one is not None and ".shape[" not in text_of(one)]
    fixes = (Fix("Leave it out", (replaced(condition, text_of(kept[0])),), is_safe=False),) if len(kept) == 1 else ()
    if context.file.has_narrow_convolution:
        yield Finding(
            condition, "A kernel of width 1 has to be brought into MLX's order too, (output, 1, input), and a layer of "
            "this file has one: its weight does not fit, and loading it raises. Leave this part of the condition out.",
            fixes,
        )  # fmt: skip


_MLP = (
    "class Mlp(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
    "        self.fc = nn.Linear(2, 2)\n\n"
    'net, state, done = Mlp(), {"fc.weight": np.array([[1.0, 2], [3, 4]]), "fc.bias": np.zeros(2)}, {}\n'
)
_STORE = "net.load_weights(list(done.items()))\ny = net.fc.weight"
_SAME = "y.tolist() == [[1, 2], [3, 4]]"
#: What has weights of linear layers as (input, output).
_OTHERS = (
    "flax", "jax", "kernel\"", "kernel'", "tensorflow", "keras", "haiku", "gpt2", "gpt-2", "GPT2", "GPT-2", "Conv1D",
    "onnx", "paddle", "lora", "LoRA", "Lora", "einsum", "c_attn",
)  # fmt: skip


@rule(
    "transposed-linear-weight",
    "warning",
    "All matrices of a checkpoint transposed",
    PYTHON + "nn/_autosummary/mlx.nn.Linear.html",
    calls=("transpose", "swapaxes"),
    attributes=("T",),
    examples=(
        Example(
            f"{_MLP}for k, v in state.items():\n    if v.ndim == 2:\n        v = v.T\n"
            f"    done[k] = mx.array(v)\n{_STORE}",
            f"{_MLP}for k, v in state.items():\n    done[k] = mx.array(v)\n{_STORE}", _SAME, "wrong", is_fixed=False,
        ),
        Example(
            f"{_MLP}done = {{k: mx.array(v.T if v.ndim == 2 else v) for k, v in state.items()}}\n{_STORE}",
            f"{_MLP}done = {{k: mx.array(v) for k, v in state.items()}}\n{_STORE}", _SAME, "wrong", is_fixed=False,
        ),
        Example(
            f'{_MLP}for k, v in state.items():\n    if k.endswith(".weight") and len(v.shape) == 2:\n'
            f"        done[k] = mx.array(v).transpose(1, 0)\n    else:\n        done[k] = mx.array(v)\n{_STORE}",
            f"{_MLP}for k, v in state.items():\n    done[k] = mx.array(v)\n{_STORE}", _SAME, "wrong", is_fixed=False,
        ),
    ),
)  # fmt: skip
def transposed_linear_weight(context: RuleContext, found: Node | Call) -> Iterator[Finding]:
    """Find loops over a checkpoint that transpose every matrix: linear layers keep (output, input) as in PyTorch."""
    node = found.node if isinstance(found, Call) else found
    condition = _condition_around(node)
    if condition is None or not any(map(context.file.mentions, ("load_weights(", "update(", "save"))):
        return
    array = re.search(r"\b(?:(\w+)\.ndim|len\((\w+)\.shape\)) *== *2\b", text_of(condition))
    name = (array[1] or array[2]) if array is not None else ""
    literals = set(re.findall(r"[\"']([^\"']*)[\"']", text_of(condition)))
    if not name or not literals <= {"weight", ".weight"} or re.search(r"\b(?:or|not)\b|<|>|!=", text_of(condition)):
        return
    turned = re.sub(r"\s", "", text_of(node))
    inner = rf"(?:m[xn]\.array\(|np\.a(?:s)?array\()?{name}(?:\.(?:numpy|detach|cpu|float)\(\))*\)?"
    is_turned = re.fullmatch(
        rf"{inner}\.(?:T|transpose\((?:\(?1,0\)?)?\)|swapaxes\((?:0,1|1,0|-1,-2|-2,-1)\))"
        rf"|\w+\.(?:transpose|swapaxes)\({name}(?:,\(?(?:1,0|0,1)\)?)?\)",
        turned,
    )
    if is_turned is None or not _is_of_items(context, node, name) or not _is_stored(node):
        return
    if context.file.mentions(".Linear(") and not any(map(context.file.mentions, _OTHERS)):
        yield Finding(
            node, "This transposes every matrix of the checkpoint. MLX's `Linear` keeps its weight as (output, input), "
            "as PyTorch does, and `Embedding` its rows: leave them as they are.",
        )  # fmt: skip


def _condition_around(node: Node) -> Node | None:
    """Return the condition under which a matrix is transposed; None where there is none, or it is the other way."""
    inner, outer = node, node.parent
    while outer is not None and outer.type not in ("function_definition", "module", "for_statement", "lambda"):
        if outer.type == "conditional_expression":
            return outer.named_children[1] if outer.named_children[0] == inner else None
        if outer.type in ("if_statement", "elif_clause"):
            return field(outer, "condition") if field(outer, "consequence") == inner else None
        inner, outer = outer, outer.parent
    return None


def _is_of_items(context: RuleContext, node: Node, name: str) -> bool:
    """Return whether a name is a value of a dictionary in a loop over it, or made of one: ``for k, v in d.items()``."""
    named = next((one for one in all_within(node, "identifier") if text_of(one) == name), None)
    made = _root(last_value(context, named)) if named is not None and context.is_own(named) else None
    names, outer = {name}, node.parent
    names |= {text_of(made)} if made is not None and made.type == "identifier" else set()
    while outer is not None and outer.type not in ("function_definition", "module"):
        clauses = [one for one in outer.named_children if one.type == "for_in_clause"]
        for loop in [outer] if outer.type == "for_statement" else clauses:
            left, right = field(loop, "left"), field(loop, "right")
            found = re.fullmatch(r"\(?\w+, *(\w+)\)?", text_of(left)) if left is not None else None
            if found is not None and found[1] in names and right is not None and text_of(right).endswith(".items()"):
                return True
            is_key = made is not None and made.type == "subscript" and left is not None and right is not None
            if is_key and re.fullmatch(rf"{text_of(right or node)}\[{text_of(left or node)}\]", text_of(made or node)):
                return True
        outer = outer.parent
    return False


def _root(node: Node | None) -> Node | None:
    """Return what conversions start from: ``v`` of ``mx.array(v.detach().numpy())``."""
    while node is not None and node.type in ("call", "attribute"):
        call = call_of(node)
        if call is not None and call.name in ("array", "asarray") and call.arguments:
            node = call.arguments[0]
        else:
            node = field(node, "object") or field(node, "function")
    return node


def _is_stored(node: Node) -> bool:
    """Return whether a value is put into a name, a dictionary or a list as it is."""
    inner, outer = node, node.parent
    while outer is not None and outer.type in (
        "conditional_expression",
        "argument_list",
        "call",
        "parenthesized_expression",
    ):
        called = call_of(outer)
        if called is not None and called.name not in ("array", "asarray", "ascontiguousarray", "append"):
            return False
        inner, outer = outer, outer.parent
    if outer is None or outer.type not in ("assignment", "pair", "tuple", "expression_statement"):
        return False
    return outer.type != "assignment" or field(outer, "right") == inner


RULES = (transposed_kernel, narrow_kernel, transposed_linear_weight)
