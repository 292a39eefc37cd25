"""Files of weights: written over while they are read lazily, named by paths, with a part of a model alone."""

import re
from collections.abc import Iterator
from functools import partial

from tenny_lsp.inference.meaning import Instance, LocalClass
from tenny_lsp.inference.members import names_in
from tenny_lsp.pitfalls.calls import Call, all_within, call_of, function_around, within
from tenny_lsp.pitfalls.context import RuleContext
from tenny_lsp.pitfalls.edits import Fix, appended, indentation_of, inserted, is_alone, replaced
from tenny_lsp.pitfalls.guards import is_guarded
from tenny_lsp.pitfalls.nested_modules import holds_modules
from tenny_lsp.pitfalls.rule import PYTHON, USAGE, Example, Finding, Search, rule
from tenny_lsp.source.syntax import Node, field, text_of

_MODULE = "mlx.nn.Module"
_PAGE = USAGE + "saving_and_loading.html"
_SAVES = ("save_safetensors", "savez", "savez_compressed", "save_gguf")
_FILE = "import tempfile, os\npath = os.path.join(tempfile.mkdtemp(), 'a.safetensors')\n"
_SPLIT = (
    _FILE + "mx.save_safetensors(path, {{'w': mx.ones((64, 64)), 'lora': mx.full((64, 4), 2.0)}})\n"
    "def split(path):\n    weights = mx.load(path)\n{}"
    "    kept = {{k: v for k, v in weights.items() if 'lora' not in k}}\n"
    "    mx.save_safetensors(path, kept)\n    return {{k: v for k, v in weights.items() if k not in kept}}\n"
    "y = split(path)['lora'].sum().item()"
)
_FOLDER = "import tempfile\nfrom pathlib import Path\nfolder = Path(tempfile.mkdtemp())\n"
_FROZEN = (
    "from mlx.utils import tree_flatten\nnet = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 2))\n"
    f"net.layers[0].freeze()\n{_FILE}"
    "mx.save_safetensors(path, dict(tree_flatten(net.trainable_parameters())))\n"
)  # fmt: skip
_PAIR = "net, other = nn.Sequential(nn.Linear(3, 2)), nn.Sequential(nn.Linear(3, 2))\n"


@rule(
    "overwritten-file",
    "warning",
    "A file written over that is not read yet",
    USAGE + "lazy_evaluation.html",
    calls=_SAVES,
    examples=(
        Example(_SPLIT.format(""), _SPLIT.format("    mx.eval(weights)\n"), "y == 512", "undefined"),
    ),
)  # fmt: skip
def overwritten_file(context: RuleContext, call: Call) -> Iterator[Finding]:
    """Find files that are written over with a part of what was loaded from them, where the rest is used afterwards."""
    function = function_around(call.node)
    path = call.arguments[0] if call.arguments else None
    if function is None or path is None or path.type not in ("identifier", "attribute") or call.name not in _SAVES:
        return
    if len(context.bindings_in(function).get(text_of(path), ())) > 1 or context.name(call.function) == "":
        return
    loaded = _loaded(context, function, path, call)
    saved = call.value("arrays") or (call.arguments[1] if len(call.arguments) > 1 else None)
    if loaded is None or saved is None or not _is_part(context, saved, loaded[0]):
        return
    name, statement = loaded
    body = text_of(function).encode()
    between = body[statement.end_byte - function.start_byte : call.node.start_byte - function.start_byte].decode()
    after = body[call.node.end_byte - function.start_byte :].decode()
    word = re.escape(name)
    is_used = re.search(rf"\b{word}\.(?:items|values)\(|\breturn {word}\b", after) is not None
    if re.search(r"\beval\(", between) or re.search(rf"\b{word} =(?!=)", between + after):
        return
    if not is_used and not _is_rest_used(context, function, name, saved, after):
        return
    mx, fixes = context.alias("mlx.core", call.node), tuple[Fix, ...]()
    if mx and is_alone(statement):
        line = f"\n{indentation_of(statement)}{mx}.eval({name})"
        fixes = (Fix("Evaluate it first", (inserted(statement.end_byte, line),), is_safe=False),)
    yield Finding(
        call.node, "What is loaded is read when it is needed, and this writes over the file: the rest of "
        f"`{name}`, used below, is read from the new one. `mx.eval({name})` reads it before.", fixes,
    )  # fmt: skip


def _loaded(context: RuleContext, function: Node, path: Node, call: Call) -> tuple[str, Node] | None:
    """Return the name, and the statement, that is assigned what ``mx.load`` finds at a path, before a call."""
    for found in within(field(function, "body"), "assignment"):
        left, made = field(found, "left"), call_of(field(found, "right"))
        if made is None or left is None or made.name != "load" or left.type != "identifier" or found.parent is None:
            continue
        is_same = len(made.arguments) == 1 and text_of(made.arguments[0]) == text_of(path)
        if is_same and found.end_byte < call.node.start_byte and context.name(made.function) == "mlx.core.load":
            return text_of(left), found.parent
    return None


def _is_rest_used(context: RuleContext, function: Node, name: str, saved: Node, after: str) -> bool:
    """Return whether a name for what a dictionary leaves out, by the opposite condition, is used in a text."""
    kept = _condition(context.value_of(saved), name)
    for found in within(field(function, "body"), "assignment"):
        left, condition = field(found, "left"), _condition(field(found, "right"), name)
        is_opposite = condition != kept and _without_not(condition) == _without_not(kept)
        if left is not None and condition and is_opposite and re.search(rf"\b{re.escape(text_of(left))}\b", after):
            return True
    return False


def _is_part(context: RuleContext, saved: Node, name: str) -> bool:
    """Return whether a dictionary is a comprehension over the items of another that leaves some out."""
    return bool(_condition(context.value_of(saved), name))


def _condition(value: Node | None, name: str) -> str:
    """Return the condition of a comprehension over the items of a dictionary; an empty string where it has none."""
    if value is None or value.type != "dictionary_comprehension":
        return ""
    conditions = [text_of(child) for child in value.named_children if child.type == "if_clause"]
    loops = [child for child in value.named_children if child.type == "for_in_clause"]
    is_over = len(loops) == 1 and text_of(field(loops[0], "right") or value) == f"{name}.items()"
    return " ".join(conditions) if is_over else ""


def _without_not(condition: str) -> str:
    return re.sub(r"\bnot ", "", condition)


@rule(
    "path-object",
    "error",
    "A `Path` where weights take a text",
    PYTHON + "nn/_autosummary/mlx.nn.Module.load_weights.html",
    calls=("load_weights", "save_weights"),
    examples=(
        Example(
            f'{_FOLDER}model.save_weights(folder / "w.safetensors")\ny = 1',
            f'{_FOLDER}model.save_weights(str(folder / "w.safetensors"))\ny = 1',
        ),
        Example(
            f'{_FOLDER}model.save_weights(f"{{folder}}/w.npz")\npath = Path(folder, "w.npz")\n'
            "model.load_weights(path)\ny = 1",
            f'{_FOLDER}model.save_weights(f"{{folder}}/w.npz")\npath = Path(folder, "w.npz")\n'
            "model.load_weights(str(path))\ny = 1",
        ),
    ),
)
def path_object(context: RuleContext, call: Call) -> Iterator[Finding]:
    """Find paths of ``pathlib`` given to ``load_weights`` and ``save_weights``, which take texts."""
    given = call.arguments[0] if call.arguments else None
    if given is None or not _is_path(context, given) or not context.is_a(call.owner, _MODULE):
        return
    is_own = not context.name(call.function).startswith(_MODULE)
    if call.owner is None or is_own or context.may_be_subclass(call.owner, call.name):
        return
    if is_guarded(context, call.node):
        return
    text = f"str({text_of(given)})"
    yield Finding(
        given, f"`{call.name}` takes the path as a text, and raises for a `Path`.",
        (Fix(f"Write {text}", (replaced(given, text),)),),
    )  # fmt: skip


def _is_path(context: RuleContext, node: Node) -> bool:
    """Return whether an expression is certain to be a path: ``Path(…)``, or something divided by a text."""
    value = context.value_of(node)
    if value is not None and value.type == "binary_operator":
        right = field(value, "right")
        return value.children[1].type == "/" and right is not None and right.type == "string"
    call = call_of(value)
    return call is not None and context.external(call.function) == "pathlib.Path"


@rule(
    "partial-weights",
    "error",
    "The file of a model's trained part loaded as if it held all",
    PYTHON + "nn/_autosummary/mlx.nn.Module.load_weights.html",
    scope="file",
    calls=("load_weights",),
    examples=(
        Example(
            f"{_FROZEN}net.load_weights(path)\ny = 1", f"{_FROZEN}net.load_weights(path, strict=False)\ny = 1"
        ),
        Example(
            f"{_FROZEN}def resume(other):\n    other.load_weights(list(mx.load(path).items()))\nresume(net)\ny = 1",
            f"{_FROZEN}def resume(other):\n    other.load_weights(list(mx.load(path).items()), strict=False)\n"
            "resume(net)\ny = 1",
        ),
    ),
)  # fmt: skip
def partial_weights(context: RuleContext, call: Call) -> Search | None:
    """Find ``load_weights`` of a file that the trainable parameters were saved to, without ``strict=False``."""
    if len(call.arguments) != 1 or call.keywords or call.owner is None or not call.is_whole:
        return None
    if not all(map(context.file.mentions, ("trainable_parameters()", ".freeze("))):
        return None
    loaded = re.fullmatch(r"list\(\s*\w+\.load\(([^()]*)\)\.items\(\)\s*\)", text_of(call.arguments[0]))
    path = call.arguments[0]
    if loaded is not None:
        path = next((one for one in all_within(path, "identifier") if text_of(one) == loaded[1]), path)
    meaning = context.meaning(call.owner)
    is_own = isinstance(meaning, Instance) and isinstance(meaning.of, LocalClass) and call.name in names_in(meaning.of)
    if path.type not in ("identifier", "string") or is_own or is_guarded(context, call.node, ("ValueError",)):
        return None
    return partial(_saved_in_part, context, call, path)


def _saved_in_part(context: RuleContext, call: Call, path: Node, whole: Node) -> Iterator[Finding]:
    """Report a call whose file the same path names where only the trainable parameters are saved."""
    saves = [one for found in all_within(whole, "call") if (one := call_of(found)) is not None]
    written = [
        one
        for one in saves
        if one.name in (*_SAVES, "save_weights") and one.arguments and _is_same(context, one.arguments[0], path)
    ]
    if written and all(_saves_trained(context, one) for one in written):
        fix = Fix("Add strict=False", (appended(call, "strict=False"),), is_safe=False)
        yield Finding(
            call.node, "The file holds the trainable parameters alone, and without `strict=False` `load_weights` wants "
            "all of them: this raises.", (fix,),
        )  # fmt: skip


def _is_same(context: RuleContext, one: Node, other: Node) -> bool:
    """Return whether two expressions are the same text, or one name that is bound once."""
    if one.type != other.type or text_of(one) != text_of(other):
        return False
    scopes = [
        next((scope for scope in context.scopes_around(node) if text_of(node) in scope.bindings), None)
        for node in (one, other)
    ]
    if one.type == "string":
        return True
    found = scopes[0]
    is_shared = found is not None and scopes[1] is not None and found.node == scopes[1].node
    return is_shared and found is not None and len(found.bindings[text_of(one)]) == 1


def _saves_trained(context: RuleContext, call: Call) -> bool:
    """Return whether a call saves the trainable parameters of a model, and nothing else."""
    if call.name == "save_weights":
        return False
    values = [text_of(context.value_of(one) or one) for one in call.listed.named_children[1:]]
    return len(values) == 1 and re.search(r"tree_flatten\(\s*[\w.]+\.trainable_parameters\(\)", values[0]) is not None


@rule(
    "nested-load",
    "error",
    "Nested parameters given to `load_weights`",
    PYTHON + "nn/_autosummary/mlx.nn.Module.load_weights.html",
    calls=("load_weights",),
    examples=(
        Example(
            f"{_PAIR}other.load_weights(list(net.parameters().items()))\ny = other(x)[0, 0].item()",
            f"{_PAIR}other.update(net.parameters())\ny = other(x)[0, 0].item()",
            "y == net(x)[0, 0].item()",
        ),
        Example(
            f"{_PAIR}other.load_weights(net.parameters())\ny = other(x)[0, 0].item()",
            f"{_PAIR}other.update(net.parameters())\ny = other(x)[0, 0].item()",
            "y == net(x)[0, 0].item()",
        ),
    ),
)
def nested_load(context: RuleContext, call: Call) -> Iterator[Finding]:
    """Find the parameters of a module that holds others given to ``load_weights``, which takes flat names."""
    given = call.arguments[0] if len(call.arguments) == 1 and not call.keywords else None
    listed = call_of(given)
    if listed is not None and listed.name == "list" and len(listed.arguments) == 1:
        items = call_of(listed.arguments[0])
        listed = call_of(items.owner) if items is not None and items.name == "items" else None
    if given is None or listed is None or listed.name != "parameters" or listed.owner is None:
        return
    meaning, owner = context.meaning(listed.owner), context.name(call.function)
    is_nested = isinstance(meaning, Instance) and holds_modules(context, meaning)
    if not is_nested or owner != f"{_MODULE}.load_weights" or is_guarded(context, call.node, ("ValueError",)):
        return
    name = field(call.function, "attribute")
    edits = (replaced(name, "update"), replaced(given, text_of(listed.node))) if name is not None else ()
    yield Finding(
        given, "`load_weights` takes flat names, and `parameters()` is nested: this raises. `update` takes it as "
        "it is.",
        (Fix("Write update", edits, is_safe=False),),
    )  # fmt: skip


RULES = (overwritten_file, path_object, partial_weights, nested_load)
