"""What a rule is, what it finds, and the pitfall that is shown."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from tenny_lsp.pitfalls.context import RuleContext
from tenny_lsp.pitfalls.edits import Fix
from tenny_lsp.source.syntax import Node

Severity: TypeAlias = Literal["error", "warning", "information"]
Outcome: TypeAlias = Literal["raises", "wrong", "slow", "undefined"]

#: MLX's own pages on how it is used, and its issues.
USAGE = "https://ml-explore.github.io/mlx/build/html/usage/"
PYTHON = "https://ml-explore.github.io/mlx/build/html/python/"
ISSUES = "https://github.com/ml-explore/mlx/issues/"
#: The code before every example.
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
class Finding:
    """What a rule finds at a node.

    Args:
        node (Node): The part of the text to underline.
        message (str): What is wrong, what MLX does, what to write: one or two sentences.
        fixes (tuple[Fix, ...]): The best first.
        link (str): The page that explains this finding; empty: the rule's.
        cause (Node, optional): What raises, where that is inside a function of the file that is called at ``node``.
    """

    node: Node
    message: str
    fixes: tuple[Fix, ...] = ()
    link: str = ""
    cause: Node | None = None


@dataclass(frozen=True, slots=True)
class Example:
    """Code with a pitfall, and the same put right; the tests run both, after ``PRELUDE``.

    Args:
        before (str): The code with the pitfall.
        after (str): What the rule's first fix makes of it, or what to write by hand; empty: whatever the fix makes.
        check (str): An expression that is true after the right code and false after the wrong code.
        outcome (Outcome): What the wrong code does: it raises, its result is wrong, it is only slow, or it
            is undefined and not run by the tests.
        is_fixed (bool): Whether the first fix makes ``after`` of ``before``.
    """

    before: str
    after: str
    check: str = "True"
    outcome: Outcome = "raises"
    is_fixed: bool = True


#: Names, or a function that returns them when they are first needed.
Names: TypeAlias = tuple[str, ...] | Callable[[], frozenset[str]]
#: The statement at the top of the file that a rule's node stands in, or the whole file.
Scope: TypeAlias = Literal["statement", "file"]
#: The second step of a rule of scope "file": takes the root of the file's tree.
Search: TypeAlias = Callable[[Node], Iterator[Finding]]
Check: TypeAlias = Callable[[RuleContext, Any], Iterator[Finding] | Search | None]


@dataclass(frozen=True, slots=True)
class Rule:
    """A thing that people get wrong, and the function that finds it.

    Args:
        code (str): Its name in settings and comments; it never changes.
        severity (Severity): ``error`` where the code raises, ``warning`` where it is wrong or slow,
            ``information`` where it may be meant.
        title (str): What is wrong, in a few words.
        link (str): The page of MLX's documentation, or the issue, that explains it.
        check (Check): Checks one node, or one ``Call``.
        scope (Scope): "statement" if what it finds depends on nothing but the top-level statement it stands in, the
            meanings of the names there and ``context.file``: then ``check`` yields its findings. "file" if it depends
            on the rest of the file: then ``check`` returns a ``Search``, and the statement is checked again after
            every edit; or None where the statement alone tells that there is nothing to find.
        kinds (tuple[str, ...]): The kinds of syntax nodes that it checks.
        calls (tuple[str, ...]): The names whose calls it checks: ``view`` for ``x.view(…)``, ``*`` for every call.
        keywords (tuple[str, ...]): The keywords whose calls it checks, whatever is called.
        attributes (Names): The names of the attributes that it checks: ``T`` for ``x.T``.
        words (tuple[str, ...]): Texts of which one stands in each file that it finds something in: in others it is not
            asked.
        is_general (bool): Whether it says nothing where another rule speaks of the same place.
        needs_shapes (bool): Whether it asks for the shapes of arrays: they hang on the whole file, which is searched
            anew after every edit. Give it ``kinds`` alone.
        examples (tuple[Example, ...]): What it finds.
    """

    code: str
    severity: Severity
    title: str
    link: str
    check: Check
    scope: Scope = "statement"
    kinds: tuple[str, ...] = ()
    calls: tuple[str, ...] = ()
    keywords: tuple[str, ...] = ()
    attributes: Names = ()
    words: tuple[str, ...] = ()
    examples: tuple[Example, ...] = ()
    is_general: bool = False
    needs_shapes: bool = False


@dataclass(frozen=True, slots=True)
class Pitfall:
    """A finding as it is shown, with its rule's code; offsets in code points.

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
    scope: Scope = "statement",
    kinds: tuple[str, ...] = (),
    calls: tuple[str, ...] = (),
    keywords: tuple[str, ...] = (),
    attributes: Names = (),
    words: tuple[str, ...] = (),
    examples: tuple[Example, ...] = (),
    is_general: bool = False,
    needs_shapes: bool = False,
) -> Callable[[Check], Rule]:
    """Make a rule of the function that checks it; see ``Rule`` for the arguments.

    Example:
        A whole rule::

            @rule(
                "transposed-batch",
                "warning",
                "`x.T` of more than two axes",
                PYTHON + "_autosummary/mlx.core.array.T.html",
                attributes=("T",),
                examples=(
                    Example(
                        before="y = mx.zeros((4, 2, 3)).T",
                        after="y = mx.zeros((4, 2, 3)).mT",
                        check="y.shape == (4, 3, 2)",
                        outcome="wrong",
                    ),
                ),
            )
            def transposed_batch(context: RuleContext, node: Node) -> Iterator[Finding]:
                '''Find ``.T`` of an array of more than two axes: it reverses all of them.'''
                array, name = field(node, "object"), field(node, "attribute")
                count = axes_of(context, array)
                if name is not None and count is not None and count > 2 and context.is_array(array):
                    fix = Fix("Write mT", (replaced(name, "mT"),), is_safe=False)
                    yield Finding(name, f"`.T` reverses all {count} axes; `.mT` swaps the last two.", (fix,))
    """
    return lambda check: Rule(
        code,
        severity,
        title,
        link,
        check,
        scope,
        kinds,
        calls,
        keywords,
        attributes,
        words,
        examples,
        is_general,
        needs_shapes,
    )
