"""Arrays as elements of sets and keys of dictionaries, where they are told apart as objects, not by their values."""

import re
from collections.abc import Iterator

from tenny_lsp.inference.names import reaching_bindings
from tenny_lsp.pitfalls.calls import Call, call_of
from tenny_lsp.pitfalls.context import RuleContext
from tenny_lsp.pitfalls.edits import Fix, atom, replaced
from tenny_lsp.pitfalls.rule import PYTHON, Example, Finding, rule
from tenny_lsp.pitfalls.traced import outer_value
from tenny_lsp.source.scope import Binding
from tenny_lsp.source.syntax import Node, field, text_of

#: What makes a set or a dictionary.
_MAKERS = {
    "set", "frozenset", "dict", "collections.Counter", "collections.defaultdict", "collections.OrderedDict",
}  # fmt: skip
_LITERALS = ("set", "dictionary", "set_comprehension", "dictionary_comprehension")
_KEYS = ("identifier", "call", "subscript")
_MAKER_NAMES = {name.rpartition(".")[2] for name in _MAKERS}
#: Annotations of what is hashed.
_ANNOTATED = re.compile(
    r"(?:typing\.)?(?:set|frozenset|dict|Set|FrozenSet|Dict|AbstractSet|Counter)\[(?:int|str|float)\b"
)
#: The set of tokens at which generation ends, as the tokenizers of mlx-lm have it.
_ENDS = "tokenizer.eos_token_ids"
_DEEPEST = 3
_TOKENS = "t = mx.array([1, 1, 2])\n"


@rule(
    "array-as-key",
    "warning",
    "An array in a set, or as the key of a dictionary",
    PYTHON + "_autosummary/mlx.core.array.item.html",
    kinds=(
        "comparison_operator", "subscript", "set_comprehension", "dictionary_comprehension", "generator_expression",
        "list_comprehension",
    ),
    calls=("set", "frozenset", "Counter", "fromkeys", "add", "get", "setdefault"),
    examples=(
        Example("t = mx.argmax(x)\ny = t in {3, 5}", "t = mx.argmax(x)\ny = t.item() in {3, 5}", "y", "wrong"),
        Example(
            "STOP = frozenset([5])\ndef ends(a):\n    t = mx.argmax(a)\n    return t in STOP\ny = ends(x)",
            "STOP = frozenset([5])\ndef ends(a):\n    t = mx.argmax(a)\n    return t.item() in STOP\ny = ends(x)",
            "y", "wrong",
        ),
        Example("names = {5: 'end'}\ny = names[mx.argmax(x)]", "names = {5: 'end'}\ny = names[mx.argmax(x).item()]",
                "y == 'end'"),
        Example(f"{_TOKENS}y = len(set(t))", f"{_TOKENS}y = len(set(t.tolist()))", "y == 2", "wrong"),
        Example(f"{_TOKENS}y = len({{one for one in t}})", f"{_TOKENS}y = len({{one.item() for one in t}})", "y == 2",
                "wrong"),
        Example(
            f"from collections import Counter\n{_TOKENS}y = Counter(v for row in t[None] for v in row)",
            f"from collections import Counter\n{_TOKENS}y = Counter(v.item() for row in t[None] for v in row)",
            "len(y) == 2", "wrong",
        ),
        Example(
            f"{_TOKENS}seen = set()\nfor one in t:\n    seen.add(one)\ny = len(seen)",
            f"{_TOKENS}seen = set()\nfor one in t:\n    seen.add(one.item())\ny = len(seen)", "y == 2", "wrong",
        ),
        Example(
            f"{_TOKENS}counts = {{}}\nfor one in t:\n    counts[one] = 1\ny = len(counts)",
            f"{_TOKENS}counts = {{}}\nfor one in t:\n    counts[one.item()] = 1\ny = len(counts)", "y == 2", "wrong",
        ),
    ),
)  # fmt: skip
def array_as_key(context: RuleContext, found: Node | Call) -> Iterator[Finding]:
    """Find arrays that a set or a dictionary looks up or keeps: by the object, so that equal ones are not found."""
    method = "item"
    if isinstance(found, Call):
        key = _put(context, found)
        if key is None and (all_of := _elements(context, found)) is not None:
            key, method = (all_of, "tolist") if context.is_array(all_of) else (None, method)
    elif found.type.endswith(("comprehension", "generator_expression")):
        key = _made_key(context, found)
    else:
        key = _looked_up(context, found)
    if key is not None:
        fix = Fix(f"Write .{method}()", (replaced(key, f"{atom(key)}.{method}()"),), is_safe=False)
        yield Finding(
            key, "A set and a dictionary tell arrays apart as objects, not by their values: an equal one is not "
            f"found. `.{method}()` makes {'numbers' if method == 'tolist' else 'a number'} of it.", (fix,),
        )  # fmt: skip


def _put(context: RuleContext, call: Call) -> Node | None:
    """Return the new array that a method of a set or a dictionary keeps or looks up."""
    if call.owner is None or not call.arguments or call.name not in ("add", "get", "setdefault"):
        return None
    key = call.arguments[0]
    return key if key.type in _KEYS and _is_hashed(context, call.owner) and _is_new(context, key) else None


def _elements(context: RuleContext, call: Call) -> Node | None:
    """Return that of whose elements a set or a dictionary is made: ``x`` of ``set(x)``."""
    if call.name in ("add", "get", "setdefault"):
        return None
    is_maker = len(call.arguments) == 1 and context.external(call.function) in (*_MAKERS, "dict.fromkeys")
    return call.arguments[0] if is_maker or (call.name == "fromkeys" and call.arguments) else None


def _made_key(context: RuleContext, comprehension: Node) -> Node | None:
    """Return the new array that a comprehension makes a key or an element of in each turn."""
    if comprehension.type in ("generator_expression", "list_comprehension"):
        outer = comprehension.parent
        outer = outer.parent if outer is not None and outer.type == "argument_list" else outer
        function = field(outer, "function")
        if function is None or text_of(function).rpartition(".")[2] not in _MAKER_NAMES:
            return None
        if context.external(function) not in _MAKERS - {"dict"}:
            return None
    body = field(comprehension, "body")
    key = field(body, "key") if body is not None and body.type == "pair" else body
    return key if key is not None and _is_new(context, key) else None


def _looked_up(context: RuleContext, node: Node) -> Node | None:
    """Return the array that is looked up in a set or a dictionary, by ``in`` or by index."""
    if node.type == "comparison_operator":
        operators = [text_of(child) for child in node.children if not child.is_named]
        if operators not in (["in"], ["not in"], ["not", "in"]) or len(node.named_children) != 2:
            return None
        key, held = node.named_children
    else:
        keys, value = node.children_by_field_name("subscript"), field(node, "value")
        if len(keys) != 1 or value is None or value.type not in ("identifier", "attribute"):
            return None
        key, held = keys[0], value
    return key if key.type in _KEYS and _is_hashed(context, held) and _is_new(context, key) else None


def _is_hashed(context: RuleContext, node: Node, depth: int = 0) -> bool:
    """Return whether an expression is certain to be a set or a dictionary."""
    if node.type == "parenthesized_expression" and len(node.named_children) == 1:
        return _is_hashed(context, node.named_children[0], depth)
    if node.type in _LITERALS:
        return True
    call = call_of(node)
    if call is not None:
        return call.name in _MAKER_NAMES and context.external(call.function) in _MAKERS
    if node.type == "attribute":
        if text_of(node).endswith(_ENDS):
            return context.file.mentions("mlx_lm")
        value = context.value_of_attribute(node)
        return value is not None and depth < _DEEPEST and _is_hashed(context, value, depth + 1)
    if node.type != "identifier" or depth == _DEEPEST:
        return False
    value = outer_value(context, node)
    return _is_hashed(context, value, depth + 1) if value is not None else _is_annotated(context, node)


def _is_annotated(context: RuleContext, name: Node) -> bool:
    scopes = context.scopes_around(name)
    found = next((scope.bindings[text_of(name)] for scope in scopes if text_of(name) in scope.bindings), [])
    return bool(found) and all(
        one.annotation is not None and _ANNOTATED.match(text_of(one.annotation)) is not None for one in found
    )


def _is_new(context: RuleContext, node: Node, depth: int = 0) -> bool:
    """Return whether an expression is an array that was made for it, so that no set or dictionary can hold it yet."""
    if node.type not in (*_KEYS, "binary_operator") or depth > _DEEPEST or not context.is_array(node):
        return False
    if node.type == "identifier":
        found = reaching_bindings(context.evaluator, text_of(node), node) or []
        return bool(found) and all(_is_new_value(context, one, depth) for one in found)
    call = call_of(node)
    if call is not None:
        return context.name(call.function).startswith("mlx.core.")
    return node.type != "subscript" or context.is_array(field(node, "value"))


def _is_new_value(context: RuleContext, binding: Binding, depth: int) -> bool:
    value = binding.value
    if value is None or (value.type == "identifier" and not binding.steps):
        return False
    if binding.steps:
        return binding.steps == ("each",) and context.is_array(value)
    return _is_new(context, value, depth + 1)


RULES = (array_as_key,)
