"""Markdown as plain text: nothing of its markup is left, nothing of what it says is lost."""

import re

import pytest

from tenny_lsp.features.cards import facts
from tenny_lsp.features.plain import plain
from tenny_lsp.mlx_api.index import ApiIndex


@pytest.mark.parametrize(
    ("markdown", "text"),
    [
        ("", ""),
        ("Adds `x` to **y**.", "Adds x to y."),
        ("```python\nmx.abs(a: array)\n```\n\nReturns `a`.", "mx.abs(a: array)\n\nReturns a."),
        ("- `a`: As in\n\n  ```python\n  x ** 2\n  ```\n- `b`: b", "- a: As in\n\n  x ** 2\n- b: b"),
        ("One\n\n---\n\n**Tenny:** two", "One\n\nTenny: two"),
        ("See [its `page`](https://a.b/c.html) and [1].", "See its page (https://a.b/c.html) and [1]."),
        ("| a | b |\n| --- | --- |\n| 1 | `x[i] += y` |", "| a | b |\n| 1 | x[i] += y |"),
        ("2<sup>b</sup>, w<sub>i</sub>, 4<sup>*</sup> and 8<sup>*</sup>", "2^b, w_i, 4^* and 8^*"),
        ("*Deprecated 0.1*: a * b * c, *args, **kwargs", "Deprecated 0.1: a * b * c, *args, **kwargs"),
        ("`*args` and `**kwargs`", "*args and **kwargs"),
    ],
)
def test_markup_goes_and_words_stay(markdown: str, text: str) -> None:
    assert plain(markdown) == text


def test_no_card_keeps_any_markup(mlx_index: ApiIndex) -> None:
    for entry in mlx_index:
        card = facts(entry, mlx_index)
        text = plain(card)

        assert not re.search(r"```|\]\(http|^---$|\*\*[A-Z]", text, re.MULTILINE), entry.name
        assert set(re.findall(r"\w{3,}", text)) >= set(re.findall(r"\w{3,}", card)) - {"python", "text", "sup", "sub"}
