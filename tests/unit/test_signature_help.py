"""Signature help: every overload, the parameter being written, and silence where a call is not MLX's."""

import pytest

from tenny_lsp.features.signature_help import SignatureHelp, signature_help
from tenny_lsp.inference.queries import Queries
from tenny_lsp.mlx_api.index import ApiIndex
from tenny_lsp.source.buffer import Buffer

IMPORTS = "import mlx.core as mx\nimport mlx.nn as nn\nimport mlx.optimizers as optim\nfrom functools import partial\n"


def asked(code: str, index: ApiIndex) -> SignatureHelp | None:
    before, _, after = (IMPORTS + code).partition("‸")
    return signature_help(Queries(Buffer(before + after), index), len(before))


def active(help_: SignatureHelp | None) -> tuple[str, str | None] | None:
    """Returns the active signature's callable and the declaration of its active parameter."""
    if help_ is None:
        return None
    shown = help_.signatures[help_.active]
    name = shown.label.partition("(")[0]
    return name, None if shown.active is None else shown.label[slice(*shown.parameters[shown.active])]


AXIS = "axis: None | int | Sequence[int] = None"

ACTIVE = {
    "first": ("mx.sum(‸", ("mx.sum", "a: array")),
    "closed": ("mx.sum(‸)", ("mx.sum", "a: array")),
    "second": ("mx.sum(x, ‸)", ("mx.sum", AXIS)),
    "between": ("mx.sum(x,‸ 1)", ("mx.sum", AXIS)),
    "by keyword": ("mx.sum(x, keepdims=Tr‸)", ("mx.sum", "keepdims: bool = False")),
    "by keyword, no value yet": ("mx.sum(x, axis=‸", ("mx.sum", AXIS)),
    "after a keyword": ("mx.sum(x, keepdims=True, ‸", ("mx.sum", AXIS)),
    "after all but one": ("mx.sum(x, keepdims=True, axis=1, ‸", ("mx.sum", "stream: StreamOrDevice = None")),
    "no such keyword": ("mx.sum(x, dim=‸", ("mx.sum", None)),
    "positional only by keyword": ("mx.sum(a=‸", ("mx.sum", None)),
    "too many": ("mx.sum(1, 2, 3, 4, ‸", ("mx.sum", None)),
    "variadic": ("x = mx.zeros(3)\nx.reshape(1, 2, ‸", ("mx.array.reshape", "*shape")),
    "constructor": ("nn.Linear(1, ‸", ("nn.Linear", "output_dims: int")),
    "constructor on many lines": ("nn.Linear(\n    1,\n    2,\n    ‸\n)", ("nn.Linear", "bias: bool = True")),
    "layer called": ("nn.Linear(1, 2)(‸", ("nn.Linear.__call__", "x: mx.array")),
    "optimizer's method": ("opt = optim.Adam(1)\nopt.update(model, ‸", ("optim.Optimizer.update", "gradients: dict")),
    "nested": ("mx.sum(mx.abs(‸", ("mx.abs", "a: array")),
    "after a nested call": ("mx.sum(mx.abs(x, y), ‸", ("mx.sum", AXIS)),
    "in a list": ("mx.concatenate([a, ‸", ("mx.concatenate", "arrays: list[array]")),
    "in a decorator": ("@partial(mx.compile, ‸\ndef f(): ...", ("mx.compile", "fun: Callable[P, R]")),
    "with code after it": ("def f(x):\n    y = mx.sum(x, ‸\n    return y\n", ("mx.sum", AXIS)),
    "second overload": ("mx.arange(stop=3, ‸", ("mx.arange", "start: int | float")),
    "one overload takes it": ("mx.arange(1, 2, 3, mx.int8, ‸", ("mx.arange", "stream: StreamOrDevice = None")),
}

SILENT = {
    "outside": "mx.sum(x)‸",
    "name": "mx.su‸m(x)",
    "other call inside": "mx.sum(foo(‸))",
    "own function": "def f(x): ...\nf(‸)",
    "own class": "class A(nn.Module): ...\nA(‸)",
    "numpy": "import numpy as np\nnp.sum(‸",
    "definition": "def sum(‸",
    "comment": "# mx.sum(‸",
    "string": "'mx.sum(‸'",
    "open string": "'mx.sum(‸",
    "not called": "(mx.sum, ‸)",
    "empty": "‸",
}


@pytest.mark.parametrize(("code", "expected"), ACTIVE.values(), ids=list(ACTIVE))
def test_active_parameter(code: str, expected: tuple[str, str | None], mlx_index: ApiIndex) -> None:
    assert active(asked(code, mlx_index)) == expected


@pytest.mark.parametrize("code", SILENT.values(), ids=list(SILENT))
def test_silence(code: str, mlx_index: ApiIndex) -> None:
    assert asked(code, mlx_index) is None


def test_every_overload_and_what_is_said_of_it(mlx_index: ApiIndex) -> None:
    help_ = asked("mx.arange(‸", mlx_index)

    assert help_ is not None and len(help_.signatures) == 2
    assert help_.summary.startswith("Generates ranges of numbers.")
    first, second = help_.signatures
    assert first.label.startswith("mx.arange(start: int | float, stop: None | int | float")
    assert second.label.endswith(") -> array")
    assert first.documentation[0] == "Starting value which defaults to `0`."


def test_every_callable_can_be_shown(mlx_index: ApiIndex) -> None:
    for entry in mlx_index:
        module, _, name = entry.name.rpartition(".")
        if entry.kind == "function" and entry.signatures:
            help_ = asked(f"from {module} import {name}\n{name}(‸", mlx_index)
            assert help_ is not None and len(help_.signatures) == len(entry.signatures)
            for shown, signature in zip(help_.signatures, entry.signatures, strict=True):
                names = [shown.label[start:end].lstrip("*") for start, end in shown.parameters]
                assert all(n.startswith(p.name) for n, p in zip(names, signature.parameters, strict=True))
