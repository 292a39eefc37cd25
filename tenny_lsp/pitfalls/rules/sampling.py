"""Random numbers: probabilities given as logits, one key used twice."""

import re
from collections.abc import Iterator

from tenny_lsp.inference.meaning import LocalFunction
from tenny_lsp.pitfalls.calls import Call, call_of, function_around, within
from tenny_lsp.pitfalls.context import RuleContext
from tenny_lsp.pitfalls.edits import Fix, replaced
from tenny_lsp.pitfalls.rule import PYTHON, Example, Finding, rule
from tenny_lsp.pitfalls.traced import outer_value, takes_gradients
from tenny_lsp.pitfalls.values import literal_of
from tenny_lsp.source.syntax import Node, field, text_of, up_to

_SOFTMAX = {"mlx.core.softmax", "mlx.nn.softmax"}
#: What keeps probabilities what they are, by its short name.
_KEPT = {"where": "mlx.core.where", "take_along_axis": "mlx.core.take_along_axis", "sort": "mlx.core.sort",
         "softmax": "mlx.core.softmax"}  # fmt: skip
_DEEPEST = 4
_KEYS = ("mlx.core.random.key", "mlx.core.random.split")


@rule(
    "categorical-probabilities",
    "warning",
    "Probabilities given to `mx.random.categorical`",
    PYTHON + "_autosummary/mlx.core.random.categorical.html",
    calls=("categorical",),
    examples=(
        Example(
            "logits = mx.broadcast_to(mx.array([0.0, 9.0]), (999, 2))\n"
            "y = mx.random.categorical(mx.softmax(logits, axis=-1)).mean()",
            "logits = mx.broadcast_to(mx.array([0.0, 9.0]), (999, 2))\ny = mx.random.categorical(logits).mean()",
            "y.item() > 0.95",
            "wrong",
        ),
        Example(
            "def f(logits):\n    p = mx.softmax(logits, axis=-1)\n    return mx.random.categorical(p)\n"
            "y = f(mx.broadcast_to(mx.array([0.0, 9.0]), (999, 2))).mean()",
            "def f(logits):\n    p = mx.softmax(logits, axis=-1)\n    return mx.random.categorical(mx.log(p))\n"
            "y = f(mx.broadcast_to(mx.array([0.0, 9.0]), (999, 2))).mean()",
            "y.item() > 0.95",
            "wrong",
        ),
        Example(
            "def f(logits):\n    p = mx.softmax(logits, axis=-1)\n    kept = mx.where(p > 0.1, p, 0.0)\n"
            "    return mx.random.categorical(kept)\ny = f(mx.broadcast_to(mx.array([0.0, 9.0]), (999, 2))).mean()",
            "def f(logits):\n    p = mx.softmax(logits, axis=-1)\n    kept = mx.where(p > 0.1, p, 0.0)\n"
            "    return mx.random.categorical(mx.log(kept))\n"
            "y = f(mx.broadcast_to(mx.array([0.0, 9.0]), (999, 2))).mean()",
            "y.item() > 0.95",
            "wrong",
        ),
    ),
)
def categorical_probabilities(context: RuleContext, call: Call) -> Iterator[Finding]:
    """Find what ``softmax`` returns as the logits of ``categorical``, which takes the softmax of them again."""
    given = call.arguments[0] if call.arguments else call.value("logits")
    made = call_of(context.value_of(given))
    if given is None or made is None or not _are_probabilities(context, made.node):
        return
    if context.name(call.function) != "mlx.core.random.categorical":
        return
    mx, fixes = context.alias("mlx.core", call.node), tuple[Fix, ...]()
    if given == made.node and made.arguments and made.is_whole and made.name == "softmax":
        logits = text_of(made.arguments[0])
        fixes = (Fix(f"Give {logits} itself", (replaced(given, logits),), is_safe=False),)
    elif mx:
        text = f"{mx}.log({text_of(given)})"
        fixes = (Fix(f"Give {text}", (replaced(given, text),), is_safe=False),)
    yield Finding(
        given, "`mx.random.categorical` takes logits: of probabilities it takes the softmax again, which makes all "
        "nearly equally likely. Give the logits, or the logarithm.", fixes,
    )  # fmt: skip


def _are_probabilities(context: RuleContext, node: Node | None, depth: int = 0) -> bool:
    """Return whether a value is what ``softmax`` returns, or taken of it: sorted, gathered, or zero elsewhere."""
    call = call_of(context.value_of(node)) if depth < _DEEPEST else None
    name = context.name(call.function) if call is not None and call.name in _KEPT else ""
    if call is None or name not in _KEPT.values():
        return False
    if name in _SOFTMAX:
        return True
    place = 1 if name == "mlx.core.where" else 0
    if place and (len(call.arguments) != 3 or literal_of(call.arguments[2]) not in (0, 0.0)):
        return False
    return len(call.arguments) > place and _are_probabilities(context, call.arguments[place], depth + 1)


@rule(
    "repeated-key",
    "warning",
    "One random key used twice",
    PYTHON + "random.html",
    kinds=("assignment",),
    keywords=("key",),
    examples=(
        Example(
            "k = mx.random.key(0)\nrows = []\nfor _ in range(2):\n"
            "    rows.append(mx.random.normal((3,), key=k))\ny = rows[0][0] != rows[1][0]",
            "k = mx.random.key(0)\nrows = []\nfor one in mx.random.split(k, 2):\n"
            "    rows.append(mx.random.normal((3,), key=one))\ny = rows[0][0] != rows[1][0]",
            "y.item()",
            "wrong",
            is_fixed=False,
        ),
        Example(
            "k = mx.random.key(0)\na = mx.random.normal((3,), key=k)\nb = mx.random.normal((3,), key=k)\ny = a - b",
            "k, other = mx.random.split(mx.random.key(0))\na = mx.random.normal((3,), key=k)\n"
            "b = mx.random.normal((3,), key=other)\ny = a - b",
            "mx.abs(y).max().item() > 0",
            "wrong",
            is_fixed=False,
        ),
        Example(
            "k = mx.random.key(0)\nstep = mx.value_and_grad(lambda w, n: (w * n).sum())\nseen = []\n"
            "for _ in range(2):\n    noise = mx.random.normal(x.shape, key=k)\n    loss, grads = step(x, noise)\n"
            "    seen.append(grads)\ny = (seen[0] - seen[1]).sum()",
            "k = mx.random.key(0)\nstep = mx.value_and_grad(lambda w, n: (w * n).sum())\nseen = []\n"
            "for k in mx.random.split(k, 2):\n    noise = mx.random.normal(x.shape, key=k)\n"
            "    loss, grads = step(x, noise)\n    seen.append(grads)\ny = (seen[0] - seen[1]).sum()",
            "y.item() != 0",
            "wrong",
            is_fixed=False,
        ),
        Example(
            "def walk(z, key):\n    for _ in range(2):\n        noise = mx.random.normal(z.shape, key=key)\n"
            "        z = z + noise\n    return z\ny = walk(x, mx.random.key(0)) - x",
            "def walk(z, key):\n    for key in mx.random.split(key):\n"
            "        noise = mx.random.normal(z.shape, key=key)\n        z = z + noise\n    return z\n"
            "y = walk(x, mx.random.key(0)) - x",
            "mx.abs(y - 2 * mx.random.normal(x.shape, key=mx.random.key(0))).max().item() > 1e-3",
            "wrong",
            is_fixed=False,
        ),
        Example(
            "def init(shape, key):\n    return mx.random.normal(shape, key=key) * 0.1\n"
            "k = mx.random.key(0)\na = init((3,), k)\nb = init((3,), k)\ny = a - b",
            "def init(shape, key):\n    return mx.random.normal(shape, key=key) * 0.1\n"
            "k, other = mx.random.split(mx.random.key(0))\na = init((3,), k)\nb = init((3,), other)\ny = a - b",
            "mx.abs(y).max().item() > 0",
            "wrong",
            is_fixed=False,
        ),
    ),
)
def repeated_key(context: RuleContext, call: Node | Call) -> Iterator[Finding]:
    """Find draws with a key that another draw has had: one before it, or itself in the turn of a loop before."""
    if not isinstance(call, Call):
        yield from _repeated_call(context, call)
        return
    earlier = _drawn_before(context, call)
    if earlier is not None:
        yield Finding(
            call.keywords["key"], f"`{text_of(earlier)}` has been drawn with the same key, and this gives the same "
            "numbers. Split it: `first, second = mx.random.split(key)`.",
        )  # fmt: skip
    else:
        yield from _repeated_in_loop(context, call)


def _repeated_call(context: RuleContext, node: Node) -> Iterator[Finding]:
    """Report a call of a function of the file that draws with the key, made twice with the very same arguments."""
    call, name = call_of(field(node, "right")), field(node, "left")
    if call is None or name is None or not call.arguments or not context.file.mentions("random.key("):
        return
    earlier = node.parent.prev_named_sibling if node.parent is not None else None
    while earlier is not None:
        other = _assigned(earlier, twin) if (twin := _call_in(earlier)) is not None else None
        if twin is not None and other is not None and text_of(twin.node) == text_of(call.node):
            key = _key_of(context, call)
            is_other = text_of(other) != text_of(name) and not _are_compared(call.node, name, other)
            if key is not None and is_other and not _is_test(call.node):
                yield Finding(
                    key, f"`{text_of(other)}` is drawn by the same call with the same key, and this gives the same "
                    "numbers. Split it: `first, second = mx.random.split(key)`.",
                )  # fmt: skip
            return
        earlier = earlier.prev_named_sibling


def _call_in(statement: Node) -> Call | None:
    """Return the call whose result a statement assigns."""
    assignment = statement.named_children[0] if statement.named_children else None
    is_plain = statement.type == "expression_statement" and assignment is not None and assignment.type == "assignment"
    return call_of(field(assignment, "right")) if is_plain else None


def _key_of(context: RuleContext, call: Call) -> Node | None:
    """Return the argument that is a key and with which the function of the file that is called draws, or None."""
    function = context.evaluator.meaning(call.function)
    if not isinstance(function, LocalFunction) or not call.is_whole or function.receiver is not None:
        return None
    body, listed = text_of(field(function.node, "body") or function.node), field(function.node, "parameters")
    names = [text_of(field(one, "name") or one).partition(":")[0] for one in listed.named_children] if listed else []
    given = dict(zip(names, call.arguments, strict=False))
    given |= {word: value for word in call.keywords if (value := call.value(word)) is not None}
    for word, value in given.items():
        made = call_of(context.value_of(value)) if value.type == "identifier" else None
        is_key = made is not None and context.name(made.function) in _KEYS
        drawn = re.findall(rf"\bkey\s*=\s*{re.escape(word)}\b", body)
        is_alone = len(context.bindings_in(function.node).get(word, ())) == 1
        if is_key and is_alone and drawn and len(drawn) == len(re.findall(r"\brandom\.\w+\(", body)):
            return value
    return None


def _drawn_before(context: RuleContext, call: Call) -> Node | None:
    """Return the name of what an earlier statement of the block draws by the same function with the same key."""
    key, statement = call.value("key"), up_to(call.node, "expression_statement")
    name = _assigned(statement, call) if key is not None and key.type == "identifier" else None
    if key is None or statement is None or name is None or not _is_random(context, call) or _is_test(call.node):
        return None
    made = call_of(context.value_of(key))
    if made is None or context.name(made.function) not in _KEYS:
        return None
    earlier = statement.prev_named_sibling
    while earlier is not None:
        assignment = next(within(earlier, "assignment"), None)
        drawn = call_of(field(assignment, "right"))
        other = _assigned(earlier, drawn) if drawn is not None else None
        if drawn is not None and other is not None and text_of(drawn.function) == text_of(call.function):
            is_same = text_of(drawn.value("key") or call.node) == text_of(key)
            if is_same and text_of(other) != text_of(name) and not _are_compared(call.node, name, other):
                return other
        earlier = earlier.prev_named_sibling
    return None


def _assigned(statement: Node | None, call: Call) -> Node | None:
    """Return the name that a statement assigns what a call returns."""
    assignment = statement.named_children[0] if statement is not None and statement.named_children else None
    is_plain = assignment is not None and assignment.type == "assignment" and field(assignment, "right") == call.node
    left = field(assignment, "left") if is_plain else None
    return left if left is not None and left.type in ("identifier", "attribute") else None


def _are_compared(node: Node, name: Node, other: Node) -> bool:
    """Return whether both of two names stand in one expression later, which may compare them."""
    scope = function_around(node) or up_to(node, "module")
    for one in within(scope, "comparison_operator", "call", "assert_statement"):
        words = set(re.findall(r"[\w.]+", text_of(one)))
        if {text_of(name), text_of(other)} <= words and one.type != "call":
            return True
        if {text_of(name), text_of(other)} <= words and re.search(r"equal|close|same", text_of(one)):
            return True
    return False


def _is_random(context: RuleContext, call: Call) -> bool:
    is_own = call.name in ("split", "key", "permutation")  # one key puts data and their labels into the same order
    return context.name(call.function).startswith("mlx.core.random.") and not is_own


def _repeated_in_loop(context: RuleContext, call: Call) -> Iterator[Finding]:
    """Report a draw in a loop with a key that is made before the loop: each gives the same numbers."""
    key, loop = call.value("key"), up_to(call.node, "for_statement", "while_statement", "function_definition", "lambda")
    if key is None or key.type != "identifier" or loop is None or "_statement" not in loop.type:
        return
    if not _is_random(context, call) or not _is_made_before(context, key, loop):
        return
    if not _is_kept(context, call, loop) or _varies(call, loop) or _runs_once(loop) or _is_test(call.node):
        return
    yield Finding(
        key, f"`{text_of(key)}` is the same key in every turn of the loop, and so are the numbers. Split it: "
        "`for key in mx.random.split(key, n)`.",
    )  # fmt: skip


def _is_made_before(context: RuleContext, key: Node, loop: Node) -> bool:
    """Return whether a key is made outside of a loop, once, or is a parameter that has to be given."""
    made = call_of(outer_value(context, key))
    if made is not None:
        is_before = made.node.end_byte < loop.start_byte or made.node.start_byte > loop.end_byte
        return is_before and context.name(made.function) in _KEYS
    function = function_around(key)
    found = context.bindings_in(function).get(text_of(key), []) if function is not None else []
    given = found[0].definition if len(found) == 1 else None
    return given is not None and given.type in ("identifier", "typed_parameter") and "None" not in text_of(given)


def _is_kept(context: RuleContext, call: Call, loop: Node) -> bool:
    """Return whether what is drawn outlasts the turn: appended, added, stored by index, in a name, or in a model."""
    outer = call.node.parent
    while outer is not None and "statement" not in outer.type:
        around, left = call_of(outer), field(outer, "left")
        if outer.type == "augmented_assignment" or (around is not None and _keeps(context, around)):
            return True
        if outer.type == "assignment" and left is not None:
            words = re.findall(r"\w+", text_of(field(outer, "right") or outer))
            is_used = left.type == "identifier" and _is_used(context, text_of(left), outer, loop)
            return left.type == "subscript" or text_of(left) in words or is_used
        outer = outer.parent
    return False


def _keeps(context: RuleContext, call: Call) -> bool:
    """Return whether what a call is given outlasts it: it is put into a list, or a model is trained with it."""
    return call.name in ("append", "extend") or takes_gradients(context, call)


def _is_used(context: RuleContext, name: str, assignment: Node, loop: Node) -> bool:
    """Return whether a name is kept by a later statement of a loop, or changes what the next turn goes on with."""
    if sum(text_of(field(one, "left") or one) == name for one in within(loop, "assignment")) != 1:
        return False
    for found in within(loop, "call", "assignment"):
        call, left = call_of(found), field(found, "left")
        if found.start_byte < assignment.end_byte:
            continue
        right = field(found, "right")
        if left is not None and right is not None and {name, text_of(left)} <= set(_terms(right)):
            return True
        given = [*call.arguments, *(call.value(word) for word in call.keywords)] if call is not None else []
        is_given = any(one is not None and name in _terms(one) for one in given)
        if call is not None and is_given and _keeps(context, call):
            return True
    return False


def _terms(node: Node) -> Iterator[str]:
    """Yield the text of what arithmetic makes an expression of."""
    if node.type in ("binary_operator", "parenthesized_expression"):
        for part in node.named_children:
            yield from _terms(part)
    else:
        yield text_of(node)


def _varies(call: Call, loop: Node) -> bool:
    """Return whether a draw's other arguments depend on the loop, so that something else may be meant."""
    target = text_of(left) if (left := field(loop, "left")) is not None else ""
    bound = set(re.findall(r"\w+", target)) - {"_"}
    for node in within(field(loop, "body"), "assignment", "augmented_assignment"):
        name = field(node, "left")
        bound |= set(re.findall(r"\w+", text_of(name))) if name is not None else set()
    text = re.sub(r"\b\w+\.shape\b", "", text_of(call.listed))  # batches of a loop have one shape
    return not bound.isdisjoint(re.findall(r"\w+", text))


def _runs_once(loop: Node) -> bool:
    """Return whether a loop ends in its first turn, or goes on only by ``continue``."""
    return any(within(field(loop, "body"), "return_statement", "break_statement"))


def _is_test(node: Node) -> bool:
    function = function_around(node)
    name = field(function, "name") if function is not None else None
    return name is not None and text_of(name).startswith("test")


RULES = (categorical_probabilities, repeated_key)
