"""What shapes tell of a whole text, and what is left of it after an edit."""

import pytest

from tenny_lsp.inference.engine import Engine
from tenny_lsp.mlx_api.index import load_mlx_index
from tenny_lsp.pitfalls.check import Rules, check
from tenny_lsp.pitfalls.shape_pass import OutOfTimeError, ShapePitfall, carried_over, shape_pitfalls
from tenny_lsp.source.buffer import Buffer

INDEX, RULES = load_mlx_index(), Rules()
CODE = """\
import mlx.core as mx

größe = 3


def first():
    return mx.zeros((2, 3)) @ mx.zeros((2, 3))


def second():
    return mx.zeros((4, 2)) + mx.zeros(4)
"""
FIRST, SECOND = "mx.zeros((2, 3)) @ mx.zeros((2, 3))", "mx.zeros((4, 2)) + mx.zeros(4)"


def found_in(text: str, pauses: int = 10**9) -> tuple[ShapePitfall, ...]:
    """Return what shapes tell until the search has paused so many times."""
    evaluator, left = Engine(Buffer(text), INDEX), [pauses]

    def pause() -> None:
        left[0] -= 1
        if left[0] < 0:
            raise OutOfTimeError

    return shape_pitfalls(evaluator, RULES, check(evaluator, Rules(with_shapes=False)), pause)


def said(found: tuple[ShapePitfall, ...], text: str) -> list[str]:
    return [text[one.pitfall.start : one.pitfall.end] for one in found]


def test_the_pass_finds_what_the_check_of_a_file_finds() -> None:
    evaluator = Engine(Buffer(CODE), INDEX)

    assert [one.pitfall for one in found_in(CODE)] == check(evaluator, RULES).pitfalls
    assert said(found_in(CODE), CODE) == [FIRST, SECOND]


@pytest.mark.parametrize(
    "text",
    [
        CODE.replace(FIRST, f"{FIRST}  # tenny: ignore[shape-mismatch]"),
        CODE.replace(FIRST, "mx.sum(mx.zeros((2, 3)), dim=2)"),
        CODE.replace(FIRST, "mx.sum(mx.zeros((2, 3)), dim=2)  # tenny: ignore[dim-keyword]"),
    ],
)
def test_it_is_silent_where_a_comment_ignores_it_or_another_rule_speaks(text: str) -> None:
    assert said(found_in(text), text) == [SECOND]


def test_out_of_time_it_returns_what_it_has_found() -> None:
    counts = [len(found_in(CODE, pauses)) for pauses in range(0, 400, 5)]

    assert set(counts) == {0, 1, 2}
    assert counts == sorted(counts)


@pytest.mark.parametrize(
    ("after", "left"),
    [
        (CODE, [FIRST, SECOND]),
        (CODE.replace("größe = 3", "größe = 44\nx = 1"), [FIRST, SECOND]),
        ("# ß\n" + CODE, [FIRST, SECOND]),
        (CODE + "\ny = 2\n", [FIRST, SECOND]),
        (CODE.replace("zeros((2, 3)) @", "zeros((3, 2)) @"), [SECOND]),
        (CODE.replace("def first():", "def first(ä):"), [SECOND]),
        (CODE.replace("zeros(4)", "zeros(2)"), [FIRST]),
        (CODE.replace("größe = 3", "größe = 3 + (").replace("zeros(4)", "zeros(2)"), []),
        (CODE[: CODE.index("def second")], [FIRST]),
        ("", []),
    ],
)
def test_after_an_edit_it_stays_outside_of_the_statements_that_were_edited(after: str, left: list[str]) -> None:
    assert said(carried_over(found_in(CODE), CODE, after), after) == left


def test_code_at_the_top_is_a_statement_each() -> None:
    text = f"import mlx.core as mx\na = {FIRST}\nb = 1\n"

    assert said(carried_over(found_in(text), text, text.replace("b = 1", "b = 12")), text) == [FIRST]
    assert carried_over(found_in(text), text, text.replace("a = ", "aa = ")) == ()


def test_what_raises_for_several_calls_is_told_once_where_it_raises() -> None:
    code = "import mlx.core as mx\n\n\ndef add(a, b):\n    return a + b\n\n\nx = mx.zeros((2, 3))\n"
    one, two = "add(x, x)\nadd(x, mx.zeros(2))\n", "add(x, x)\nadd(x, mx.zeros(2))\nadd(mx.zeros(5), x)\n"

    (at_call,), (at_cause,) = found_in(code + one), found_in(code + two)

    assert said((at_call, at_cause), code + two) == ["add", "a + b"]
    assert at_cause.pitfall.message.endswith(", as called in lines 10 and 11.")
