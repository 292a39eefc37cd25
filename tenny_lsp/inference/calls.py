"""Evaluate calls: of MLX's functions and layers, of the file's own functions, of some of Python's."""

from tenny_lsp.inference.annotation import meaning_of_api_annotation
from tenny_lsp.inference.collections import element_of
from tenny_lsp.inference.definitions import first_parameter, return_value
from tenny_lsp.inference.evaluator import Evaluator
from tenny_lsp.inference.meaning import (
    NEVER,
    Api,
    Arguments,
    External,
    Function,
    Group,
    GroupKind,
    Instance,
    LocalClass,
    LocalFunction,
    Meaning,
    Plain,
    Table,
    group,
    join,
)
from tenny_lsp.mlx_api.returns import returns_of

#: Functions that return a function with the same result as the one they are given.
_SAME_RESULT = {
    "mlx.core.compile", "mlx.core.checkpoint", "mlx.core.custom_function", "mlx.core.vmap", "mlx.nn.utils.checkpoint",
}  # fmt: skip
#: What returns a tree of arrays.
_TREES = {"mlx.nn.Module.parameters", "mlx.nn.Module.trainable_parameters"}
_PLAIN = {
    "len": "int", "int": "int", "float": "float", "str": "str", "bool": "bool", "isinstance": "bool", "repr": "str",
    "hasattr": "bool", "round": "int", "ord": "int", "callable": "bool", "id": "int",
}  # fmt: skip


def call_result(evaluator: Evaluator, meaning: Meaning | None, arguments: Arguments) -> Meaning | None:
    """Return the meaning of the result of calling a value."""
    if isinstance(meaning, Api):
        return _api_result(evaluator, meaning, arguments)
    if isinstance(meaning, LocalClass):
        return Instance(meaning)
    if isinstance(meaning, LocalFunction):
        return return_value(meaning)
    if isinstance(meaning, Function):
        return meaning.result
    if isinstance(meaning, Instance):
        return _instance_result(evaluator, meaning, arguments)
    if isinstance(meaning, External):
        return _python_result(evaluator, meaning.name, arguments)
    return NEVER if meaning == NEVER else None


def _api_result(evaluator: Evaluator, meaning: Api, arguments: Arguments) -> Meaning | None:
    entry = meaning.entry
    first = arguments.get(0, "fun")
    if entry.name in _SAME_RESULT:
        return Function(evaluator.call_result(first)) if first is not None else None
    if entry.kind == "class":
        parts = arguments.positional if entry.name == "mlx.nn.Sequential" and arguments.is_whole else ()
        return Instance(meaning, parts)
    if entry.name == "mlx.nn.value_and_grad":
        return Function(group("tuple", [evaluator.call_result(arguments.get(1, "fn")), _tree(evaluator)]))
    if entry.name in ("mlx.core.value_and_grad", "mlx.core.grad"):
        is_default = not arguments.keywords and len(arguments.positional) == 1
        gradient = _gradient(evaluator, first) if is_default else None
        is_grad = entry.name == "mlx.core.grad"
        return Function(gradient if is_grad else group("tuple", [evaluator.call_result(first), gradient]))
    if entry.name == "mlx.optimizers.Optimizer.apply_gradients":  # a tree as that of the parameters
        parameters = arguments.get(1, "parameters")
        return parameters if isinstance(parameters, Table) else NEVER if parameters == NEVER else None
    if entry.name in _TREES:
        return _tree(evaluator)
    if entry.name == "mlx.utils.tree_flatten" and isinstance(first, Table) and arguments.is_whole:
        is_plain = len(arguments.positional) == 1 and not arguments.keywords
        return Group("list", group("tuple", [Plain("str"), first.leaf])) if is_plain else None
    if entry.name == "mlx.core.linalg.svd" and (arguments.positional[1:] or "compute_uv" in arguments.keywords):
        return None  # an array or three
    said = returns_of(entry.name)
    if said is not None:
        return meaning_of_api_annotation(evaluator.index, said, entry)
    if entry.name.startswith("mlx.nn.Module.") and {s.returns for s in entry.signatures} == {"Module"}:
        return meaning.receiver  # its methods that return a module return the one they are called on
    results = [meaning_of_api_annotation(evaluator.index, s.returns, entry) for s in entry.signatures if s.returns]
    return join(results) if results and len(results) == len(entry.signatures) else None


def _tree(evaluator: Evaluator) -> Table:
    """Return what the parameters of a module, and the gradients of them, are: a tree of arrays."""
    array = evaluator.index.resolve("mlx.core.array")
    return Table(leaf=Instance(Api(array)) if array is not None else None)


def _gradient(evaluator: Evaluator, function: Meaning | None) -> Meaning | None:
    """Return the gradient with respect to the first parameter of a function: an array where that is an array."""
    if not isinstance(function, LocalFunction):
        return None
    value = first_parameter(function)
    return value if evaluator.is_array(value) else None


def _instance_result(evaluator: Evaluator, meaning: Instance, arguments: Arguments) -> Meaning | None:
    if isinstance(meaning.of, LocalClass):
        return evaluator.call_result(evaluator.member(meaning, "__call__"), arguments)
    entry = meaning.of.entry
    if entry.name == "mlx.nn.Sequential":
        return evaluator.call_result(meaning.parts[-1], arguments) if meaning.parts else None
    said = returns_of(entry.name)
    if said is not None:
        return meaning_of_api_annotation(evaluator.index, said, entry)
    method = evaluator.index.resolve(f"{entry.name}.__call__")
    return _api_result(evaluator, Api(method, meaning), arguments) if method is not None else None


def _python_result(evaluator: Evaluator, name: str, arguments: Arguments) -> Meaning | None:
    first = arguments.positional[0] if arguments.positional else None
    if name in _PLAIN:
        return Plain(_PLAIN[name])
    if name == "functools.partial":
        return _partial(evaluator, first, arguments)
    if name in ("list", "sorted", "tuple", "reversed", "iter"):
        kind: GroupKind = "list" if name in ("list", "sorted") else "tuple" if name == "tuple" else "iterable"
        return Group(kind, element_of(evaluator, first)) if first is not None else None
    if name == "range":
        return Group("iterable", Plain("int"))
    if name == "enumerate":
        return Group("iterable", group("tuple", [Plain("int"), element_of(evaluator, first)]))
    if name == "zip" and arguments.is_whole:
        return Group("iterable", group("tuple", [element_of(evaluator, part) for part in arguments.positional]))
    if name == "map":
        return Group("iterable", evaluator.call_result(first))
    if name == "next":
        return element_of(evaluator, first)
    if name == "abs":
        return first if evaluator.is_array(first) or isinstance(first, Plain) else None
    if name == "dict":
        return Table(is_empty=not arguments.positional and not arguments.keywords)
    return None


def _partial(evaluator: Evaluator, first: Meaning | None, arguments: Arguments) -> Meaning | None:
    if isinstance(first, Api) and first.entry.name in _SAME_RESULT:
        return first  # partial(mx.compile, shapeless=True) decorates as mx.compile does
    rest = Arguments(arguments.positional[1:], arguments.keywords, arguments.is_whole)
    return Function(evaluator.call_result(first, rest)) if first is not None else None
