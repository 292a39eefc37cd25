"""Reads what the expressions of one file mean, without running it; every part of inference goes through it."""

from collections.abc import Callable, Hashable
from typing import TYPE_CHECKING

from tenny_lsp.mlx_api.index import ApiIndex
from tenny_lsp.source import calls, expressions, members, names
from tenny_lsp.source.meaning import NEVER, Api, Arguments, External, Instance, Meaning, join
from tenny_lsp.source.syntax import Node

if TYPE_CHECKING:
    from tenny_lsp.source.buffer import Buffer

#: How deep expressions are followed into each other before their meaning is given up.
_DEEPEST = 60
#: How many expressions are read for one question before its answer is given up.
_MOST = 4000


class Reader:
    """What the expressions of a file mean.

    Args:
        buffer (Buffer): The file's text.
        index (ApiIndex): The API it may use.
    """

    def __init__(self, buffer: "Buffer", index: ApiIndex) -> None:
        self.buffer = buffer
        self.index = index
        self._known: dict[Hashable, Meaning | None] = {}
        self._assumed: dict[Hashable, Meaning | None] = {}
        self._used: set[Hashable] = set()
        self._depth = 0
        self._count = 0

    def meaning(self, node: Node) -> Meaning | None:
        """Returns what an expression means."""
        if self._depth == 0:
            self._count = 0
        self._count += 1
        if self._depth >= _DEEPEST or self._count > _MOST:
            return None
        self._depth += 1
        try:
            return expressions.meaning(self, node)
        finally:
            self._depth -= 1

    def once(self, key: Hashable, compute: Callable[[], Meaning | None]) -> Meaning | None:
        """Returns what is computed for a key, once; in a circle, what agrees with itself, or None."""
        if key in self._known:
            return self._known[key]
        if key in self._assumed:
            self._used.add(key)
            return self._assumed[key]
        self._assumed[key] = NEVER
        try:
            result = compute()
            if key in self._used and result is not None and result != NEVER:
                self._assumed[key] = result
                result = result if compute() == result else None
        finally:
            del self._assumed[key]
            self._used.discard(key)
        if not self._used and self._count <= _MOST and self._depth < _DEEPEST:
            self._known[key] = result
        return result

    def imported(self, target: str) -> Meaning | None:
        """Returns what an import of a module path, or of a name in a module, stands for."""
        if target.startswith("."):
            return None
        if entry := self.index.resolve(target):
            return Api(entry)
        return External(target) if target.partition(".")[0] != self.index.package else None

    def exported(self, name: str) -> Meaning | None:
        """Returns what a name of the module means at its end."""
        bindings = self.buffer.bindings_in(self.buffer.root).get(name, ())
        return join(names.bound(self, binding) for binding in bindings) if bindings else None

    def member(self, owner: Meaning | None, name: str) -> Meaning | None:
        """Returns what a member of a value is."""
        return members.member(self, owner, name)

    def called(self, meaning: Meaning | None, arguments: Arguments | None = None) -> Meaning | None:
        """Returns what calling a value returns."""
        return calls.called(self, meaning, arguments or Arguments())

    def value(self, meaning: Meaning | None) -> Meaning | None:
        """Returns a value in place of the API's name for it: a ``float`` for ``mx.pi``."""
        return members.value_of(self, meaning)

    def is_array(self, meaning: Meaning | None) -> bool:
        """Tells whether a value is sure to be an ``mx.array``."""
        if not isinstance(meaning, Instance) or not isinstance(meaning.of, Api):
            return False
        return meaning.of.entry.name == "mlx.core.array"
