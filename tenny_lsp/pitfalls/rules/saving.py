"""Nested parameters given to the functions that save named arrays."""

import re
from collections.abc import Iterator

from tenny_lsp.inference.meaning import Instance, LocalClass
from tenny_lsp.inference.members import names_in
from tenny_lsp.pitfalls.calls import Call, call_of
from tenny_lsp.pitfalls.context import RuleContext
from tenny_lsp.pitfalls.edits import Fix, replaced
from tenny_lsp.pitfalls.nested_modules import holds_modules
from tenny_lsp.pitfalls.numpy_values import is_numpy_array
from tenny_lsp.pitfalls.rule import USAGE, Example, Finding, rule
from tenny_lsp.source.syntax import Node, field, text_of

_NET = "net = nn.Sequential(nn.Linear(3, 2))\n"
_FILE = "import tempfile, os\npath = os.path.join(tempfile.mkdtemp(), 'a')\n"
_FLATTEN = "from mlx.utils import tree_flatten\n"
#: Function → the place of its arrays; ``savez`` takes them by name.
_SAVES = {"mlx.core.save": 1, "mlx.core.save_safetensors": 1, "mlx.core.save_gguf": 1, "mlx.core.savez": None}
_TREE = re.compile(r"\.(?:parameters\(\)|trainable_parameters\(\)|state)\Z")


@rule(
    "nested-save",
    "error",
    "Nested parameters saved as they are",
    USAGE + "saving_and_loading.html",
    calls=("save_safetensors", "save_gguf", "savez", "save"),
    examples=(
        Example(
            f"{_FLATTEN}{_FILE}{_NET}mx.save_safetensors(path, net.parameters())\ny = 1",
            f"{_FLATTEN}{_FILE}{_NET}mx.save_safetensors(path, dict(tree_flatten(net.parameters())))\ny = 1",
        ),
        Example(
            f"{_FLATTEN}{_FILE}{_NET}mx.savez(path, **net.parameters())\ny = 1",
            f"{_FLATTEN}{_FILE}{_NET}mx.savez(path, **dict(tree_flatten(net.parameters())))\ny = 1",
        ),
        Example(
            f'{_FILE}mx.save_safetensors(path, {{"step": 3, "x": x}})\ny = 1',
            f'{_FILE}mx.save_safetensors(path, {{"step": mx.array(3), "x": x}})\ny = 1',
            is_fixed=False,
        ),
        Example(
            f'{_FILE}{_NET}mx.save_safetensors(path, {{"model": net.parameters()}})\ny = 1',
            f"{_FILE}{_NET}net.save_weights(path + '.safetensors')\ny = 1",
            is_fixed=False,
        ),
        Example(
            f"{_FILE}w = {{'a': np.zeros(3)}}\nmx.save_safetensors(path, w)\ny = 1",
            f"{_FILE}w = {{'a': mx.array(np.zeros(3))}}\nmx.save_safetensors(path, w)\ny = 1",
            is_fixed=False,
        ),
        Example(
            f"{_FILE}mx.savez(path, x=x, steps=np.arange(3))\ny = 1",
            f"{_FILE}mx.savez(path, x=x, steps=mx.arange(3))\ny = 1",
            is_fixed=False,
        ),
        Example(
            f"{_FILE}mx.save(path, model.parameters())\ny = 1",
            f"{_FILE}model.save_weights(path + '.safetensors')\ny = 1",
            is_fixed=False,
        ),
    ),
)
def nested_save(context: RuleContext, call: Call) -> Iterator[Finding]:
    """Find nested dictionaries, and dictionaries of what is no array, given to what saves named arrays."""
    name = context.name(call.function)
    if name not in _SAVES:
        return
    place = _SAVES[name]
    splats = [child for child in call.listed.named_children if child.type == "dictionary_splat"]
    given = splats[0].named_children[0] if place is None and len(splats) == 1 else None
    if place is not None:
        given = call.arguments[place] if len(call.arguments) > place else call.value("arrays") or call.value("arr")
    if given is None and place is not None:
        return
    if given is None:
        given_all = (*call.arguments[1:], *_values(call))
        wrong = next((one for one in given_all if _is_no_array(context, one) or is_numpy_array(context, one)), None)
    elif name == "mlx.core.save":
        if given.type == "dictionary" or _tree_owner(context, given) is not None:
            yield Finding(
                given, "`mx.save` saves one array, and this is a dictionary of them: it raises. `mx.save_safetensors` "
                "saves a flat one; `model.save_weights` saves a model.",
            )  # fmt: skip
        return
    elif given.type == "dictionary":
        pairs = [child for child in given.named_children if child.type == "pair"]
        wrong = next((value for one in pairs if _is_no_array(context, value := one.named_children[-1])), None)
    else:
        wrong = given if _is_nested(context, given) else _numpy_value(context, given)
    if wrong is None:
        return
    if wrong != given and not _is_no_array(context, wrong):
        yield Finding(wrong, f"`{name}` saves arrays of MLX's alone, and this is one of NumPy's: `std::bad_cast`.")
        return
    flatten, fixes = context.alias("mlx.utils.tree_flatten", call.node), tuple[Fix, ...]()
    if flatten and wrong == given:
        text = f"dict({flatten}({text_of(wrong)}))"
        fixes = (Fix(f"Write {text}", (replaced(wrong, text),), is_safe=False),)
    yield Finding(
        wrong, f"`{name}` saves a flat dictionary of arrays, and this is not one: it raises `std::bad_cast`. "
        "`dict(tree_flatten(tree))` flattens it; `model.save_weights` saves a model.", fixes,
    )  # fmt: skip


def _numpy_value(context: RuleContext, node: Node) -> Node | None:
    """Return the array of NumPy's that a dictionary of a name has, or one that is made for each of its keys."""
    value = context.value_of(node)
    if value is None or value.type not in ("dictionary", "dictionary_comprehension"):
        return None
    pairs = [child for child in value.named_children if child.type == "pair"]
    values = [one.named_children[-1] for one in pairs]
    return next((one for one in values if is_numpy_array(context, one) or _is_of_tensor(context, one)), None)


def _is_of_tensor(context: RuleContext, node: Node) -> bool:
    """Return whether an expression is the array of NumPy's that a tensor of PyTorch's gives: ``v.numpy()``."""
    call = call_of(node)
    return call is not None and call.name == "numpy" and not call.arguments and context.file.mentions("torch")


def _values(call: Call) -> list[Node]:
    return [value for name in call.keywords if name != "file" and (value := call.value(name)) is not None]


def _is_no_array(context: RuleContext, node: Node) -> bool:
    """Return whether a value is certain to be a number, a text, a list, a dictionary or a tree of parameters."""
    kinds = ("integer", "float", "string", "true", "false", "none", "list", "tuple", "dictionary", "list_comprehension")
    return node.type in kinds or _tree_owner(context, node) is not None


def _is_nested(context: RuleContext, node: Node) -> bool:
    """Return whether a value is the parameters of a module that holds modules, or an optimizer's state."""
    owner = _tree_owner(context, node)
    return owner is not None and (
        context.inherits(owner.of, "mlx.optimizers.Optimizer") or holds_modules(context, owner)
    )


def _tree_owner(context: RuleContext, node: Node) -> Instance | None:
    """Return the module or optimizer of which an expression is the parameters or state."""
    node = context.value_of(node) or node
    if _TREE.search(text_of(node)) is None:
        return None
    call = call_of(node)
    owner = call.owner if call is not None else field(node, "object")
    meaning = context.meaning(owner)
    bases = ("mlx.nn.Module",) if call is not None else ("mlx.nn.Module", "mlx.optimizers.Optimizer")
    is_known = isinstance(meaning, Instance) and any(context.inherits(meaning.of, base) for base in bases)
    if not is_known or not isinstance(meaning, Instance):
        return None
    own = names_in(meaning.of) if isinstance(meaning.of, LocalClass) else ()
    return meaning if not {"parameters", "trainable_parameters", "state"}.intersection(own) else None


RULES = (nested_save,)
