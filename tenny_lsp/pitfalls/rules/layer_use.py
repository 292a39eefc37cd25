"""Layers used as PyTorch's are: what they are given, what they give back, and the files of their weights."""

import re
from collections.abc import Iterator

from tenny_lsp.pitfalls.calls import Call, call_of
from tenny_lsp.pitfalls.context import RuleContext
from tenny_lsp.pitfalls.edits import Edit, Fix, inserted
from tenny_lsp.pitfalls.guards import is_guarded
from tenny_lsp.pitfalls.rule import ISSUES, PYTHON, USAGE, Example, Finding, rule
from tenny_lsp.pitfalls.values import literal_of, shape_of
from tenny_lsp.source.syntax import Node, field, text_of

_MODULE = "mlx.nn.Module"
#: Endings of files of weights that are PyTorch's.
_FORMATS = (".pt", ".pth", ".bin", ".ckpt")
#: What joins a path, or makes a text of it.
_PATHS = ("str", "os.path.join", "os.fspath", "pathlib.Path", "pathlib.PurePath")
_DEEPEST = 4


@rule(
    "recurrent-result",
    "error",
    "The result of a recurrent layer, unpacked as PyTorch's",
    PYTHON + "nn/_autosummary/mlx.nn.LSTM.html",
    kinds=("assignment",),
    words=("nn.LSTM", "nn.GRU", "nn.RNN"),
    examples=(
        Example(
            "out, (h, c) = nn.LSTM(3, 4)(x[None])", "out, c = nn.LSTM(3, 4)(x[None])", "out.shape == (1, 2, 4)",
            is_fixed=False,
        ),
        Example("y, h = nn.GRU(3, 4)(x[None])", "y = nn.GRU(3, 4)(x[None])", "y.shape == (1, 2, 4)", is_fixed=False),
    ),
)  # fmt: skip
def recurrent_result(context: RuleContext, node: Node) -> Iterator[Finding]:
    """Find ``out, (h, c) = lstm(x)`` and ``out, h = gru(x)``."""
    left, right = field(node, "left"), field(node, "right")
    if left is None or right is None or left.type != "pattern_list" or right.type != "call":
        return
    layer = field(right, "function")
    targets = left.named_children
    if context.is_a(layer, "mlx.nn.LSTM") and any(t.type in ("tuple_pattern", "list_pattern") for t in targets):
        yield Finding(
            left, "`nn.LSTM` returns the hidden and the cell states of all steps: `hidden, cell = lstm(x)`; the last "
            "step's are `hidden[..., -1, :]` and `cell[..., -1, :]`.",
        )  # fmt: skip
    elif (context.is_a(layer, "mlx.nn.GRU") or context.is_a(layer, "mlx.nn.RNN")) and len(targets) > 1:
        message = "`nn.GRU` and `nn.RNN` return one array, the hidden states of all steps; unpacking it gives its rows."
        yield Finding(left, message)


@rule(
    "channels-first",
    "error",
    "A convolution given channels first",
    ISSUES + "2116",
    kinds=("call",),
    words=("nn.Conv",),
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
def channels_first(context: RuleContext, node: Node) -> Iterator[Finding]:
    """Find arrays whose second axis has a convolution's channels, and whose last has not."""
    function = field(node, "function")
    is_name = function is not None and function.type == "identifier" and text_of(function) in context.file.convolutions
    if function is None or not (is_name or (function.type == "call" and b"nn.Conv" in (function.text or b""))):
        return
    call = call_of(node)
    layer = context.value_of(call.function) if call is not None else None
    made = call_of(layer)
    if call is None or made is None or len(call.arguments) != 1 or not made.arguments:
        return
    name = context.name(made.function)
    axes = {"mlx.nn.Conv1d": "(0, 2, 1)", "mlx.nn.Conv2d": "(0, 2, 3, 1)", "mlx.nn.Conv3d": "(0, 2, 3, 4, 1)"}.get(name)
    shape, channels = shape_of(context, call.arguments[0]), literal_of(made.arguments[0])
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
    calls=("save_weights", "load_weights", "load"),
    examples=(
        Example(
            'import tempfile\ny = model.save_weights(tempfile.mkdtemp() + "/w.pt")',
            'import tempfile\ny = model.save_weights(tempfile.mkdtemp() + "/w.safetensors")',
            "y is None",
        ),
        Example(
            'import tempfile, pathlib\ny = model.save_weights(str(pathlib.Path(tempfile.mkdtemp()) / "w.pt"))',
            'import tempfile, pathlib\ny = model.save_weights(str(pathlib.Path(tempfile.mkdtemp()) / "w.safetensors"))',
            "y is None",
        ),
        Example(
            'import tempfile, os\ny = model.save_weights(os.path.join(tempfile.mkdtemp(), "w.pt"))',
            'import tempfile, os\ny = model.save_weights(os.path.join(tempfile.mkdtemp(), "w.safetensors"))',
            "y is None",
        ),
        Example(
            'import tempfile\nstep = 3\nmodel.save_weights(f"{tempfile.mkdtemp()}/w{step}.pth")\ny = 1',
            'import tempfile\nstep = 3\nmodel.save_weights(f"{tempfile.mkdtemp()}/w{step}.safetensors")\ny = 1',
        ),
        Example(
            'import tempfile\npath = tempfile.mkdtemp() + "/w.bin"\nmodel.save_weights(path)\ny = 1',
            'import tempfile\npath = tempfile.mkdtemp() + "/w.safetensors"\nmodel.save_weights(path)\ny = 1',
        ),
        Example(
            'def read():\n    return mx.load("weights.pt")\ny = read()',
            'def read():\n    return mx.load("weights.safetensors")\ny = 1', is_fixed=False,
        ),
        Example(
            'import tempfile\npath = tempfile.mkdtemp()\nmx.save(path + "/w", x)\ny = mx.load(path + "/w")',
            'import tempfile\npath = tempfile.mkdtemp()\nmx.save(path + "/w", x)\ny = mx.load(path + "/w.npy")',
            "y.shape == (2, 3)", is_fixed=False,
        ),
    ),
)  # fmt: skip
def weights_format(context: RuleContext, call: Call) -> Iterator[Finding]:
    """Find files of weights that MLX can neither write nor read."""
    if call.name == "load":
        yield from _read(context, call)
        return
    if call.owner is None or not call.arguments or not context.is_a(call.owner, _MODULE):
        return
    is_own = not context.name(call.function).startswith(_MODULE)
    if is_own or context.may_be_subclass(call.owner, call.name):
        return
    last = _file_name(context, call.arguments[0])
    text = text_of(last) if last is not None else ""
    ending = next((e for e in _FORMATS if text.rstrip("\"'").endswith(e)), None)
    if last is None or ending is None:
        return
    message = f"`{call.name}` knows `.safetensors` and `.npz`, and raises for `{ending}`."
    end = last.end_byte - (len(text) - len(text.rstrip("\"'")))
    fix = Fix("Write .safetensors", (Edit(end - len(ending), end, ".safetensors"),))
    yield Finding(last, message, (fix,) if call.name == "save_weights" else ())


def _read(context: RuleContext, call: Call) -> Iterator[Finding]:
    """Report a file that ``mx.load`` is given without its format, and whose name tells none that it knows."""
    last = _file_name(context, call.arguments[0]) if len(call.arguments) == 1 and not call.keywords else None
    text = text_of(last).rstrip("\"'") if last is not None else ""
    ending = next((e for e in _FORMATS if text.endswith(e)), None)
    if last is None or context.name(call.function) != "mlx.core.load":
        return
    if is_guarded(context, call.node, ("ValueError",)):
        return
    is_added = last.parent is not None and last.parent.type == "binary_operator"  # to what may end in a dot
    if ending is not None:
        yield Finding(
            last, f"`mx.load` knows `.safetensors`, `.npz`, `.npy` and `.gguf`, and raises for `{ending}`. PyTorch has "
            "to read its own files, and to save them as `.safetensors`.",
        )  # fmt: skip
    elif re.search(r"/[\w-]+$" if is_added else r"[\"'/][\w-]+$", text):
        yield Finding(
            last, "`mx.load` tells the format by the name's ending, and this has none: it raises. `mx.save` adds "
            "`.npy` to a name, `mx.savez` `.npz`, `mx.save_safetensors` `.safetensors`.",
        )  # fmt: skip


def _file_name(context: RuleContext, path: Node, depth: int = 0) -> Node | None:
    """Return the string in which a path ends, however it is joined; None where it ends in something else."""
    if depth > _DEEPEST:
        return None
    if path.type in ("string", "concatenated_string"):
        return path if path.type == "string" else path.named_children[-1]
    if path.type == "binary_operator":
        right = field(path, "right")
        return _file_name(context, right, depth + 1) if right is not None else None
    if path.type == "identifier":
        value = context.value_of(path)
        return _file_name(context, value, depth + 1) if value is not None and value != path else None
    made = call_of(path)
    is_joined = made is not None and made.is_whole and bool(made.arguments)
    if made is None or not is_joined or context.external(made.function) not in _PATHS:
        return None
    return _file_name(context, made.arguments[-1], depth + 1)


RULES = (recurrent_result, channels_first, weights_format)
