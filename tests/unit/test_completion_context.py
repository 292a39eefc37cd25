"""What is being typed, in text that does not parse yet."""

import subprocess
import sys

import pytest

from tenny_lsp.source.completion_context import CompletionContext, completion_context_at

MEMBERS = {
    "x = mx.‸": ("", "mx"),
    "x = mx.ze‸ros": ("ze", "mx"),
    "mx.fast.‸": ("", "mx.fast"),
    "f(x).‸": ("", ""),
    "x[0].‸": ("", ""),
    "x: mx.‸": ("", "mx"),
    'f"{mx.‸}"': ("", "mx"),
    'f"{{}}{mx.‸': ("", "mx"),
    "f'{x[1:2].‸}'": ("", ""),
    "f'{a!r:>{mx.‸}}'": ("", "mx"),
    "s = 'a'  # b\nmx.‸": ("", "mx"),
    '"""\ndoc\n"""\nmx.‸': ("", "mx"),
    "s = 'never closed\nmx.‸": ("", "mx"),
    "x = 'it\\'s'; mx.‸": ("", "mx"),
    "x1.‸": ("", "x1"),
}
NOTHING = [
    "# mx.‸",
    "x = 1  # mx.‸",
    '"mx.‸',
    '"""\nmx.‸\n"""',
    "f'mx.‸'",
    "f'{{mx.‸",
    "f'{x:mx.‸",
    "f'{x} mx.‸",
    "f'{\"mx.‸",
    "1.‸",
    "x = 10.‸",
    "...‸",
    "x == ‸",
    "x := ‸",
    "x ‸",
    "from mlx.core import a as ‸",
    "from mlx.core ‸",
    "3‸",
    "‸",
]


def context(code: str) -> CompletionContext | None:
    return completion_context_at(code.replace("‸", ""), code.index("‸"))


@pytest.mark.parametrize("code", MEMBERS)
def test_a_member_after_a_dot(code: str) -> None:
    found = context(code)
    text = code.replace("‸", "")

    assert found is not None and found.kind == "member"
    assert (found.typed, text[found.receiver : found.start - 1]) == MEMBERS[code]


@pytest.mark.parametrize("code", NOTHING)
def test_nothing_of_mlx_is_typed(code: str) -> None:
    found = context(code)

    assert found is None


@pytest.mark.parametrize(
    ("code", "kind", "path"),
    [
        ("import ‸", "module", ""),
        ("import mlx.‸", "module", "mlx"),
        ("import numpy as np, mlx.co‸", "module", "mlx"),
        ("from mlx.‸", "module", "mlx"),
        ("try: import mlx.‸", "module", "mlx"),
        ("from mlx.core import ‸", "imported", "mlx.core"),
        ("from mlx.core import abs, ex‸", "imported", "mlx.core"),
        ("from mlx.core import (\n    abs as a,\n    ‸", "imported", "mlx.core"),
    ],
)
def test_an_import(code: str, kind: str, path: str) -> None:
    found = context(code)

    assert found is not None and (found.kind, found.path) == (kind, path)


@pytest.mark.parametrize(
    ("code", "kind"),
    [("f(‸", "argument"), ("f(x, ax‸", "argument"), ("f(x,\n  ‸", "argument"), ("f(x, dtype=‸", "value")],
)
def test_an_argument(code: str, kind: str) -> None:
    found = context(code)

    assert found is not None and found.kind == kind


def test_the_name_goes_on_behind_the_cursor() -> None:
    found = context("mx.ze‸ros(3)")

    assert found is not None and (found.start, found.typed, found.end) == (3, "ze", 8)


@pytest.mark.parametrize("opened", ['"', "'", '"""', "'''", 'f"{', "rb'"])
def test_a_string_that_ends_in_a_backslash_takes_no_time(opened: str) -> None:
    text = f"x = {opened}{'a long text ' * 20}\\"
    code = f"from tenny_lsp.source.completion_context import is_code; print(is_code({text!r}))"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)

    assert done.stdout == ("True\n" if opened == 'f"{' else "False\n")
