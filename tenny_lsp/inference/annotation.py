"""Evaluate annotations: those of a file, and those of the API's signatures."""

import ast
from collections.abc import Callable
from functools import lru_cache

from tenny_lsp.inference.evaluator import Evaluator
from tenny_lsp.inference.meaning import (
    NONE,
    Api,
    External,
    Function,
    Group,
    LocalClass,
    Meaning,
    Plain,
    Table,
    group,
    instance_of,
    join,
)
from tenny_lsp.mlx_api.entry import ApiEntry
from tenny_lsp.mlx_api.index import ApiIndex
from tenny_lsp.source.syntax import Node, text_of

_LISTS = {"list", "List"}
_TUPLES = {"tuple", "Tuple"}
_ITERABLES = {"Sequence", "Iterable", "Iterator", "Generator", "Collection", "set", "frozenset", "Set"}
_TABLES = {"dict", "Dict", "Mapping", "MutableMapping", "OrderedDict", "defaultdict"}
_TRANSPARENT = {"Annotated", "Final", "ClassVar", "Required", "NotRequired"}
_PLAIN = {"int", "float", "bool", "complex", "str", "bytes"}

#: A dotted name in an annotation → its meaning.
_Resolve = Callable[[str], Meaning | None]


def meaning_of_annotation(evaluator: Evaluator, node: Node) -> Meaning | None:
    """Return the meaning of a value with this annotation in a file."""

    def resolve(dotted: str) -> Meaning | None:
        root, *parts = dotted.split(".")
        meaning = evaluator.meaning_of_name(root, node)
        for part in parts:
            meaning = evaluator.member(meaning, part)
        return meaning

    return _value(_parsed(text_of(node)), resolve)


def meaning_of_api_annotation(index: ApiIndex, text: str, entry: ApiEntry) -> Meaning | None:
    """Return the meaning of a value with this annotation in the signature of an entry of the API."""

    def resolve(dotted: str) -> Meaning | None:
        dotted = dotted.replace("mx.", "mlx.core.", 1) if dotted.startswith("mx.") else dotted
        module = entry.name
        while module:
            module = module.rpartition(".")[0]
            if found := index.resolve(f"{module}.{dotted}" if module else dotted):
                return Api(found)
        return External(dotted)

    return _value(_parsed(text), resolve)


@lru_cache(512)
def _parsed(text: str) -> ast.expr | None:
    try:
        return ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _value(node: ast.expr | None, resolve: _Resolve) -> Meaning | None:
    """Return the meaning of a value with this annotation."""
    if isinstance(node, ast.Constant):
        if isinstance(node.value, str):
            return _value(_parsed(node.value), resolve)
        return NONE if node.value is None else None
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
        return join((_value(node.left, resolve), _value(node.right, resolve)))
    if isinstance(node, ast.Subscript):
        inner = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        return _generic(_last(node.value), inner, resolve)
    if isinstance(node, ast.Name | ast.Attribute):
        return _instance(resolve(ast.unparse(node)))
    return None


def _instance(meaning: Meaning | None) -> Meaning | None:
    """Return the meaning of a value whose annotation names something: an instance of it, where it is a class."""
    if isinstance(meaning, Api) and meaning.entry.kind == "class":
        return instance_of(meaning)
    if isinstance(meaning, LocalClass):
        return instance_of(meaning)
    if isinstance(meaning, External):
        name = meaning.name.rpartition(".")[2]
        if meaning.name in _PLAIN:
            return Plain(name)
        return _generic(name, [], lambda _: None)
    return None


def _generic(name: str, inner: list[ast.expr], resolve: _Resolve) -> Meaning | None:
    """Return the meaning of a value that is annotated ``name[inner, …]``."""
    if name in ("Optional", "Union"):
        return join(_value(part, resolve) for part in inner) if inner else None
    if name in _TRANSPARENT:
        return _value(inner[0], resolve) if inner else None
    each = _value(inner[0], resolve) if inner else None
    if name in _LISTS:
        return Group("list", each)
    if name in _TUPLES:
        if len(inner) == 2 and isinstance(inner[1], ast.Constant) and inner[1].value is ...:
            return Group("tuple", each)
        return group("tuple", [_value(part, resolve) for part in inner]) if inner else Group("tuple")
    if name in _ITERABLES:
        return Group("iterable", each)
    if name in _TABLES:
        return Table(_value(inner[1], resolve) if len(inner) == 2 else None)
    if name == "Callable":
        return Function(_value(inner[1], resolve) if len(inner) == 2 else None)
    return None


def _last(node: ast.expr) -> str:
    return ast.unparse(node).rpartition(".")[2] if isinstance(node, ast.Name | ast.Attribute) else ""
