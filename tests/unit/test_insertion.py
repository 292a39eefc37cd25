"""A remark becomes a comment and nothing else, whatever stands around it."""

import ast
import io
import re
import tokenize

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tenny_lsp.features.insertion import comment_below
from tenny_lsp.source.buffer import Buffer
from tenny_lsp.source.comments import passages

REMARK = "Fast enough for whom? The pager has its own opinion, and it forms it at 3 a.m."


def inserted(text: str, width: int = 88, remark: str = REMARK) -> str | None:
    """Returns a text with a remark below the part between two ``‸``."""
    before, part, after = text.split("‸")
    text = before + part + after
    found = comment_below(text, len(before), len(before) + len(part), remark, width)
    return None if found is None else text[: found.offset] + found.text + text[found.offset :]


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("‸# fast‸\nx = 1\n", f"# fast\n# {REMARK}\nx = 1\n"),
        ("‸# fast‸", f"# fast\n# {REMARK}"),
        ("def f():\n    ‸# fast‸\n    pass\n", f"def f():\n    # fast\n    # {REMARK}\n    pass\n"),
        ("def f():\n\t‸# fast‸\n\tpass\n", f"def f():\n\t# fast\n\t# {REMARK}\n\tpass\n"),
        ("‸# fast‸\r\nx = 1\r\n", f"# fast\r\n# {REMARK}\r\nx = 1\r\n"),
        ("‸# fast‸\rx = 1\r", f"# fast\r# {REMARK}\rx = 1\r"),
        ("x = 1\r\n‸# fast‸", f"x = 1\r\n# fast\r\n# {REMARK}"),
        ("f(\n    1,  ‸# fast‸\n    2,\n)\n", f"f(\n    1,  # fast\n    # {REMARK}\n    2,\n)\n"),
        ("\f‸# fast‸\nx = 1\n", f"\f# fast\n# {REMARK}\nx = 1\n"),
        ("def f():\n \f  ‸# fast‸\n    pass\n", f"def f():\n \f  # fast\n  # {REMARK}\n    pass\n"),
        ("‸# a backslash \\‸\nx = 1\n", f"# a backslash \\\n# {REMARK}\nx = 1\n"),
        ('def f():\n    ‸"""Doc."""‸\n    pass', f'def f():\n    """Doc."""\n    # {REMARK}\n    pass'),
        ("‸# 🦀 é‸\nx\n", f"# 🦀 é\n# {REMARK}\nx\n"),
        ("def f(:\n    ‸# unfinished‸\n", f"def f(:\n    # unfinished\n    # {REMARK}\n"),
    ],
)
def test_it_stands_below_as_far_in(text: str, result: str) -> None:
    assert inserted(text) == result


def test_it_is_wrapped_and_every_line_starts_with_the_mark() -> None:
    text = inserted("class A:\n    def f(self):\n        ‸# fast‸\n        pass\n", width=50)

    assert text == (
        "class A:\n    def f(self):\n        # fast\n"
        "        # Fast enough for whom? The pager has its\n"
        "        # own opinion, and it forms it at 3 a.m.\n"
        "        pass\n"
    )


@pytest.mark.parametrize(
    "text",
    [
        's = """\n‸# not a comment‸\n"""\n',
        's = """\n‸# unfinished\n‸',
        "x = 1 + \\\n‸y‸ + \\\n2\n",
        "‸x = 1‸ \\\n\n",
        "s = ' \\\n‸‸\n",
        "‸# c‸\n\0\n",
        '‸"""Doc."""‸; s = """a\nb"""\n',
        "s = '''\n‸'''; y = '''‸\n'''\n",
        'f"""\n{‸x‸}\n"""\n',
    ],
)
def test_where_python_would_see_no_comment_there_is_none(text: str) -> None:
    assert inserted(text) is None


@pytest.mark.parametrize(
    "remark",
    [
        "Coding: latin-1 is a choice.",
        "It says type: ignore here.",
        "Just noqa it and go.",
        "%% cells are a choice.",
        " ",
    ],
)
def test_what_a_tool_would_obey_is_not_inserted(remark: str) -> None:
    assert inserted("‸# fast‸\nx = 1\n", remark=remark) is None


def test_control_characters_and_other_line_ends_are_taken_out() -> None:
    remark = "one\nimport os\r\x0c\x0b\x1c\x85\u2028\u2029two\x00\u202ethree"

    assert inserted("‸# c‸\nx = 1\n", remark=remark) == "# c\n# one import os two three\nx = 1\n"


_PIECES = st.sampled_from(
    [
        *(
            "x = 1",
            "# note",
            "  # deep",
            "\t# tab",
            "# \\",
            "import os  # why",
            "#",
            "é🦀",
            "\u2028",
            "\f",
            "\x00",
            "$",
        ),
        *('"""', "'''", "'", '"', "r'''", "f'{", "}'", "s = '# no'", 's = """', "b'\\''", "f'''{x!r:>{w}}'''"),
        *("\\", "(", ")", "{", "}", "[", "]", ";", "@", "async", "lambda: 0"),
        *("if x:", "    y = 2", "def f():", "    pass"),
    ]
)
_EOLS = st.sampled_from(["\n", "\r\n", "\r"])


@settings(max_examples=400, deadline=None)
@given(
    st.lists(st.tuples(_PIECES, st.sampled_from(["", " ", "\n", "\n", "\r\n", "\r"])), max_size=14),
    st.text(),
    st.data(),
)
def test_in_no_text_does_it_become_code(pieces: list[tuple[str, str]], remark: str, data: st.DataObject) -> None:
    """Whatever the file and the remark, what is put in are comments on lines of their own, and nothing else changes."""
    text = "".join(piece + between for piece, between in pieces)
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))

    found = comment_below(text, start, end, remark, data.draw(st.integers(1, 120)))

    assume(found is not None)
    assert found is not None and found.offset >= end
    after = text[: found.offset] + found.text + text[found.offset :]
    lines = re.split(r"\r\n|\r|\n", found.text)
    assert lines[0] == "" and len(lines) > 1
    assert all(re.fullmatch(r"[ \t]*# .*", line) and line.strip().isprintable() for line in lines[1:])
    assert is_same_code(after, text)


@settings(max_examples=150, deadline=None)
@given(st.lists(_PIECES, max_size=12), _EOLS, st.text(min_size=1))
def test_below_every_comment_of_any_text(pieces: list[str], eol: str, remark: str) -> None:
    text = eol.join(pieces)

    for passage in passages(Buffer(text)):
        found = comment_below(text, passage.start, passage.end, remark, 88)
        if found is not None:
            after = text[: found.offset] + found.text + text[found.offset :]
            assert is_same_code(after, text)


def is_same_code(one: str, other: str) -> bool:
    """Tells whether Python makes the same of two texts: the same tree, or the same tokens as far as it can read."""
    trees = [tree_of(text) for text in (one, other)]
    return trees[0] == trees[1] if None not in trees else tokens_of(one) == tokens_of(other)


def tree_of(text: str) -> str | None:
    try:
        return ast.dump(ast.parse(re.sub(r"\r\n|\r", "\n", text)))
    except (SyntaxError, ValueError):
        return None


def tokens_of(text: str) -> list[tuple[int, str]]:
    tokens: list[tuple[int, str]] = []
    skipped = (tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER)
    try:
        for token in tokenize.generate_tokens(io.StringIO(re.sub(r"\r\n|\r", "\n", text)).readline):
            if token.type not in skipped:
                tokens.append((token.type, token.string))
    except (tokenize.TokenError, SyntaxError):
        pass
    return tokens
