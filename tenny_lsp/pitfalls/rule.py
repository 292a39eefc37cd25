"""The values of pitfalls: what a rule is, what it finds, and the edits that put it right."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from tenny_lsp.source.syntax import Node

if TYPE_CHECKING:
    from tenny_lsp.pitfalls.context import RuleContext

Severity: TypeAlias = Literal["error", "warning", "information"]
Outcome: TypeAlias = Literal["raises", "wrong", "slow", "undefined"]

#: MLX's own pages on how it is used, and its issues.
USAGE = "https://ml-explore.github.io/mlx/build/html/usage/"
PYTHON = "https://ml-explore.github.io/mlx/build/html/python/"
ISSUES = "https://github.com/ml-explore/mlx/issues/"
#: What stands before every example.
PRELUDE = """\
from functools import partial
import numpy as np
import mlx.core as mx
import mlx.nn as nn
import mlx.optimizers as optim
x = mx.arange(6.0).reshape(2, 3)
model = nn.Linear(3, 2)
optimizer = optim.SGD(learning_rate=0.1)
"""


@dataclass(frozen=True, slots=True)
class Edit:
    """A part of the text and what is to stand there instead; offsets in bytes in a rule, in code points outside."""

    start: int
    end: int
    text: str

    def moved(self, by: int) -> "Edit":
        """Returns it so much further on."""
        return Edit(self.start + by, self.end + by, self.text)


@dataclass(frozen=True, slots=True)
class Fix:
    """A way to put a pitfall right.

    Args:
        title (str): What it does, ``Write mx.concatenate``.
        edits (tuple[Edit, ...]): Its edits, none over another.
        is_safe (bool): Whether it may be applied unseen; otherwise someone has to look at what it does.
    """

    title: str
    edits: tuple[Edit, ...]
    is_safe: bool = True


@dataclass(frozen=True, slots=True)
class Finding:
    """What a rule has found: where, and what is wrong, what MLX does, what to write.

    Args:
        node (Node): The part of the text to underline.
        message (str): One or two sentences.
        fixes (tuple[Fix, ...]): The best first.
        link (str): The page that explains this one; empty: the rule's.
    """

    node: Node
    message: str
    fixes: tuple[Fix, ...] = ()
    link: str = ""


@dataclass(frozen=True, slots=True)
class Example:
    """Code with a pitfall, and the same put right; both are run by the tests, after ``PRELUDE``.

    Args:
        before (str): With the pitfall.
        after (str): What the rule's first fix makes of it, or what to write by hand; empty: whatever the fix makes.
        check (str): An expression that is true after the right code, and not after the wrong.
        outcome (Outcome): What the wrong code does: it raises, its result is wrong, it is only slow, or it
            is undefined and better not run.
        is_fixed (bool): Whether the first fix makes ``after`` of ``before``.
    """

    before: str
    after: str
    check: str = "True"
    outcome: Outcome = "raises"
    is_fixed: bool = True


#: Names, or what gives them when they are first needed.
Names: TypeAlias = tuple[str, ...] | Callable[[], frozenset[str]]
Check: TypeAlias = Callable[["RuleContext", Any], Iterator[Finding]]


@dataclass(frozen=True, slots=True)
class Rule:
    """One thing that people get wrong.

    Args:
        code (str): Its name in settings and comments; it never changes.
        severity (Severity): ``error`` where the code raises, ``warning`` where it is wrong or slow.
        title (str): What is wrong, in a few words.
        link (str): The page of MLX's documentation, or the issue, that explains it.
        check (Check): Yields the findings at one node or call.
        kinds (tuple[str, ...]): The kinds of syntax that it looks at.
        calls (tuple[str, ...]): The names whose calls it looks at: ``view`` for ``x.view(…)``.
        keywords (tuple[str, ...]): The keywords with which it looks at any call.
        attributes (Names): The names of the attributes it looks at: ``T`` for ``x.T``.
        examples (tuple[Example, ...]): What it is about.
    """

    code: str
    severity: Severity
    title: str
    link: str
    check: Check
    kinds: tuple[str, ...] = ()
    calls: tuple[str, ...] = ()
    keywords: tuple[str, ...] = ()
    attributes: Names = ()
    examples: tuple[Example, ...] = ()


@dataclass(frozen=True, slots=True)
class Pitfall:
    """A finding as it is shown; offsets in code points.

    Args:
        code (str): The rule's.
        severity (Severity): The rule's.
        message (str): What is wrong, what MLX does, what to write.
        link (str): The page that explains it.
        start (int): Where it starts.
        end (int): Where it ends.
        fixes (tuple[Fix, ...]): The best first.
    """

    code: str
    severity: Severity
    message: str
    link: str
    start: int
    end: int
    fixes: tuple[Fix, ...] = field(default=())


def rule(
    code: str,
    severity: Severity,
    title: str,
    link: str,
    *,
    kinds: tuple[str, ...] = (),
    calls: tuple[str, ...] = (),
    keywords: tuple[str, ...] = (),
    attributes: Names = (),
    examples: tuple[Example, ...] = (),
) -> Callable[[Check], Rule]:
    """Makes a rule of the function that checks it; see ``Rule``."""
    return lambda check: Rule(code, severity, title, link, check, kinds, calls, keywords, attributes, examples)
