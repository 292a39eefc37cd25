"""After an edit only some statements are checked again: what is found must be what a fresh check finds."""

import re
import textwrap
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tenny_lsp.inference.files import Files
from tenny_lsp.inference.queries import Queries
from tenny_lsp.mlx_api.index import load_mlx_index
from tenny_lsp.pitfalls.check import Checked, Rules, check
from tenny_lsp.pitfalls.context import RuleContext
from tenny_lsp.pitfalls.rule import PRELUDE, Finding, Pitfall, Rule
from tenny_lsp.pitfalls.rules.all import RULES as RULES_OF_ALL
from tenny_lsp.source.buffer import Buffer
from tenny_lsp.source.syntax import Node

INDEX, RULES = load_mlx_index(), Rules()
FILE = f'''"""Größen: ein Modul, das nicht nur aus ASCII besteht."""
{PRELUDE}
SIZES = []


def make(size):
    return mx.zeros((size, 3))


def hand_on(size):
    return make(size)


class Block(nn.Module):
    def __init__(self, size):
        super().__init__()
        self.fc = nn.Linear(size, 3)
        self.many = []

    def __call__(self, x):
        return self.fc(x)

    def scale(self, x: mx.array):
        return x * 2


class Net(Block):
    def __init__(self):
        super().__init__(4)
        self.block = Block(3)

    def __call__(self, x):
        return self.block.scale(x).size(0)


def train(model: Net, x):
    y = hand_on(3)
    model.block.fc.cuda()
    return y.view(3, 1), model.block(x).numel()


def grow():
    SIZES.append(mx.zeros(6))


def read():
    return SIZES[0].view(2, 3)


def step(x: mx.array):
    return x.sum().item()


def shift(v):
    return v.unsqueeze(0)


def call_shift():
    return shift(mx.ones(3)), shift(SIZES[0])


def count(v):
    return v.numel(), measure(v)


def measure(u):
    return u.dim()


def call_count(size):
    return count(make(size))


def head(v):
    return v.view(2, 3), Block(3)(v)


def soft(v):
    return v.unsqueeze(0), taken(v)


def taken(v):
    return mx.softmax(v)


def gradient(a):
    a.cuda()
    return a.sum()


def forgiving(x):
    return mx.zeros(3).cuda()  # tenny: ignore
'''


def checked(text: str, before: Checked | None = None) -> Checked:
    buffer = Buffer(text, before.context.evaluator.buffer if before is not None else None)
    evaluator = Queries(buffer, INDEX, FILES, Path("/nowhere/file.py")).evaluator
    return check(evaluator, RULES, before)


FILES = Files()


def codes(found: list[Pitfall]) -> set[str]:
    return {pitfall.code for pitfall in found}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("return mx.zeros((size, 3))", "return [size]"),  # what a function returns, through another one
        ("self.fc = nn.Linear(size, 3)", "self.fc = size"),
        ("        return x * 2", "        return 2"),
        ("def scale", "def rescale"),
        ("class Block(nn.Module)", "class Block(dict)"),
        ("class Net(Block)", "class Net(nn.Module)"),
        ("import mlx.core as mx\n", "import mlx.core as m\n"),
        ("SIZES.append(mx.zeros(6))", "SIZES.append(3)"),  # what another function puts into a list of the module
        ("SIZES = []", "SIZES = [3]"),
        ("shift(mx.ones(3))", "shift([3])"),  # what a function is called with elsewhere
        ("shift(mx.ones(3))", "shift"),
        ("SIZES.append(mx.zeros(6))", "SIZES.append(make)"),
        ("def call_count(size):\n    return count(make(size))", "def call_count(size):\n    return count(size)"),
        ("    return mx.zeros((size, 3))", "    return size"),
        ("def call_shift():", "def shift_more(shift):\n    return shift(3)\n\n\ndef call_shift():"),
        ("def call_shift():", "shift(4)\n\n\ndef call_shift():"),
        ("        return self.fc(x)", "        return self.many[x]"),  # what takes a parameter
        ("mx.softmax(v)", "[v]"),
        ("def taken(v):", "def taken(v, w=1):\n    return 1\n\n\ndef taken_not(v):"),
        ("def grow():", "grad = mx.grad(gradient)\n\n\ndef grow():"),
        ("def forgiving(x):", "def other():\n    return mx.vmap(gradient)\n\n\ndef forgiving(x):"),
        ("def grow():", "fast = mx.compile(step)\n\n\ndef grow():"),  # what is made of a function elsewhere
        ("def step(x: mx.array)", "@mx.compile\ndef step(x: mx.array)"),
        ("  # tenny: ignore", ""),
        ("def grow():", "# Größe\n\n\ndef grow():"),
        ("def grow():", "def grow(:"),
        ("model: Net", "model: Block"),
        ("def read():", "def read(a: int):\n    isinstance(y, mx.array)\n"),
        ("self.many = []", "self.many = []\n\n    def __getattr__(self, name):\n        return 1"),
        ("def make(size):", "make = None\n\n\ndef made(size):"),
    ],
)
def test_an_edit_there_and_back_is_seen_wherever_it_matters(old: str, new: str) -> None:
    assert FILE.count(old) == 1
    first = checked(FILE)
    there = checked(FILE.replace(old, new), first)
    assert there.pitfalls == checked(FILE.replace(old, new)).pitfalls
    assert checked(FILE, there).pitfalls == first.pitfalls


def test_the_file_has_pitfalls_that_hang_together() -> None:
    found = checked(FILE).pitfalls
    assert len(found) >= 4
    assert len(codes(found)) >= 3


def test_only_what_an_edit_invalidates_is_checked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    rechecked = []
    findings = Rules.findings

    def seen(
        self: Rules, context: RuleContext, statement: Node, *pause: Callable[[], None]
    ) -> tuple[list[tuple[Rule, Finding]], bool]:
        rechecked.append(statement.text)
        return findings(self, context, statement, *pause)

    monkeypatch.setattr(Rules, "findings", seen)
    before = checked(FILE)
    rechecked.clear()
    checked(FILE.replace("return x * 2", "return x * 2 + 1"), before)
    definitions = [text for text in rechecked if text.startswith((b"def", b"class"))]
    assert [text.split(b"(")[0] for text in definitions] == [b"class Block"]


def test_another_files_change_is_seen(tmp_path: Path) -> None:
    other = tmp_path / "other.py"
    other.write_text("import mlx.core as mx\ndef made():\n    return mx.zeros(3)\n")
    head = "import mlx.core as mx\nfrom other import made\n"
    text = head + "def use():\n    return made().cuda()\ndef far():\n    return 1\n"
    files = Files((tmp_path,))

    def evaluator(buffer: Buffer):
        return Queries(buffer, INDEX, files, tmp_path / "file.py").evaluator

    buffer = Buffer(text)
    before = check(evaluator(buffer), RULES)
    assert len(before.pitfalls) == 1
    other.write_text("def made():\n    return Other()\n")
    after = Buffer(text.replace("return 1", "return 12"), buffer)
    assert check(evaluator(after), RULES, before).pitfalls == []


def test_a_file_that_an_import_has_been_waiting_for_is_seen(tmp_path: Path) -> None:
    head = "import mlx.core as mx\nfrom other import made\n"
    text = head + "def use():\n    return made().cuda()\ndef far():\n    return 1\n"
    files = Files((tmp_path,))

    def evaluator(buffer: Buffer):
        return Queries(buffer, INDEX, files, tmp_path / "file.py").evaluator

    buffer = Buffer(text)
    before = check(evaluator(buffer), RULES)
    assert before.pitfalls == []
    (tmp_path / "other.py").write_text("import mlx.core as mx\ndef made():\n    return mx.zeros(3)\n")
    after = Buffer(text.replace("return 1", "return 12"), buffer)
    assert len(check(evaluator(after), RULES, before).pitfalls) == 1


def test_a_definition_that_takes_an_imports_name_changes_the_fixes_that_would_write_it() -> None:
    text = (
        "from functools import partial\nimport mlx.core as mx\n"
        "@mx.compile\ndef f(a):\n    return a + mx.random.uniform(shape=(1,))\n"
        "def other():\n    return 1\n"
    )
    taken = text.replace("def other", "def partial")
    before = checked(text)
    after = checked(taken, before)

    assert [bool(one.fixes) for one in before.pitfalls] == [True]
    assert after.pitfalls == checked(taken).pitfalls
    assert checked(text, after).pitfalls == before.pitfalls


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_whatever_is_typed_is_found_as_a_fresh_check_finds_it(data: st.DataObject) -> None:
    text, kept = FILE, checked(FILE)
    for _ in range(3):
        start = data.draw(st.integers(0, len(text)))
        end = min(len(text), start + data.draw(st.integers(0, 12)))
        put = data.draw(
            st.sampled_from(["", "x", ".", "(", ")", "\n", " ", "#", "mx.", "self.fc", "    return make(2)\n", "ß"])
        )
        text = text[:start] + put + text[end:]
        kept = checked(text, kept)
        assert kept.pitfalls == checked(text).pitfalls


EXAMPLES = [example.before for one in RULES_OF_ALL for example in one.examples]
WORD = re.compile(r"[A-Za-z_]\w*")


def mixed_up(text: str, choice: Random) -> str:
    """Return a text with a word put in another's place, without a line, or with another example in it."""
    one, other = (choice.choice(list(WORD.finditer(text))) for _ in range(2))
    lines = text.split("\n")
    row = choice.randrange(len(lines))
    indentation = lines[row][: len(lines[row]) - len(lines[row].lstrip())]
    added = textwrap.indent(choice.choice(EXAMPLES), indentation)
    return choice.choice(
        [
            text[: one.start()] + other[0] + text[one.end() :],
            "\n".join(lines[:row] + lines[row + 1 :]),
            "\n".join([*lines[:row], added, *lines[row:]]),
        ]
    )


@settings(max_examples=40, deadline=None)
@given(st.randoms(use_true_random=False))
def test_the_examples_of_all_rules_side_by_side_are_found_as_a_fresh_check_finds_them(choice: Random) -> None:
    functions = (f"def f{n}(x: mx.array):\n{textwrap.indent(one, '    ')}\n" for n, one in enumerate(EXAMPLES))
    text = PRELUDE + "\n\n".join(choice.sample([*functions, *EXAMPLES], 14)) + "\n"
    kept = checked(text)
    for _ in range(4):
        text = mixed_up(text, choice)
        kept = checked(text, kept)
        assert kept.pitfalls == checked(text).pitfalls
