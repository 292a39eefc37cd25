"""All that MLX's functions, methods and classes can be called with: the index's signatures, and what these lack."""

import ast
from collections.abc import Collection
from functools import cache

from tenny_lsp.data import read_toml
from tenny_lsp.mlx_api.entry import ApiEntry, Parameter, Signature


def overloads_of(entry: ApiEntry) -> tuple[Signature, ...]:
    """Return every overload of an entry, with what MLX takes beyond its stubs; empty where none is known."""
    return (*entry.signatures, *_further().get(entry.name, ())) if entry.signatures else ()


def takes(overload: Signature, count: int, keywords: Collection[str]) -> bool:
    """Return whether an overload can be called with a number of positional arguments and these keywords."""
    positional, named = positional_of(overload), named_of(overload)
    kinds = {parameter.kind for parameter in overload.parameters}
    given = {parameter.name for parameter in positional[:count]}
    return (
        (count <= len(positional) or "variadic positional" in kinds)
        and not given.intersection(keywords)
        and ("variadic keyword" in kinds or named.issuperset(keywords))
        and required_of(overload) <= given | named.intersection(keywords)
    )


def positional_of(overload: Signature) -> list[Parameter]:
    """Return the parameters that take positional arguments, in their order."""
    return [one for one in overload.parameters if one.kind in ("positional-only", "positional or keyword")]


def named_of(overload: Signature) -> set[str]:
    """Return the names of the parameters that can be given by keyword."""
    return {one.name for one in overload.parameters if one.kind in ("positional or keyword", "keyword-only")}


def required_of(overload: Signature) -> set[str]:
    """Return the names of the parameters without a default."""
    return {one.name for one in overload.parameters if not one.default and not one.kind.startswith("variadic")}


@cache
def _further() -> dict[str, tuple[Signature, ...]]:
    return {name: (_parsed(text),) for name, text in read_toml("overloads.toml").items()}


def _parsed(text: str) -> Signature:
    """Return the signature that a text states, ``(a, /, axis=None, *, stream=None)``."""
    parsed = ast.parse(f"def f{text}: ...").body[0]
    assert isinstance(parsed, ast.FunctionDef)
    given = parsed.args
    required = len(given.posonlyargs) + len(given.args) - len(given.defaults)
    defaults = [*[""] * required, *map(ast.unparse, given.defaults)]
    kinds = ["positional-only"] * len(given.posonlyargs) + ["positional or keyword"] * len(given.args)
    names = [*given.posonlyargs, *given.args]
    found = [Parameter(arg.arg, kind, "", default) for arg, kind, default in zip(names, kinds, defaults, strict=True)]
    found += [Parameter(given.vararg.arg, "variadic positional")] if given.vararg is not None else []
    for arg, default in zip(given.kwonlyargs, given.kw_defaults, strict=True):
        found.append(Parameter(arg.arg, "keyword-only", "", ast.unparse(default) if default is not None else ""))
    found += [Parameter(given.kwarg.arg, "variadic keyword")] if given.kwarg is not None else []
    return Signature(tuple(found))
