"""Signatures as they are shown; what is shown is Python."""

import ast

import pytest

from tenny_lsp.features.signature import signature_text
from tenny_lsp.mlx_api.entry import ApiEntry, Parameter, Signature
from tenny_lsp.mlx_api.index import ApiIndex

ONLY, PLAIN, VARIADIC, KEYWORD, REST = (
    "positional-only",
    "positional or keyword",
    "variadic positional",
    "keyword-only",
    "variadic keyword",
)


@pytest.mark.parametrize(
    ("parameters", "shown"),
    [
        ((), "()"),
        ((Parameter("a", PLAIN),), "(a)"),
        ((Parameter("a", PLAIN, "int", "3"), Parameter("b", PLAIN, "", "None")), "(a: int = 3, b=None)"),
        ((Parameter("a", ONLY),), "(a, /)"),
        ((Parameter("a", ONLY), Parameter("b", PLAIN)), "(a, /, b)"),
        ((Parameter("a", ONLY), Parameter("b", KEYWORD)), "(a, /, *, b)"),
        ((Parameter("a", KEYWORD), Parameter("b", KEYWORD)), "(*, a, b)"),
        ((Parameter("a", VARIADIC), Parameter("b", KEYWORD)), "(*a, b)"),
        ((Parameter("a", ONLY), Parameter("b", VARIADIC), Parameter("c", REST, "int")), "(a, /, *b, **c: int)"),
        (
            (Parameter("s", KEYWORD, "Stream | ThreadLocalStream | Device | DeviceType | None"),),
            "(*, s: StreamOrDevice)",
        ),
    ],
)
def test_parameters(parameters: tuple[Parameter, ...], shown: str) -> None:
    assert signature_text(ApiEntry("shop.f", "function", signatures=(Signature(parameters),))) == f"shop.f{shown}"


@pytest.mark.parametrize(
    ("entry", "shown"),
    [
        (ApiEntry("mlx.core.abs", "function", signatures=(Signature((), "array"),)), "mx.abs() -> array"),
        (ApiEntry("mlx.nn.ReLU", "class", signatures=(Signature(()),)), "class nn.ReLU()"),
        (ApiEntry("mlx.optimizers", "module"), "module mlx.optimizers"),
        (ApiEntry("mlx.core.array.T", "property", annotation="array"), "mx.array.T: array"),
        (ApiEntry("mlx.core.pi", "attribute"), "mx.pi"),
        (ApiEntry("a.f", "function", signatures=(Signature(()), Signature((), "int"))), "a.f()\na.f() -> int"),
    ],
)
def test_kinds(entry: ApiEntry, shown: str) -> None:
    assert signature_text(entry) == shown


def test_a_long_signature_has_a_line_for_each_parameter() -> None:
    parameters = tuple(Parameter(f"parameter_{number}", PLAIN, "int") for number in range(6))

    lines = signature_text(ApiEntry("a.f", "function", signatures=(Signature(parameters, "str"),))).splitlines()

    assert lines == ["a.f(", *(f"    parameter_{number}: int," for number in range(6)), ") -> str"]


def test_every_signature_of_mlx_is_python(mlx_index: ApiIndex) -> None:
    def is_python(entry: ApiEntry) -> bool:
        calls = signature_text(entry).replace(f"class {entry.short_name}", entry.short_name)
        spelling = calls.split("(")[0].removeprefix("class ")
        for definition in calls.removeprefix("class ").split(f"\n{'class ' * (entry.kind == 'class')}{spelling}("):
            try:
                ast.parse(f"def f({definition.removeprefix(spelling + '(')}: ...")
            except SyntaxError:
                return False
        return True

    assert [entry.name for entry in mlx_index if entry.signatures and not is_python(entry)] == []
