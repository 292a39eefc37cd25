"""What is found in a file stays while a line of it is being typed, open brackets and all."""

import pytest

from tenny_lsp.inference.engine import Engine
from tenny_lsp.mlx_api.index import load_mlx_index
from tenny_lsp.pitfalls.check import Rules
from tenny_lsp.pitfalls.rule import Pitfall
from tenny_lsp.pitfalls.while_typing import TypingCheck, check_while_typing
from tenny_lsp.source.buffer import Buffer

INDEX, RULES = load_mlx_index(), Rules()
ABOVE = """import mlx.core as mx
import mlx.nn as nn


def größe(x: mx.array):
    return x.numel()


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(3, 3)

    def __call__(self, x: mx.array):
"""
BELOW = """        return self.fc(x).view(3, 1)

    def other(self, x: mx.array):
        return x.unsqueeze(0)


def after(x: mx.array):
    return x.permute(1, 0)
"""


def typed(text: str, before: TypingCheck | None = None) -> TypingCheck:
    buffer = Buffer(text, before.buffer if before is not None else None)
    return check_while_typing(buffer, RULES, lambda one: Engine(one, INDEX), before)


def said(found: list[Pitfall], text: str) -> list[tuple[str, str, list[str]]]:
    """Return the code, the underlined text and the texts that fixes replace, of each pitfall."""
    return [
        (one.code, text[one.start : one.end], [text[edit.start : edit.end] for fix in one.fixes for edit in fix.edits])
        for one in found
    ]


@pytest.mark.parametrize(
    "line", ["y = mx.stack([x, {1: (x, 2)}])", "y = self.fc(x[:, (1, 2)]", "for i in [mx.zeros((", "z = {"]
)
def test_what_is_found_elsewhere_stays_while_a_line_is_typed(line: str) -> None:
    kept = typed(ABOVE + BELOW)
    elsewhere = said(kept.pitfalls, ABOVE + BELOW)
    assert [code for code, *_ in elsewhere] == [
        "foreign-method", "view-shape", "foreign-method", "foreign-method",
    ]  # fmt: skip
    for count in range(len(line) + 1):
        text = f"{ABOVE}        {line[:count]}\n{BELOW}"
        kept = typed(text, kept)
        found = [one for one in said(kept.pitfalls, text) if one in elsewhere]
        assert found == elsewhere, line[:count]


def test_what_is_said_of_a_line_being_typed_is_about_what_stands_there() -> None:
    kept = typed(ABOVE + BELOW)
    for end in ("        y = mx.cat", "        y = mx.cat(", "        y = mx.cat([x"):
        text = f"{ABOVE}{end}\n{BELOW}"
        kept = typed(text, kept)
        assert "mx.cat" in {underlined for _, underlined, _ in said(kept.pitfalls, text)}, end


def test_a_fix_that_would_touch_what_closes_the_text_is_not_offered() -> None:
    kept = typed(ABOVE + BELOW)
    for end in ("        y = x.view", "        y = x.view(", "        y = x.view(3, 1"):
        text = f"{ABOVE}{end}\n{BELOW}"
        kept = typed(text, kept)
        for _, underlined, replaced in said(kept.pitfalls, text):
            assert ")" not in underlined or underlined in text
            assert all(part in text for part in replaced)
        assert len(text) >= max(one.end for one in kept.pitfalls)
