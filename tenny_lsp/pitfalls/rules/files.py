"""Files that MLX writes under another name, and arrays in JSON."""

import re
from collections.abc import Iterator

from tenny_lsp.pitfalls.calls import Call, call_of, within
from tenny_lsp.pitfalls.context import RuleContext
from tenny_lsp.pitfalls.edits import Fix, atom, replaced
from tenny_lsp.pitfalls.guards import is_guarded
from tenny_lsp.pitfalls.rule import PYTHON, USAGE, Example, Finding, rule
from tenny_lsp.source.syntax import Node, field, text_of

_SAVING = USAGE + "saving_and_loading.html"
#: Function → the format that it writes.
_WRITTEN = {
    "save": "npy",
    "savez": "npz",
    "savez_compressed": "npz",
    "save_safetensors": "safetensors",
    "save_gguf": "gguf",
}
#: What other libraries write weights into.
_FOREIGN = ("pt", "pth", "bin", "ckpt", "pkl", "pickle", "h5", "hdf5", "msgpack", "npy", "npz", "safetensors", "gguf")
_PATH = "import tempfile\npath = tempfile.mkdtemp()\n"
_DEEPEST = 4


@rule(
    "renamed-file",
    "warning",
    "A file that is saved under another name",
    _SAVING,
    calls=tuple(_WRITTEN),
    examples=(
        Example(f"{_PATH}mx.save(path + '/a.safetensors', x)\ny = mx.load(path + '/a.safetensors')",
                f"{_PATH}mx.save(path + '/a.npy', x)\ny = mx.load(path + '/a.npy')", is_fixed=False),
        Example(f"{_PATH}mx.savez(f'{{path}}/a.safetensors', x=x)\ny = mx.load(f'{{path}}/a.safetensors')",
                f"{_PATH}mx.savez(f'{{path}}/a.npz', x=x)\ny = mx.load(f'{{path}}/a.npz')", is_fixed=False),
        Example(f"{_PATH}mx.save_safetensors(path + '/a.npz', {{'x': x}})\ny = mx.load(path + '/a.npz')",
                f"{_PATH}file = path + '/a.safetensors'\nmx.save_safetensors(file, {{'x': x}})\ny = mx.load(file)",
                is_fixed=False),
    ),
)  # fmt: skip
def renamed_file(context: RuleContext, call: Call) -> Iterator[Finding]:
    """Find names of files that end in another format than a function writes: it appends its own."""
    end = _end_of(context, call.arguments[0]) if call.arguments else ""
    own = _WRITTEN[call.name]
    if end in _FOREIGN and end != own and context.name(call.function) == f"mlx.core.{call.name}":
        yield Finding(
            call.arguments[0], f"`mx.{call.name}` writes `.{own}`, and appends that to every other name: the file is "
            f"called `….{end}.{own}`.",
        )  # fmt: skip


def _end_of(context: RuleContext, node: Node, depth: int = 0) -> str:
    """Return what the name of a file ends in, ``pt``, as far as the text says it; empty where it does not."""
    if depth > _DEEPEST:
        return ""
    if node.type == "string":
        match = re.search(r"""\.(\w+)["']{1,3}$""", text_of(node))
        return match[1].lower() if match else ""
    if node.type == "binary_operator":
        operator, right = field(node, "operator"), field(node, "right")
        is_joined = operator is not None and operator.type in ("+", "/") and right is not None
        return _end_of(context, right, depth + 1) if is_joined and right is not None else ""
    if node.type == "identifier":
        value = context.value_of(node)
        return _end_of(context, value, depth + 1) if value is not None and value != node else ""
    call = call_of(node)
    if call is None or not call.arguments or call.name not in ("str", "Path", "join", "joinpath", "as_posix"):
        return ""
    return _end_of(context, call.arguments[-1], depth + 1)


@rule(
    "array-in-json",
    "error",
    "An array in what is written as JSON",
    PYTHON + "_autosummary/mlx.core.array.tolist.html",
    calls=("dump", "dumps"),
    examples=(
        Example("import json\ny = json.dumps({'loss': x.mean()})",
                "import json\ny = json.dumps({'loss': x.mean().tolist()})", "'2.5' in y"),
        Example("import json\nrow = {'step': 1, 'top': [mx.argmax(x)]}\ny = json.dumps(row)",
                "import json\nrow = {'step': 1, 'top': [mx.argmax(x).tolist()]}\ny = json.dumps(row)", "'5' in y"),
        Example("import json\nrows = []\nfor a in x:\n    rows.append({'a': a.sum()})\ny = json.dumps(rows)",
                "import json\nrows = []\nfor a in x:\n    rows.append({'a': a.sum().tolist()})\ny = json.dumps(rows)",
                "'12' in y"),
        Example("import json\nlog = {'loss': []}\nlog['loss'].append(x.mean())\ny = json.dumps(log)",
                "import json\nlog = {'loss': []}\nlog['loss'].append(x.mean().tolist())\ny = json.dumps(log)",
                "'2.5' in y"),
        Example("import json\nout = {}\nout['x'] = x\ny = json.dumps(out)",
                "import json\nout = {}\nout['x'] = x.tolist()\ny = json.dumps(out)", "'5.0' in y"),
    ),
)  # fmt: skip
def array_in_json(context: RuleContext, call: Call) -> Iterator[Finding]:
    """Find arrays in the dictionaries and lists that ``json`` writes."""
    if not call.arguments or call.keywords.keys() & {"default", "cls"} or not call.is_whole:
        return
    if context.external(call.function) not in ("json.dump", "json.dumps"):
        return
    for array in _arrays(context, call.arguments[0], 0):
        if is_guarded(context, call.node, ("TypeError",)):
            return
        fix = Fix("Write .tolist()", (replaced(array, f"{atom(array)}.tolist()"),), is_safe=False)
        yield Finding(array, "JSON knows no arrays: this raises. `.tolist()` makes numbers and lists of them.", (fix,))
        return


def _arrays(context: RuleContext, node: Node, depth: int) -> Iterator[Node]:
    """Yield the arrays in a literal, and in what is put into the list or dictionary of a name."""
    if depth > _DEEPEST:
        return
    if node.type in ("dictionary", "list", "tuple"):
        for part in node.named_children:
            value = field(part, "value") if part.type == "pair" else part
            if value is not None and part.type not in ("comment", "dictionary_splat", "list_splat"):
                yield from _arrays(context, value, depth + 1)
    elif node.type == "list_comprehension":
        body = field(node, "body")
        yield from _arrays(context, body, depth + 1) if body is not None else ()
    elif (call := call_of(node)) is not None and call.function.type == "identifier" and call.name == "dict":
        for word in call.keywords:
            yield from _arrays(context, call.value(word) or node, depth + 1)
    elif node.type == "identifier" and not context.is_array(node):
        yield from _put(context, node, depth)
    elif node.type in ("identifier", "call", "binary_operator", "subscript") and context.is_array(node):
        yield node


def _put(context: RuleContext, name: Node, depth: int) -> Iterator[Node]:
    """Yield the arrays in the list or dictionary that a name stands for: as it is made, and as it is filled."""
    scope = next((one for one in context.scopes_around(name) if text_of(name) in one.bindings), None)
    bindings = scope.bindings[text_of(name)] if scope is not None else []
    made = bindings[0].value if len(bindings) == 1 and not bindings[0].steps else None
    if scope is None or made is None or made.type not in ("dictionary", "list", "list_comprehension"):
        return
    yield from _arrays(context, made, depth + 1)
    for one in within(scope.node, "call", "assignment"):
        if one.start_byte > name.start_byte:
            continue
        call, left = call_of(one), field(one, "left")
        if call is not None and call.name == "append" and call.arguments and call.owner is not None:
            if text_of(call.owner).partition("[")[0] == text_of(name):
                yield from _arrays(context, call.arguments[0], depth + 1)
        elif left is not None and left.type == "subscript" and text_of(field(left, "value") or left) == text_of(name):
            right = field(one, "right")
            yield from _arrays(context, right, depth + 1) if right is not None else ()


RULES = (renamed_file, array_in_json)
