"""What is shown neither loads nor runs anything, as CommonMark reads it; MLX's own cards stay as they are."""

import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from tenny_lsp.features.cards import facts
from tenny_lsp.features.safe_markdown import safe_markdown, safe_message
from tenny_lsp.mlx_api.index import ApiIndex
from tenny_lsp.mlx_api.markdown import markdown

#: CommonMark with tables, as editors read it; every scheme is a link's, as in an editor that has commands.
READER = MarkdownIt("commonmark").enable("table")
READER.validateLink = lambda url: True  # type: ignore[method-assign]
#: Pieces of which anything dangerous is made, and what may hide it.
PIECES = [
    *[
        "[x](command:run)",
        "[x](<command:run>)",
        "[x]",
        "(command:run)",
        "](",
        "]:",
        "[x]: command:run",
        "[x]:\ncommand:run",
    ],
    *["![](https://a.b/c.png)", "![x]", "!", "<img src=x>", "<script>", "<command:run>", "<!--", "<sup>", "<b", ">"],
    *["`", "``", "```", "````", "~~~", "```python", "\\", "\\`", "|", "| - |", "- ", "> ", "1. ", "    ", "  ", "\t"],
    *["\n", "\n\n", "\r", "\r\n", "\n  ", "\n    ", "a", " ", "&#91;", "&lt;", "https://a.b", "[x](https://a.b)"],
]


def read(text: str) -> list[Token]:
    """Returns the tokens of a text as a reader sees it, those within lines too."""
    return [one for token in READER.parse(text) for one in (token, *(token.children or ()))]


def dangers(text: str) -> list[str]:
    tokens = read(text)
    tags = [token.content for token in tokens if token.type in ("html_block", "html_inline")]
    links = [str(token.attrs["href"]) for token in tokens if token.type == "link_open"]
    return [
        *(tag for tag in tags if not re.fullmatch(r"</?su[bp]>", tag.strip())),
        *(link for link in links if not link.startswith(("https://", "http://"))),
        *(str(token.attrs["src"]) for token in tokens if token.type == "image"),
    ]


@settings(max_examples=3000, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=24).map("".join))
@example("~~~\n```\n~~~\n[x](command:run)\n```")
@example("- ```\n  ```\n[x](command:run)")
@example("- a\n\n  ```\n  b\n[x](command:run)\n  ```\n[x](command:run)")
@example("`a\nb` [x](command:run) `c")
@example("|a|b|\n|-|-|\n|`a|[x](command:run)|b`|")
@example("\\`[x](command:run)`")
@example("```\n    ```\n[x](command:run)\n```")
@example("<sup>\n```\n<img src=x>\n```")
@example("```\n```x`\n[x](command:run)")
def test_nothing_is_loaded_or_run(text: str) -> None:
    assert dangers(safe_markdown(text)) == []


@settings(max_examples=500, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=24).map("".join))
def test_no_docstring_makes_a_card_that_loads_or_runs_anything(docstring: str) -> None:
    assert dangers(safe_markdown(f"```python\nx\n```\n\n{markdown(docstring)}\n\n- `a`: {markdown(docstring)}")) == []


@pytest.mark.parametrize(
    "text",
    [
        "[x](command:run)",
        "![](https://a.b/c.png)",
        "<img src='https://a.b/c.png'>",
        "[x]\n\n[x]: command:run",
        "<vscode:run>",
    ],
)
def test_the_reader_sees_what_is_dangerous(text: str) -> None:
    assert dangers(text) and not dangers(safe_markdown(text))


@pytest.mark.parametrize(
    "text",
    [
        "Of `a[0](x)` and `Array<T>`: x < 3, 10<sup>-3</sup>, (a)<sub>b</sub>, [docs](https://a.b/c).",
        "```python\nx = fs[0](y)  # <b> ![]() [x](command:run)\n```",
        "- `a`: code\n\n  ```python\n  f[0](1)\n  ```",
        "[1]: Kingma, D.P. and Ba, J., 2015.",
    ],
)
def test_what_is_harmless_stays_as_it_is(text: str) -> None:
    assert safe_markdown(text) == text


def test_every_card_stays_as_it_is(mlx_index: ApiIndex) -> None:
    changed = [entry.name for entry in mlx_index if safe_markdown(card := facts(entry, mlx_index)) != card]

    assert changed == []


def test_a_message_has_links_to_the_web_alone() -> None:
    said = "See [it](command:run) or [this](https://a.b)"

    assert safe_message(said) == "See [it] (command:run) or [this](https://a.b)"
