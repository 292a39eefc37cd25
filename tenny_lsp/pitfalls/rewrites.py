"""PyTorch's functions and methods and their code in MLX: one row each, with an example that the tests run."""

import re
from dataclasses import dataclass

from tenny_lsp.inference.meaning import Group, Plain
from tenny_lsp.pitfalls.calls import Call
from tenny_lsp.pitfalls.context import RuleContext
from tenny_lsp.pitfalls.edits import atom
from tenny_lsp.source.syntax import Node, text_of


@dataclass(frozen=True, slots=True)
class Rewrite:
    """A call of another library's name and MLX's code for it.

    Args:
        name (str): The name.
        parameters (str): Its parameters as PyTorch has them, the array left out; ``*size`` takes the rest
            as one tuple, ``**dims`` as they stand.
        template (str): MLX's code. ``{x}`` is the array, ``{x:atom}`` the same before a dot, ``{dim:axis}`` stands
            for ``, axis=…`` where the argument is given, ``{mx}`` for MLX's name in the file.
        example (str): Code with the pitfall that sets ``y``.
        check (str): What is true of ``y`` when it is right.
        is_safe (bool): Whether it may be applied unseen.
        is_function (bool): Whether it is a function that takes no array first, as ``rand(2, 3)`` is.
    """

    name: str
    parameters: str
    template: str
    example: str
    check: str
    is_safe: bool = True
    is_function: bool = False


def _type(name: str, dtype: str) -> Rewrite:
    return Rewrite(name, "", f"{{x:atom}}.astype({{mx}}.{dtype})", f"y = x.{name}()", f"y.dtype == mx.{dtype}")


#: Rows of one name are tried in their order.
ARRAY_REWRITES = (
    Rewrite("unsqueeze", "dim", "{mx}.expand_dims({x}, {dim})", "y = x.unsqueeze(0)", "y.shape == (1, 2, 3)"),
    Rewrite("unsqueeze", "dim", "{mx}.expand_dims({x}, {dim})", "y = mx.unsqueeze(x, dim=-1)", "y.shape == (2, 3, 1)"),
    Rewrite("permute", "**dims", "{x:atom}.transpose({dims})", "y = x.permute(1, 0)", "y.shape == (3, 2)"),
    Rewrite("permute", "**dims", "{x:atom}.transpose({dims})", "y = mx.permute(x, (1, 0))", "y.shape == (3, 2)"),
    Rewrite("t", "", "{x:atom}.T", "y = x.t()", "y.shape == (3, 2)"),
    Rewrite("numel", "", "{x:atom}.size", "y = x.numel()", "y == 6"),
    Rewrite("nelement", "", "{x:atom}.size", "y = x.nelement()", "y == 6"),
    Rewrite("dim", "", "{x:atom}.ndim", "y = x.dim()", "y == 2"),
    Rewrite("ndimension", "", "{x:atom}.ndim", "y = x.ndimension()", "y == 2"),
    Rewrite("element_size", "", "{x:atom}.itemsize", "y = x.element_size()", "y == 4"),
    Rewrite("contiguous", "", "{x:atom}", "y = x.contiguous()", "y.shape == (2, 3)"),
    Rewrite("cuda", "", "{x:atom}", "y = x.cuda()", "y.shape == (2, 3)"),
    Rewrite("cpu", "", "{x:atom}", "y = x.cpu()", "y.shape == (2, 3)"),
    Rewrite("detach", "", "{mx}.stop_gradient({x})", "y = x.detach()", "y.tolist() == x.tolist()"),
    Rewrite("clone", "", "{mx}.array({x})", "y = x.clone()", "y.tolist() == x.tolist()"),
    Rewrite("copy", "", "{mx}.array({x})", "y = x.copy()", "y.tolist() == x.tolist()"),
    Rewrite("numpy", "", "{np}.array({x})", "y = x.numpy()", "isinstance(y, np.ndarray)"),
    _type("float", "float32"), _type("half", "float16"), _type("bfloat16", "bfloat16"), _type("int", "int32"),
    _type("long", "int64"), _type("short", "int16"), _type("char", "int8"), _type("byte", "uint8"),
    _type("bool", "bool_"),
    Rewrite("clamp", "min=None, max=None", "{mx}.clip({x}, {min}, {max})", "y = x.clamp(1, 2)", "y.max().item() == 2"),
    Rewrite(
        "clamp", "min=None, max=None", "{mx}.clip({x}, {min}, {max})", "y = mx.clamp(x, min=1)", "y.min().item() == 1"
    ),
    Rewrite("clip", "min=None, max=None", "{mx}.clip({x}, {min}, {max})", "y = x.clip(0, 1)", "y.max().item() == 1"),
    Rewrite("clamp_min", "min", "{mx}.maximum({x}, {min})", "y = x.clamp_min(1)", "y.min().item() == 1"),
    Rewrite("clamp_max", "max", "{mx}.minimum({x}, {max})", "y = x.clamp_max(1)", "y.max().item() == 1"),
    Rewrite(
        "masked_fill", "mask, value", "{mx}.where({mask}, {value}, {x})", "y = x.masked_fill(x > 3, 0)",
        "y.tolist() == [[0, 1, 2], [3, 0, 0]]",
    ),
    Rewrite(
        "repeat_interleave", "repeats, dim", "{mx}.repeat({x}, {repeats}, axis={dim})",
        "y = x.repeat_interleave(2, dim=1)", "y.shape == (2, 6) and y[0, 1].item() == 0",
    ),
    Rewrite(
        "repeat_interleave", "repeats", "{mx}.repeat({x}, {repeats})", "y = mx.repeat_interleave(x, 2)", "y.size == 12"
    ),
    Rewrite("repeat", "*sizes", "{mx}.tile({x}, {sizes})", "y = x.repeat(2, 1)", "y.shape == (4, 3)", is_safe=False),
    Rewrite("tile", "*sizes", "{mx}.tile({x}, {sizes})", "y = x.tile((2, 1))", "y.shape == (4, 3)"),
    Rewrite("expand", "*sizes", "{mx}.broadcast_to({x}, {sizes})", "y = x.expand(4, 2, 3)", "y.shape == (4, 2, 3)"),
    Rewrite(
        "expand_as", "other", "{mx}.broadcast_to({x}, {other:atom}.shape)", "y = x[0].expand_as(x)", "y.shape == (2, 3)"
    ),
    Rewrite("view_as", "other", "{x:atom}.reshape({other:atom}.shape)", "y = x.view_as(x.T)", "y.shape == (3, 2)"),
    Rewrite("chunk", "chunks, dim=0", "{mx}.split({x}, {chunks}, axis={dim})", "y, _ = x.chunk(2)", "y.size == 3"),
    Rewrite(
        "chunk", "chunks, dim=0", "{mx}.split({x}, {chunks}, axis={dim})", "_, y, _ = mx.chunk(x, 3, dim=-1)",
        "y.shape == (2, 1)",
    ),
    Rewrite("mm", "other", "{mx}.matmul({x}, {other})", "y = x.mm(x.T)", "y.shape == (2, 2)"),
    Rewrite("mm", "other", "{mx}.matmul({x}, {other})", "y = mx.mm(x, x.T)", "y.shape == (2, 2)"),
    Rewrite("bmm", "other", "{mx}.matmul({x}, {other})", "y = mx.bmm(x[None], x.T[None])", "y.shape == (1, 2, 2)"),
    Rewrite("matmul", "other", "{mx}.matmul({x}, {other})", "y = x.matmul(x.T)", "y.shape == (2, 2)"),
    Rewrite("dot", "other", "{mx}.inner({x}, {other})", "y = mx.dot(x[0], x[1])", "y.item() == 14", is_safe=False),
    Rewrite("norm", "*, dim, keepdim=False", "{mx}.linalg.norm({x}, axis={dim}, keepdims={keepdim})",
            "y = x.norm(dim=1)", "y.shape == (2,)"),
    Rewrite("norm", "", "{mx}.linalg.norm({x})", "y = mx.norm(x)", "y.shape == ()"),
    Rewrite(
        "gather", "dim, index", "{mx}.take_along_axis({x}, {index}, axis={dim})",
        "y = mx.gather(x, 1, mx.array([[0], [2]]))", "y.tolist() == [[0], [5]]",
    ),
    Rewrite(
        "scatter", "dim, index, src", "{mx}.put_along_axis({x}, {index}, {src}, axis={dim})",
        "y = x.scatter(1, mx.array([[0], [2]]), mx.array([[9.0], [8.0]]))", "y.tolist() == [[9, 1, 2], [3, 4, 8]]",
    ),
    Rewrite(
        "index_select", "dim, index", "{mx}.take({x}, {index}, axis={dim})",
        "y = x.index_select(0, mx.array([1]))", "y.tolist() == [[3, 4, 5]]",
    ),
    Rewrite("swapdims", "dim0, dim1", "{x:atom}.swapaxes({dim0}, {dim1})", "y = x.swapdims(0, 1)", "y.shape == (3, 2)"),
    Rewrite("movedim", "source, destination", "{x:atom}.moveaxis({source}, {destination})", "y = x.movedim(0, 1)",
            "y.shape == (3, 2)"),
    Rewrite("unbind", "dim=0", "{mx}.unstack({x}, axis={dim})", "y = x.unbind(1)", "len(y) == 3"),
    Rewrite("softmax", "dim", "{mx}.softmax({x}, axis={dim})", "y = x.softmax(dim=-1)", "y.shape == (2, 3)"),
    Rewrite("sigmoid", "", "{mx}.sigmoid({x})", "y = x.sigmoid()", "y.shape == (2, 3)"),
    Rewrite("tanh", "", "{mx}.tanh({x})", "y = x.tanh()", "y.shape == (2, 3)"),
    Rewrite("relu", "", "{mx}.maximum({x}, 0)", "y = x.relu()", "y.shape == (2, 3)"),
    Rewrite("add", "other", "{mx}.add({x}, {other})", "y = x.add(1)", "y[0, 0].item() == 1"),
    Rewrite("sub", "other", "{mx}.subtract({x}, {other})", "y = x.sub(1)", "y[0, 0].item() == -1"),
    Rewrite("mul", "other", "{mx}.multiply({x}, {other})", "y = x.mul(2)", "y[0, 1].item() == 2"),
    Rewrite("div", "other", "{mx}.divide({x}, {other})", "y = mx.div(x, 2)", "y[0, 1].item() == 0.5"),
    Rewrite("pow", "exponent", "{mx}.power({x}, {exponent})", "y = x.pow(2)", "y[0, 2].item() == 4"),
    Rewrite("neg", "", "{mx}.negative({x})", "y = x.neg()", "y[0, 1].item() == -1"),
    Rewrite("eq", "other", "{mx}.equal({x}, {other})", "y = x.eq(0)", "y.dtype == mx.bool_"),
    Rewrite("ne", "other", "{mx}.not_equal({x}, {other})", "y = x.ne(0)", "y.dtype == mx.bool_"),
    Rewrite("gt", "other", "{mx}.greater({x}, {other})", "y = x.gt(0)", "y.dtype == mx.bool_"),
    Rewrite("ge", "other", "{mx}.greater_equal({x}, {other})", "y = x.ge(0)", "y.dtype == mx.bool_"),
    Rewrite("lt", "other", "{mx}.less({x}, {other})", "y = x.lt(0)", "y.dtype == mx.bool_"),
    Rewrite("le", "other", "{mx}.less_equal({x}, {other})", "y = x.le(0)", "y.dtype == mx.bool_"),
    Rewrite("cat", "dim=0", "{mx}.concatenate({x}, axis={dim})", "y = mx.cat([x, x], dim=1)", "y.shape == (2, 6)"),
    Rewrite("cat", "axis=0", "{mx}.concatenate({x}, axis={axis})", "y = mx.cat([x, x], axis=1)", "y.shape == (2, 6)"),
    # For matrices and more; on vectors NumPy's stack along another axis.
    Rewrite("vstack", "", "{mx}.concatenate({x}, axis=0)", "y = mx.vstack([x, x])", "y.shape == (4, 3)", False),
    Rewrite("hstack", "", "{mx}.concatenate({x}, axis=1)", "y = mx.hstack([x, x])", "y.shape == (2, 6)", False),
    Rewrite("dstack", "", "{mx}.stack({x}, axis=2)", "y = mx.dstack([x, x])", "y.shape == (2, 3, 2)", False),
    Rewrite("rand_like", "", "{mx}.random.uniform(shape={x:atom}.shape)", "y = mx.rand_like(x)", "y.shape == (2, 3)"),
    Rewrite("randn_like", "", "{mx}.random.normal({x:atom}.shape)", "y = mx.randn_like(x)", "y.shape == (2, 3)"),
)  # fmt: skip


def _made(name: str, example: str) -> Rewrite:
    parameters = "data, *, dtype=…"
    return Rewrite(name, parameters, "{mx}.array({data}{dtype:dtype})", example, "y.shape == (2,)", is_function=True)


FUNCTION_REWRITES = (
    _made("tensor", "y = mx.tensor([1, 2])"),
    _made("as_tensor", "y = mx.as_tensor([1, 2], dtype=mx.int8)"),
    _made("from_numpy", "y = mx.from_numpy(np.zeros(2))"),
    _made("Tensor", "y = mx.Tensor([1, 2])"),
    Rewrite("rand", "*size", "{mx}.random.uniform(shape={size})", "y = mx.rand(2, 3)", "y.shape == (2, 3)",
            is_function=True),
    Rewrite("randn", "*size", "{mx}.random.normal({size})", "y = mx.randn(2, 3)", "y.shape == (2, 3)",
            is_function=True),
    Rewrite("randn", "*size", "{mx}.random.normal({size})", 'y = mx.randn(2, 3, device="cpu")', "y.shape == (2, 3)",
            is_function=True),
    Rewrite("rand", "*size", "{mx}.random.uniform(shape={size})", "y = mx.random.rand(4)", "y.shape == (4,)",
            is_function=True),
    Rewrite("randn", "*size", "{mx}.random.normal({size})", "y = mx.random.randn(2, 3)", "y.shape == (2, 3)",
            is_function=True),
    Rewrite("randint", "low, high, size", "{mx}.random.randint({low}, {high}, {size})",
            "y = mx.randint(0, 9, (4,))", "y.shape == (4,)", is_function=True),
    Rewrite("randint", "high, size", "{mx}.random.randint(0, {high}, {size})", "y = mx.randint(9, (4,))",
            "y.shape == (4,)", is_function=True),
    Rewrite("randperm", "n", "{mx}.random.permutation({n})", "y = mx.randperm(4)", "y.shape == (4,)", is_function=True),
    Rewrite("manual_seed", "seed", "{mx}.random.seed({seed})", "y = mx.manual_seed(0)", "y is None", is_function=True),
    Rewrite("manual_seed", "seed", "{mx}.random.seed({seed})", "y = mx.random.manual_seed(0)", "y is None",
            is_function=True),
)  # fmt: skip

#: Functions that are the same under another name.
_RENAMED = {
    "jit": "compile", "absolute": "abs", "amax": "max", "amin": "min",
    "deg2rad": "radians", "rad2deg": "degrees", "true_divide": "divide", "sub": "subtract", "mul": "multiply",
    "neg": "negative", "eq": "equal", "ne": "not_equal", "gt": "greater", "ge": "greater_equal", "lt": "less",
    "le": "less_equal", "ger": "outer", "mv": "matmul", "swapdims": "swapaxes", "movedim": "moveaxis",
    "rollaxis": "moveaxis", "bitwise_not": "bitwise_invert", "ravel": "flatten", "cat": "concatenate",
    "long": "int64", "int": "int32", "short": "int16", "float": "float32", "half": "float16", "bool": "bool_",
    "cfloat": "complex64", "mm": "matmul", "bmm": "matmul", "tensor": "array", "ndarray": "array",
}  # fmt: skip
#: Module → other libraries' names for its functions that differ in nothing else.
RENAMED = {"mlx.core": _RENAMED, "mlx.core.random": {"PRNGKey": "key"}}

#: Keywords that say nothing that MLX needs to be told.
_NEEDLESS = {"device", "requires_grad", "pin_memory", "non_blocking"}


class _Text(str):
    """An argument's text, with the formats that a template may ask for."""

    atom: str

    def __new__(cls, text: str, node: Node | None = None) -> "_Text":
        made = super().__new__(cls, text)
        made.atom = atom(node) if node is not None else text
        return made

    def __format__(self, spec: str) -> str:
        if spec == "atom":
            return self.atom
        return f", {spec}={self}" if spec and self != "…" else "" if spec else str(self)


def rewritten(context: RuleContext, call: Call, rewrite: Rewrite, x: Node | None) -> str | None:
    """Return MLX's code for a call. Returns None when the call does not have the form that the rewrite knows.

    Args:
        context (RuleContext): The file.
        call (Call): The call.
        rewrite (Rewrite): What it becomes.
        x (Node, optional): The array of a method; of a function it is the first argument.
    """
    if not call.is_whole:
        return None
    given = list(call.arguments)
    if x is None and not rewrite.is_function:
        if not given:
            return None
        x = given.pop(0)
    values = _bound(context, rewrite.parameters, given, call)
    if values is None:
        return None
    for name, module in (("mx", "mlx.core"), ("np", "numpy")):
        if f"{{{name}}}" in rewrite.template:
            alias = context.alias(module, call.node)
            if not alias:
                return None
            values[name] = _Text(alias)
    if x is not None:
        values["x"] = _Text(text_of(x), x)
    return rewrite.template.format_map(values)


def _bound(context: RuleContext, parameters: str, given: list[Node], call: Call) -> dict[str, _Text] | None:
    """Return the arguments of a call by PyTorch's parameters; None when they do not fit."""
    keywords = {name: call.value(name) for name in call.keywords if name not in _NEEDLESS}
    values: dict[str, _Text] = {}
    is_by_name = False
    for part in filter(None, parameters.split(", ")):
        name, _, default = part.partition("=")
        if name == "*":
            is_by_name = True
        elif name.startswith("**"):
            values[name[2:]], given = _Text(", ".join(map(text_of, given))), []
        elif name.startswith("*"):
            shape = _shape(context, given)
            if shape is None:
                return None
            values[name[1:]], given = _Text(shape), []
        elif given and not is_by_name:
            values[name] = _Text(text_of(given[0]), given.pop(0))
        elif (node := keywords.pop(name, None)) is not None:
            values[name] = _Text(text_of(node), node)
        elif default:
            values[name] = _Text(default)
        else:
            return None
    return values if not given and not keywords else None


def _shape(context: RuleContext, given: list[Node]) -> str | None:
    """Return sizes as one tuple; None when they cannot be one, as -1 cannot."""
    texts = [text_of(node) for node in given]
    if not given or any(re.fullmatch(r"-\s*\d+", text) for text in texts if len(texts) > 1):
        return None
    if len(given) > 1:
        return f"({', '.join(texts)})"
    meaning = context.meaning(given[0])
    if meaning == Plain("int"):
        return f"({texts[0]},)"
    return texts[0] if isinstance(meaning, Group) and "-1" not in texts[0] else None
