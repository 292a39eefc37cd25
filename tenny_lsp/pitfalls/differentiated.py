"""What a function is computed from when its gradient is taken: names, and calls of the file's functions, followed back.

What is followed may stand anywhere in the file: for rules of scope "file".
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from tenny_lsp.inference.definitions import decorators
from tenny_lsp.inference.meaning import Api, External, Instance, LocalClass, LocalFunction, Meaning
from tenny_lsp.inference.names import reaching_bindings
from tenny_lsp.pitfalls.calls import Call, call_of, function_around, within
from tenny_lsp.pitfalls.context import RuleContext
from tenny_lsp.source.syntax import Node, field, text_of

#: What of an array has no gradient.
_PLAIN = {"shape", "ndim", "size", "dtype", "itemsize", "nbytes"}
_STOP = "mlx.core.stop_gradient"
_DEEPEST = 4
Steps = tuple[int | str, ...]


@dataclass(frozen=True, slots=True)
class Sources:
    """What a gradient is taken with respect to, by the names that it has in a function.

    Args:
        function (Node): The function.
        arrays (frozenset[str]): Its parameters that are differentiated, or computed from what is.
        modules (Mapping[str, Meaning | None]): The modules whose parameters are, ``model``, ``self``, ``self.net``,
            each with what is known of it.
    """

    function: Node
    arrays: frozenset[str]
    modules: Mapping[str, Meaning | None]

    def has(self, context: RuleContext, part: Node) -> bool:
        """Return whether an expression is a differentiated array, a parameter of a module, or a call of one."""
        if part.type == "identifier":
            return text_of(part) in self.arrays and function_around(part) == self.function
        call = call_of(part)
        if call is not None:
            meaning = self.meaning(context, call.function)
            is_module = isinstance(meaning, Instance) and context.inherits(meaning.of, "mlx.nn.Module")
            return is_module or text_of(call.function) in self.modules
        return part.type == "attribute" and context.evaluator.is_array(self.meaning(context, part))

    def meaning(self, context: RuleContext, node: Node) -> Meaning | None:
        """Return what a differentiated module, or a member of one, means; None for all else."""
        if text_of(node) in self.modules:
            return self.modules[text_of(node)]
        if node.type != "attribute":
            return None
        owner = self.meaning(context, node.named_children[0])
        return context.evaluator.member(owner, text_of(node.named_children[-1])) if owner is not None else None


def sources_of(context: RuleContext, function: Node, transform: Call) -> Sources | None:
    """Return what a transform differentiates a function with respect to; None where that is not plain."""
    listed = field(function, "parameters")
    names = [text_of(field(one, "name") or one) for one in listed.named_children] if listed is not None else []
    names = names[1:] if names[:1] == ["self"] else names
    if transform.keywords or not transform.is_whole:
        return None
    if context.name(transform.function) == "mlx.nn.value_and_grad":
        model = text_of(transform.arguments[0])
        meaning = context.meaning(transform.arguments[0])
        is_given = bool(names) and (names[0] == model or f"{names[0]}(" in text_of(function))
        return Sources(function, frozenset(), dict.fromkeys((model, *(names[:1] if is_given else ())), meaning))
    return Sources(function, frozenset(names[:1]), {}) if len(transform.arguments) == 1 and names else None


@dataclass(frozen=True, slots=True)
class Followed:
    """What an expression is computed from.

    Args:
        parts (tuple[Node, ...]): The expressions, itself the first.
        steps (dict[int, Steps]): Node id of a part → which item of it is meant, where it is unpacked.
        is_whole (bool): Whether all names in it could be followed.
    """

    parts: tuple[Node, ...]
    steps: dict[int, Steps]
    is_whole: bool


def followed(
    context: RuleContext, node: Node, is_end: Callable[[Node], bool], steps: Steps = (), *, enters: bool = True
) -> Followed:
    """Follow an expression back through names, and through functions of the file that it calls.

    Args:
        context (RuleContext): The file.
        node (Node): The expression.
        is_end (Callable[[Node], bool]): Whether nothing behind a part is looked at.
        steps (Steps): Which item of it is meant.
        enters (bool): Whether functions of the file are followed to what they return.
    """
    waiting, found, is_whole = [(node, steps)], dict[int, Steps](), True
    parts = list[Node]()
    while waiting:
        part, steps = waiting.pop()
        if part.id in found:
            continue
        found[part.id] = steps
        parts.append(part)
        if is_end(part):
            continue
        more, is_known = _behind(context, part, steps, enters=enters)
        is_whole = is_whole and is_known
        waiting += more
    return Followed(tuple(parts), found, is_whole)


def _behind(context: RuleContext, part: Node, steps: Steps, *, enters: bool) -> tuple[list[tuple[Node, Steps]], bool]:
    """Return what an expression is computed from directly, and whether that is all."""
    if part.type == "identifier":
        return _assigned(context, part, steps)
    if part.type in ("tuple", "expression_list") and steps and isinstance(steps[0], int):
        place, items = steps[0], part.named_children
        return ([(items[place], steps[1:])], True) if place < len(items) else ([], False)
    if part.type == "attribute":
        is_plain = text_of(part.named_children[-1]) in _PLAIN
        return ([] if is_plain else [(part.named_children[0], ())]), True
    if part.type == "keyword_argument":
        return [(part.named_children[-1], ())], True
    call = call_of(part)
    if call is None:
        return [(one, ()) for one in part.named_children], True
    given = [*call.arguments, *(value for word in call.keywords if (value := call.value(word)) is not None)]
    more: list[tuple[Node, Steps]] = [(one, ()) for one in given]
    more += [(call.owner, ())] if call.owner is not None else []
    meaning = context.evaluator.meaning(call.function)
    if isinstance(meaning, LocalFunction) and enters:
        result = result_of(context, meaning.node)
        return [*more, *([(result, steps)] if result is not None else [])], result is not None
    return more, call.owner is not None or isinstance(meaning, Api | External | Instance)


def _assigned(context: RuleContext, name: Node, steps: Steps) -> tuple[list[tuple[Node, Steps]], bool]:
    """Return what a name is assigned in its function; nothing for parameters, and for names from outside."""
    function = function_around(name)
    if function is None or text_of(name) not in context.bindings_in(function):
        return [], True
    found = reaching_bindings(context.evaluator, text_of(name), name) or []
    if any(one.definition is not None for one in found):
        return [], len(found) == 1
    values = [(one.value, (*one.steps, *steps)) for one in found if one.value is not None]
    is_plain = len(found) == len(values) == 1 and values[0][0].type != "augmented_assignment"
    return (values if is_plain else []), is_plain


def result_of(context: RuleContext, function: Node) -> Node | None:
    """Return the only expression that a function returns; None where it may return another."""
    if function.type == "lambda":
        return field(function, "body")
    if any(context.name(one) != "mlx.core.compile" for one in decorators(function)):
        return None
    found = list(within(field(function, "body"), "return_statement", "yield"))
    return found[0].named_children[0] if len(found) == 1 and found[0].named_children else None


def is_cut(context: RuleContext, part: Node) -> bool:
    """Return whether no gradient flows through a call: ``stop_gradient``, ``.item()``, ``float``, NumPy's functions."""
    call = call_of(part)
    if call is None:
        return False
    if call.name in ("item", "tolist") and call.owner is not None and not call.arguments:
        return True
    external = context.external(call.function)
    return (
        external in ("float", "int", "bool", "len")
        or external.startswith("numpy.")
        or (call.name == "stop_gradient" and context.name(call.function) == _STOP)
    )


def called(context: RuleContext, call: Call, sources: Sources) -> Sources | None:
    """Return what is differentiated in a function of the file, or a module's ``__call__``; None where nothing is."""
    meaning = sources.meaning(context, call.function) or context.evaluator.meaning(call.function)
    owner, function = call.owner, None
    if isinstance(meaning, Instance) and isinstance(meaning.of, LocalClass) and meaning.of.home is context.evaluator:
        methods = [one.definition for one in context.bindings_in(meaning.of.node).get("__call__", ())]
        owner, function = call.function, methods[0] if len(methods) == 1 else None
    elif isinstance(meaning, LocalFunction) and meaning.home is context.evaluator:
        owner, function = (call.owner if meaning.receiver is not None else None), meaning.node
    listed = field(function, "parameters")
    if function is None or listed is None or not call.is_whole:
        return None
    names = [text_of(field(one, "name") or one).partition(":")[0] for one in listed.named_children]
    given = dict(zip(names[owner is not None :], call.arguments, strict=False))
    given |= {word: value for word in call.keywords if (value := call.value(word)) is not None}
    arrays = frozenset(name for name, value in given.items() if depends(context, value, sources))
    modules = {name: found for name, value in given.items() if (found := sources.meaning(context, value)) is not None}
    own = sources.meaning(context, owner) if owner is not None else None
    modules |= {"self": own} if own is not None else {}
    return Sources(function, arrays, modules) if arrays or modules else None


def depends(context: RuleContext, node: Node, sources: Sources) -> bool:
    """Return whether an expression is certain to be computed from what is differentiated."""
    behind = followed(context, node, lambda part: is_cut(context, part))
    return any(sources.has(context, part) for part in behind.parts if not is_cut(context, part))


def reached(context: RuleContext, function: Node, transform: Call) -> Iterator[tuple[Sources, Followed]]:
    """Yield the differentiated function, and those of the file that its loss is computed by, each with what it follows.

    Args:
        context (RuleContext): The file.
        function (Node): The function.
        transform (Call): What takes its gradient.
    """
    sources = sources_of(context, function, transform)
    waiting: list[tuple[Sources, Steps, int]] = [(sources, (), 0)] if sources is not None else []
    seen = set[int]()
    while waiting:
        sources, steps, depth = waiting.pop()
        result = result_of(context, sources.function) if sources.function.id not in seen else None
        seen.add(sources.function.id)
        if result is None:
            continue
        if depth == 0 and result.type in ("tuple", "expression_list"):  # what comes with the loss has no gradient
            result = result.named_children[0]
        behind = followed(context, result, lambda part: _ends(context, part), steps, enters=False)
        yield sources, behind
        for part in behind.parts if depth < _DEEPEST else ():
            call = call_of(part)
            inner = called(context, call, sources) if call is not None and not is_cut(context, part) else None
            if inner is not None:
                waiting.append((inner, behind.steps[part.id], depth + 1))


def _ends(context: RuleContext, part: Node) -> bool:
    """Return whether no gradient flows through an expression."""
    call = call_of(part)
    is_place = call is not None and call.name in ("argmax", "argmin", "argsort", "argpartition", "categorical")
    return part.type in ("comparison_operator", "lambda") or is_place or is_cut(context, part)
