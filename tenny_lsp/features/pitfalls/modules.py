"""Modules that are defined, called or walked through as PyTorch's are."""

from collections.abc import Iterator

from tenny_lsp.features.pitfalls.rule import ISSUES, PYTHON, USAGE, Edit, Example, Finding, Fix, rule
from tenny_lsp.features.pitfalls.script import Call, Script, call_of, inserted, replaced
from tenny_lsp.features.pitfalls.values import literal_of, shape_of
from tenny_lsp.source.meaning import Api, Group, Instance, LocalClass, Meaning
from tenny_lsp.source.members import bases, names_in
from tenny_lsp.source.syntax import Node, field, text_of

_MODULE = "mlx.nn.Module"
_NET = "class Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n        self.layers = "


@rule(
    "forward-method",
    "error",
    "`def forward` instead of `def __call__`",
    PYTHON + "nn/module.html",
    kinds=("class_definition",),
    examples=(
        Example(
            "class Net(nn.Module):\n    def forward(self, x):\n        return x + 1\ny = Net()(x)",
            "class Net(nn.Module):\n    def __call__(self, x):\n        return x + 1\ny = Net()(x)",
            "y[0, 0].item() == 1",
        ),
    ),
)
def forward_method(script: Script, node: Node) -> Iterator[Finding]:
    """Finds modules that can only be called by their ``forward``, and never are."""
    methods = script.buffer.bindings_in(node).get("forward", [])
    if len(methods) != 1 or methods[0].definition is None or script.mentions(".forward"):
        return
    cls = LocalClass(script.reader, node)
    name = field(methods[0].definition, "name")
    if name is not None and script.inherits(cls, _MODULE) and not _is_callable(cls):
        message = "MLX calls a module's `__call__`; a module with `forward` alone cannot be called."
        yield Finding(name, message, (Fix("Name it __call__", (replaced(name, "__call__"),)),))


def _is_callable(cls: Meaning | None) -> bool:
    """Tells whether instances of a class may be callable: not those of ``nn.Module`` itself."""
    if isinstance(cls, LocalClass):
        return "__call__" in names_in(cls) or any(_is_callable(base) for base in bases(cls))
    return not (isinstance(cls, Api) and cls.entry.name == _MODULE)


@rule(
    "layers-in-tuple",
    "warning",
    "Layers in a tuple are not trained",
    ISSUES + "655",
    kinds=("assignment",),
    examples=(
        Example(
            _NET + "(nn.Linear(2, 2), nn.Linear(2, 2))\ny = Net().parameters()",
            _NET + "[nn.Linear(2, 2), nn.Linear(2, 2)]\ny = Net().parameters()",
            "len(y) == 1",
            "wrong",
        ),
        Example(
            _NET + "tuple(nn.Linear(2, 2) for _ in range(3))\ny = Net().parameters()",
            _NET + "list(nn.Linear(2, 2) for _ in range(3))\ny = Net().parameters()",
            "len(y) == 1",
            "wrong",
        ),
    ),
)
def layers_in_tuple(script: Script, node: Node) -> Iterator[Finding]:
    """Finds tuples of modules set on a module: MLX looks for parameters in lists and dicts only."""
    left, right = field(node, "left"), field(node, "right")
    if left is None or right is None or left.type != "attribute":
        return
    is_call = right.type == "call" and text_of(field(right, "function") or right) == "tuple"
    name = field(left, "attribute")
    if not (right.type == "tuple" or is_call) or name is None or text_of(name).startswith("_") or "(" not in text_of(right)[1:]:
        return
    group = script.meaning(right)
    is_modules = isinstance(group, Group) and isinstance(group.each, Instance) and script.inherits(group.each.of, _MODULE)
    if isinstance(group, Group) and group.items and not is_modules:
        is_modules = all(isinstance(i, Instance) and script.inherits(i.of, _MODULE) for i in group.items)
    if is_modules and script.is_a(field(left, "object"), _MODULE):
        if is_call:
            edits: tuple[Edit, ...] = (replaced(right.named_children[0], "list"),)
        else:
            inner = text_of(right)[1:-1].rstrip()
            edits = (replaced(right, f"[{inner[:-1] if inner.endswith(',') and len(group.items or ()) == 1 else inner}]"),)
        message = "MLX finds parameters in lists and dicts, not in tuples: these layers are neither trained nor saved."
        yield Finding(right, message, (Fix("Use a list", edits),))


@rule(
    "parameters-loop",
    "error",
    "A loop over `model.parameters()`",
    PYTHON + "_autosummary/mlx.utils.tree_flatten.html",
    kinds=("for_statement", "for_in_clause"),
    examples=(
        Example(
            "y = sum(p.size for p in model.parameters())",
            "from mlx.utils import tree_flatten\ny = sum(p.size for _, p in tree_flatten(model.parameters()))",
            "y == 8",
            is_fixed=False,
        ),
        Example(
            "y = []\nfor p in model.parameters():\n    y.append(p.shape)",
            "from mlx.utils import tree_flatten\ny = []\nfor _, p in tree_flatten(model.parameters()):\n    y.append(p.shape)",
            "y[0] == (2, 3)",
            is_fixed=False,
        ),
    ),
)
def parameters_loop(script: Script, node: Node) -> Iterator[Finding]:
    """Finds loops over a module's parameters: they are a dict of dicts, so the loop gives names."""
    left, right = field(node, "left"), field(node, "right")
    call = call_of(right) if right is not None and right.type == "call" else None
    if left is None or call is None or left.type != "identifier" or call.name not in ("parameters", "trainable_parameters"):
        return
    if call.owner is None or not script.is_a(call.owner, _MODULE) or script.name(call.function).startswith(_MODULE) is False:
        return
    if not _is_used_as_array(node, text_of(left)):
        return
    flatten = script.alias("mlx.utils.tree_flatten", node)
    edits = [inserted(left.start_byte, "_, "), inserted(call.node.start_byte, f"{flatten or 'tree_flatten'}(")]
    edits.append(inserted(call.node.end_byte, ")"))
    if not flatten and (place := _import_place(script)) is not None:
        edits.append(inserted(place, "from mlx.utils import tree_flatten\n"))
    message = (
        f"`{call.name}()` is a dict of dicts, so this loop gives names, not arrays; "
        "`tree_flatten` gives pairs of name and array."
    )
    yield Finding(call.node, message, (Fix("Loop over tree_flatten(…)", tuple(edits)),))


def _is_used_as_array(loop: Node, name: str) -> bool:
    """Tells whether what a loop gives is used as no string is: an attribute that strings lack."""
    body = field(loop, "body") if loop.type == "for_statement" else loop.parent
    waiting = [body] if body is not None else []
    while waiting:
        node = waiting.pop()
        owner, member = field(node, "object"), field(node, "attribute")
        if owner is not None and member is not None and text_of(owner) == name and not hasattr(str, text_of(member)):
            return True
        waiting += node.named_children
    return False


def _import_place(script: Script) -> int | None:
    """Returns where an import can be added: the line after the first import of MLX's."""
    for node in script.buffer.root.named_children:
        if node.type in ("import_statement", "import_from_statement") and "mlx" in text_of(node):
            text = script.buffer.root.text or b""
            end = text.find(b"\n", node.end_byte)
            return end + 1 if end >= 0 else None
    return None


@rule(
    "recurrent-result",
    "error",
    "The result of a recurrent layer, unpacked as PyTorch's",
    PYTHON + "nn/_autosummary/mlx.nn.LSTM.html",
    kinds=("assignment",),
    examples=(
        Example(
            "out, (h, c) = nn.LSTM(3, 4)(x[None])", "out, c = nn.LSTM(3, 4)(x[None])", "out.shape == (1, 2, 4)",
            is_fixed=False,
        ),
        Example("y, h = nn.GRU(3, 4)(x[None])", "y = nn.GRU(3, 4)(x[None])", "y.shape == (1, 2, 4)", is_fixed=False),
    ),
)  # fmt: skip
def recurrent_result(script: Script, node: Node) -> Iterator[Finding]:
    """Finds ``out, (h, c) = lstm(x)`` and ``out, h = gru(x)``."""
    left, right = field(node, "left"), field(node, "right")
    if left is None or right is None or left.type != "pattern_list" or right.type != "call":
        return
    if not any(script.mentions(f"nn.{name}") for name in ("LSTM", "GRU", "RNN")):
        return
    layer = field(right, "function")
    targets = left.named_children
    if script.is_a(layer, "mlx.nn.LSTM") and any(t.type in ("tuple_pattern", "list_pattern") for t in targets):
        yield Finding(
            left, "`nn.LSTM` returns the hidden and the cell states of all steps: `hidden, cell = lstm(x)`; the last "
            "step's are `hidden[..., -1, :]` and `cell[..., -1, :]`.",
        )  # fmt: skip
    elif (script.is_a(layer, "mlx.nn.GRU") or script.is_a(layer, "mlx.nn.RNN")) and len(targets) > 1:
        message = "`nn.GRU` and `nn.RNN` return one array, the hidden states of all steps; unpacking it gives its rows."
        yield Finding(left, message)


@rule(
    "channels-first",
    "error",
    "A convolution given channels first",
    ISSUES + "2116",
    kinds=("call",),
    examples=(
        Example(
            "conv = nn.Conv2d(3, 8, 3)\ny = conv(mx.zeros((1, 3, 32, 32)))",
            "conv = nn.Conv2d(3, 8, 3)\ny = conv(mx.zeros((1, 3, 32, 32)).transpose(0, 2, 3, 1))",
            "y.shape == (1, 30, 30, 8)",
        ),
        Example(
            "y = nn.Conv1d(4, 8, 3)(mx.zeros((1, 4, 16)))",
            "y = nn.Conv1d(4, 8, 3)(mx.zeros((1, 4, 16)).transpose(0, 2, 1))",
            "y.shape == (1, 14, 8)",
        ),
    ),
)
def channels_first(script: Script, node: Node) -> Iterator[Finding]:
    """Finds arrays whose second axis has a convolution's channels, and whose last has not."""
    call = call_of(node) if script.mentions("Conv") else None
    layer = script.value_of(call.function) if call is not None else None
    made = call_of(layer) if layer is not None and layer.type == "call" else None
    if call is None or made is None or len(call.arguments) != 1 or not made.arguments:
        return
    name = script.name(made.function)
    axes = {"mlx.nn.Conv1d": "(0, 2, 1)", "mlx.nn.Conv2d": "(0, 2, 3, 1)", "mlx.nn.Conv3d": "(0, 2, 3, 4, 1)"}.get(name)
    shape, channels = shape_of(script, call.arguments[0]), literal_of(made.arguments[0])
    if axes is None or shape is None or len(shape) != axes.count(",") + 1:
        return
    if shape[1] == channels and shape[-1] not in (None, channels):
        array = call.arguments[0]
        fix = Fix(f"Transpose by {axes}", (inserted(array.end_byte, f".transpose{axes}"),), is_safe=False)
        message = f"MLX's convolutions take the channels last, and this array has its {channels} in the second axis."
        yield Finding(array, message, (fix,))


@rule(
    "weights-format",
    "error",
    "Weights in PyTorch's format",
    USAGE + "saving_and_loading.html",
    calls=("save_weights", "load_weights"),
    examples=(
        Example(
            'import tempfile\ny = model.save_weights(tempfile.mkdtemp() + "/w.pt")',
            'import tempfile\ny = model.save_weights(tempfile.mkdtemp() + "/w.safetensors")',
            "y is None",
        ),
    ),
)
def weights_format(script: Script, call: Call) -> Iterator[Finding]:
    """Finds files of weights that MLX can neither write nor read."""
    if not call.arguments or not script.is_a(call.owner, _MODULE):
        return
    path = call.arguments[0]
    last = field(path, "right") if path.type == "binary_operator" else path
    text = text_of(last) if last is not None and last.type == "string" else ""
    ending = next((e for e in (".pt", ".pth", ".bin", ".ckpt") if text.rstrip("\"'").endswith(e)), None)
    if last is None or ending is None:
        return
    message = f"`{call.name}` knows `.safetensors` and `.npz`, and raises for `{ending}`."
    end = last.end_byte - (len(text) - len(text.rstrip("\"'")))
    fix = Fix("Write .safetensors", (Edit(end - len(ending), end, ".safetensors"),))
    yield Finding(last, message, (fix,) if call.name == "save_weights" else ())


RULES = (
    forward_method, layers_in_tuple, parameters_loop, recurrent_result, channels_first, weights_format,
)  # fmt: skip
