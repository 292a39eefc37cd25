"""What the index and data/overloads.toml say of calls is so: MLX takes no call that they reject."""

import importlib
import inspect
import os
from pathlib import Path

import mlx.nn
import mlx.optimizers  # noqa: F401
import pytest

from tenny_lsp.data import read_toml
from tenny_lsp.mlx_api.entry import ApiEntry
from tenny_lsp.mlx_api.index import load_mlx_index
from tenny_lsp.mlx_api.overloads import overloads_of, takes
from tests.mlx.call_shapes import UNTRIED, is_dispatched, least_call, receivers, values, variations

INDEX = load_mlx_index()
#: What MLX's stubs define for type checkers alone.
#: Nor `mlx.extension`, which builds extensions and needs setuptools.
CALLABLE = [
    entry
    for entry in INDEX
    if entry.signatures and entry.short_name != "DLPackCompatible" and not entry.name.startswith("mlx.extension.")
]
#: In the words of MLX's index and of other libraries: keywords that a function may have although no signature says so.
NAMES = sorted(
    {one.name for entry in CALLABLE for overload in entry.signatures for one in overload.parameters}
    | {"args", "correction", "dim", "end", "eps", "high", "input", "keepdim", "kwargs", "low", "max", "mean", "min"}
    | {"n", "name", "order", "other", "out", "requires_grad", "size", "stable", "step", "type", "where"}
)


def found(name: str) -> object:
    """Returns the object of a public name."""
    module, _, rest = name.rpartition(".")
    try:
        return getattr(importlib.import_module(module), rest)
    except ImportError:
        return getattr(found(module), rest)


def is_compiled(entry: ApiEntry) -> bool:
    return entry.name.startswith("mlx.core.") and not inspect.isfunction(found(entry.name))


COMPILED = [entry for entry in CALLABLE if is_compiled(entry)]


@pytest.mark.parametrize("entry", [one for one in CALLABLE if one not in COMPILED], ids=lambda entry: entry.name)
def test_a_signature_of_python_code_is_the_one_that_python_sees(entry: ApiEntry) -> None:
    if entry.name in read_toml("overloads.toml"):
        return
    thing = found(entry.name)
    seen = [
        (one.name, one.kind.description, one.default is not one.empty)
        for one in inspect.signature(thing).parameters.values()  # type: ignore[arg-type]
    ]
    (overload,) = entry.signatures
    assert seen[entry.kind == "method" and inspect.isfunction(thing) and seen[0][0] == "self" :] == [
        (one.name, one.kind, bool(one.default)) for one in overload.parameters
    ]


@pytest.mark.parametrize("entry", COMPILED, ids=lambda entry: entry.name)
def test_mlx_takes_no_call_that_its_overloads_reject(
    entry: ApiEntry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    overloads = overloads_of(entry)
    kinds = {one.kind for overload in overloads for one in overload.parameters}
    if entry.short_name in UNTRIED or {"variadic positional", "variadic keyword"} <= kinds:
        return
    monkeypatch.chdir(tmp_path)
    owner = entry.name.rpartition(".")[0]
    function = getattr(receivers()[owner], entry.short_name) if entry.kind == "method" else found(entry.name)
    for overload in entry.signatures:
        least = least_call(function, overload)
        assert least is not None, f"no call of {overload} was found"
        wrong = [
            (arguments, keywords)
            for arguments, keywords in variations(overload, *least, NAMES)
            if not any(takes(one, len(arguments), keywords) for one in overloads)
        ]
        assert wrong or "variadic keyword" in kinds
        assert [call for call in wrong if is_dispatched(function, *call)][:1] == []
        optional = [one for one in overload.parameters if one.default and one.kind != "positional-only"]
        assert [
            one.name
            for one in optional
            if not any(is_dispatched(function, least[0], {**least[1], one.name: value}) for value in values(one))
        ] == []


def test_every_further_overload_is_of_something_in_the_index() -> None:
    rows = read_toml("overloads.toml")

    assert {name for name in rows if INDEX.resolve(name) is None} == set()
    assert os.linesep not in "".join(rows.values())
