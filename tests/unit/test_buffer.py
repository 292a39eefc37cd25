"""Names and scopes of Python text, however broken."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tenny_lsp.inference.queries import Queries
from tenny_lsp.mlx_api.index import ApiIndex
from tenny_lsp.source.buffer import Buffer

PIECES = [
    "mx", "mx.abs", "nn.", ".", " ", "\t", "\n", "\n    ", "\r\n", "\r", "\f", "\0", "(", ")", "[", "]", "{", "}", "'",
    '"""', "f'{", "# ", "\\", ":", "=", ":=", ",", "*", "**", "@", "def ", "class ", "lambda ", "import ", "from ",
    "as ", "global ", "nonlocal ", "for ", "in ", "if ", "match ", "case ", "with ", "try:", "except ", "del ", "type ",
    "import mlx.core as mx\n", "from mlx.nn import *\n", "é", "ﬁ", "𝐱", "👩‍🚀", "\u2028", "\ud800", "\udfff", "\ufeff",
]  # fmt: skip
TEXTS = st.one_of(st.lists(st.sampled_from(PIECES), max_size=40).map("".join), st.text(st.characters(), max_size=60))


@given(text=TEXTS, offset=st.integers(0, 400))
@example(text="def f(*: int, mx: = 3, **): mx", offset=8)
@example(text="\ud83d\ude00.mx", offset=3)
@settings(deadline=None, max_examples=300)
def test_no_text_and_no_offset_raises(text: str, offset: int, mlx_index: ApiIndex) -> None:
    buffer = Buffer(text)

    found = Queries(buffer, mlx_index).target_at(offset)

    name = buffer.name_at(offset)
    assert found is None or name is not None
    if name is not None:
        assert name.start <= min(offset, len(text)) <= name.end
        assert text[name.start : name.end] == name.dotted.rpartition(".")[2] or name.absolute or not name.dotted


@pytest.mark.parametrize(
    "text",
    [
        "(" * 1500 + "a" + ",)" * 1500 + " = 1\na",
        "mlx" + ".a" * 3000,
        "import mlx" + ".a" * 3000,
        "f(" * 3000,
        "lambda: " * 500 + "mx.abs",
        "x = [" * 800 + "mx",
        "a = b\nb = a\na",
    ],
    ids=["targets", "attributes", "import", "calls", "lambdas", "lists", "circle"],
)
def test_deep_nesting_is_answered(text: str, mlx_index: ApiIndex) -> None:
    assert Queries(Buffer(text), mlx_index).target_at(len(text)) is None


@pytest.mark.parametrize(
    ("code", "dotted"),
    [
        ("m‸x.fast.rope", "mx"),
        ("mx.fa‸st.rope", "mx.fast"),
        ("mx.fast.rope‸(x)", "mx.fast.rope"),
        ("👩‍🚀 = '𝐱'; mx.a‸bs", "mx.abs"),
        ("(mx\r\n .fast\r\n .ro‸pe)", "mx.fast.rope"),
        ("import mlx.co‸re as mx", "mlx.core"),
        ("import mlx.core as m‸x", "mlx.core"),
        ("from mlx.nn import Lin‸ear as L", "mlx.nn.Linear"),
        ("from mlx.nn import Linear as L‸", "mlx.nn.Linear"),
        ("match x:\n    case mx.flo‸at32: ...", "mx.float32"),
        ("f(x)[0].a‸bs", ""),
        ("'mx.a‸bs'", None),
        ("# mx.a‸bs", None),
        ("mx. ‸", None),
        ("1.0‸", None),
        ("from . import a‸bs", None),
        ("def ab‸s(x): ...", None),
        ("class ab‸s: ...", None),
        ("def f(ab‸s): ...", None),
        ("def f(ab‸s: int): ...", None),
        ("def f(ab‸s: int = 3): ...", None),
        ("def f(ab‸s=3): ...", None),
        ("def f(*ab‸s, **k): ...", None),
        ("def f(*a, **ab‸s: int): ...", None),
        ("lambda ab‸s: 0", None),
        ("f(ab‸s=1)", None),
        ("global ab‸s", None),
        ("match x:\n    case P(ab‸s=1): ...", None),
        ("def f(a: ab‸s): ...", "abs"),
        ("def f(a=ab‸s): ...", "abs"),
    ],
)
def test_name_at(code: str, dotted: str | None) -> None:
    before, _, after = code.partition("‸")

    name = Buffer(before + after).name_at(len(before))

    assert (name and name.dotted) == dotted


@pytest.mark.parametrize(
    ("code", "kinds"),
    [
        ("‸x", ["module"]),
        ("class A:\n    def f(self):\n        ‸x", ["function_definition", "module"]),
        ("class A:\n    ‸x", ["class_definition", "module"]),
        ("class A:\n    [‸x for y in z]", ["list_comprehension", "module"]),
        ("def f(a=‸x): ...", ["module"]),
        ("def f(a: ‸x): ...", ["module"]),
        ("@‸x\ndef f(): ...", ["module"]),
        ("class A(‸x): ...", ["module"]),
        ("lambda a=‸x: 0", ["module"]),
        ("lambda a: ‸x", ["lambda", "module"]),
        ("{‸x: 0 for y in z}", ["dictionary_comprehension", "module"]),
    ],
)
def test_visible_scopes(code: str, kinds: list[str]) -> None:
    before, _, after = code.partition("‸")

    buffer, place = Buffer(before + after), len(before)
    node = buffer.root.descendant_for_byte_range(place, place)
    scopes = buffer.scopes_around(node) if node is not None else []

    assert [scope.kind for scope in scopes] == kinds
