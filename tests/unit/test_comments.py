"""What a file says to its readers, and what a reviewer sighs at."""

from itertools import islice
from typing import Any

import pytest

from tenny_lsp.source.buffer import Buffer
from tenny_lsp.source.comments import Passage, passage_at, passages, selection
from tenny_lsp.source.habits import MOST_LINES, Habit, habits


def at(text: str) -> Passage | None:
    before, _, after = text.partition("‸")
    return passage_at(Buffer(before + after), len(before))


@pytest.mark.parametrize(
    ("text", "kind", "said"),
    [
        ("# this is ‸fine", "comment", "this is fine"),
        ("x = 1  # magic‸", "comment", "magic"),
        ("‸# TODO: fix this\nx = 1", "todo", "TODO: fix this"),
        ("def f():\n    # one\n    # t‸wo\n    # three\n    pass", "comment", "one\ntwo\nthree"),
        ("# é 🦀 first\r\n# se‸cond\r\nx = 1\r\n", "comment", "é 🦀 first\nsecond"),
        ("# one\r# t‸wo\rx = 1\r", "comment", "one\ntwo"),
        ("x = 1  # this line\n# the ‸next\n", "comment", "the next"),
        ("# far\n\n# ne‸ar\n", "comment", "near"),
        ("# x = fit(y)\n# if x:\n#     print‸(x)\n", "commented-out", "x = fit(y)\nif x:\n    print(x)"),
        ("# mx.eval(‸loss)", "commented-out", "mx.eval(loss)"),
        ("# import‸ torch", "commented-out", "import torch"),
        ("# note: this is‸ wrong", "comment", "note: this is wrong"),
        ("# return‸ early", "comment", "return early"),
        ("# sigh‸", "comment", "sigh"),
        ("# pylint: disable=all\n# why‸ not\n", "comment", "why not"),
        ('"""The modu‸le."""\nimport os', "docstring", "The module."),
        ('# c\ndef f():\n    """Does it.\n\n    All ‸of it.\n    """\n', "docstring", "Does it.\n\nAll of it."),
        ("class A:\n    # c\n    'Do‸c'\n", "docstring", "Doc"),
        ("def f(:\n    # unfin‸ished\n", "comment", "unfinished"),
    ],
)
def test_what_stands_at_a_place(text: str, kind: str, said: str) -> None:
    passage = at(text)

    assert passage is not None
    assert (passage.kind, passage.text) == (kind, said)
    whole = text.replace("‸", "")[passage.start : passage.end]
    assert all(line.strip() in whole for line in said.split("\n"))
    assert whole == whole.strip()


@pytest.mark.parametrize(
    "text",
    [
        *(
            "x ‸= 1",
            "#‸",
            "# ----‸",
            "#!/usr/bin/‸python",
            "x = 1  # type: ‸ignore",
            "# noqa‸",
            "# fmt: ‸off",
            "# %% ‸cell",
        ),
        *("# -*- coding: ‸utf-8 -*-", "s = 'no ‸doc'", "f('# no ‸comment')", "x = 1\n'no ‸doc'", "‸", '""" ‸"""'),
    ],
)
def test_where_nobody_is_spoken_to(text: str) -> None:
    assert at(text) is None


def test_all_of_a_file_in_its_order() -> None:
    text = '"""Doc."""\n# a\n# b\nx = 1  # c\n# type: ignore\ndef f():\n    """F."""\n    # TODO d\n'

    found = [(passage.kind, passage.text) for passage in passages(Buffer(text))]

    assert found == [
        *(("docstring", "Doc."), ("comment", "a\nb"), ("comment", "c")),
        *(("docstring", "F."), ("todo", "TODO d")),
    ]


def test_a_context_is_written_as_remarks_are_learned() -> None:
    docstring, comment, chosen = (
        Passage("docstring", "Does it\nwell.\n\nMore.", 0, 0),
        Passage("comment", "one\ntwo", 0, 0),
        Passage("selection", "x = [1]", 0, 0),
    )

    assert docstring.context == '"""Does it well."""'
    assert comment.context == "# one two"
    assert chosen.context == "x = [1]"


def test_a_selection_is_what_is_in_it() -> None:
    buffer = Buffer("a\n  def f(): \n\n")

    assert selection(buffer, 1, 13) == Passage("selection", "def f():", 4, 12)
    assert selection(buffer, 1, 4) is None


def sighs(text: str) -> list[tuple[str, str]]:
    return [(habit.kind, text[habit.start : habit.end]) for habit in habits(Buffer(text))]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("try:\n    pass\nexcept:\n    pass\n", [("bare-except", "except")]),
        ("try:\n    pass\nexcept ValueError:\n    pass\n", []),
        ("try:\n    pass\nexcept (A, B) as e:\n    pass\n", []),
        (
            "def f(x=[], *, y: dict = {}, z=None, w=()): pass",
            [("mutable-default", "x=[]"), ("mutable-default", "y: dict = {}")],
        ),
        ("def f(x=dict(), y=mx.array(3)): pass", [("mutable-default", "x=dict()")]),
        ("def f(x):\n    return x * 0.7978 > 37\n", [("magic-number", "0.7978"), ("magic-number", "37")]),
        ("def f(x):\n    return x * 1024 / 2 + 1e-8 - 0xFF00 + 3j + 1_000\n", [("magic-number", "0xFF00")]),
        ("SCALE = 3.7 * 5.3\nclass A:\n    b = 9 * 17\n", []),
        ("def f(x, y=9 * 17):\n    LIMIT = 9 * 17\n    g(rate=9 * 17)\n    return x[9 + 17]\n", []),
        ("def f(x):\n    return -17 + x\n", [("magic-number", "17")]),
        ("def f(x):\n    return x == 404 or x > 2**20 or x + 8080 < 65535 or x / 86400 > 3.14159\n", []),
        ("def f(x):\n    return x**17 + 3.7**2\n", [("magic-number", "17"), ("magic-number", "3.7")]),
        ("def f():" + "\n    pass" * MOST_LINES, [("long-function", "f")]),
        ("def f():" + "\n    pass" * (MOST_LINES - 1), []),
    ],
    ids=lambda value: value[:30] if isinstance(value, str) else "",
)
def test_what_a_reviewer_sighs_at(text: str, found: list[tuple[str, str]]) -> None:
    assert sighs(text) == found


def test_a_habit_says_what_is_so_and_where() -> None:
    text = "class A:\n    def f(self, xs=[]): pass\n"

    (habit,) = islice(habits(Buffer(text)), 2)

    fact = "The default of xs is made once and shared by every call."
    assert habit == Habit("mutable-default", fact, "def f(self, xs=[]): pass", 25, 30)


class CountingText(str):
    """A text that counts the characters which are copied out of it."""

    copied = 0

    def __getitem__(self, place: Any) -> str:
        part = super().__getitem__(place)
        self.copied += len(part)
        return part


@pytest.mark.parametrize("comment", ["# a note", "# é note", "x = f(y)  # a note"])
@pytest.mark.parametrize("between", ["\n", "\n\n"])
def test_a_file_is_read_a_few_times_however_many_comments_it_has(comment: str, between: str) -> None:
    text = CountingText((comment + between) * 400)

    found = list(passages(Buffer(text)))

    assert found[-1].end == len(text.rstrip())
    assert text.copied <= 3 * len(text)


def test_offsets_are_the_same_in_both_units_wherever_they_are() -> None:
    text = "# é\r\n# 🦀 b\rx = 'ü'  # ‸\n\n# last"
    buffer = Buffer(text)

    for place in range(len(text) + 1):
        in_bytes = len(text[:place].encode())
        assert (buffer.byte_offset(place), buffer.offset_of(in_bytes)) == (in_bytes, place)
    assert buffer.byte_offset(len(text) + 9) == len(text.encode())
