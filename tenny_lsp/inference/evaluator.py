"""The protocol of the evaluator, through which the modules of inference call each other without importing in circles.

``engine.Engine`` implements it with the functions of these modules. A new kind of expression becomes a function that
takes an ``Evaluator``, and one line in the table of ``expressions``.
"""

from collections.abc import Callable, Hashable, Iterable, Mapping
from pathlib import Path
from typing import Protocol, cast

from tenny_lsp.inference.files import Files
from tenny_lsp.inference.meaning import Arguments, Home, LocalClass, LocalFunction, LocalModule, Meaning
from tenny_lsp.mlx_api.entry import ApiEntry
from tenny_lsp.mlx_api.index import ApiIndex
from tenny_lsp.source.buffer import Buffer
from tenny_lsp.source.syntax import Node


class Evaluator(Home, Protocol):
    """Evaluates the expressions of one file to their meanings, without running them. None means unknown."""

    @property
    def index(self) -> ApiIndex:
        """The API that the file may use."""

    @property
    def files(self) -> Files | None:
        """The reader of other files; None where names that lead to other files stay unknown."""

    @property
    def missing(self) -> set[str]:
        """The imports of the file that led to no file."""

    @property
    def others(self) -> Mapping[Path, Buffer]:
        """The other files that have been read so far."""

    def meaning(self, node: Node) -> Meaning | None:
        """Return the meaning of an expression."""

    def meaning_of_name(self, name: str, place: Node) -> Meaning | None:
        """Return the meaning of a name at a place in the file."""

    def member(self, owner: Meaning | None, name: str) -> Meaning | None:
        """Return the meaning of a member of a value."""

    def call_result(self, meaning: Meaning | None, arguments: Arguments | None = None) -> Meaning | None:
        """Return the meaning of a call's result."""

    def value(self, meaning: Meaning | None) -> Meaning | None:
        """Return the value that a constant of the API has: a ``float`` for ``mx.pi``; other meanings as they are."""

    def is_array(self, meaning: Meaning | None) -> bool:
        """Return whether a value is certain to be an ``mx.array``."""

    def memoised(self, key: Hashable, compute: Callable[[], Meaning | None]) -> Meaning | None:
        """Return what ``compute`` returns, computed once for each key of this file; see ``memo`` for recursion."""

    def imported(self, target: str) -> Meaning | None:
        """Return the meaning of an import of a module path, or of a name in a module."""

    def finds_any(self, targets: Iterable[str]) -> bool:
        """Return whether one of these imports leads to a file."""

    def exported(self, name: str) -> Meaning | None:
        """Return the meaning of a name of the module after all of its statements have run."""

    def installed(self, path: Path) -> "Evaluator | None":
        """Return the evaluator of a file installed beside the API, given relative to the folder of both, or None."""

    def source_of(self, entry: ApiEntry) -> LocalClass | None:
        """Return a class of the API as its own source defines it; None where that is not Python or cannot be read."""


def home_of(meaning: LocalClass | LocalFunction | LocalModule) -> Evaluator:
    """Return the evaluator of the file that defines a class, a function or a module."""
    return cast(Evaluator, meaning.home)  # only evaluators make such meanings
