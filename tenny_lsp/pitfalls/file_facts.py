"""What a rule may know of the rest of its file: few facts, cheap to compare after an edit."""

import re
from collections.abc import Hashable
from functools import cached_property

from tenny_lsp.inference.evaluator import Evaluator
from tenny_lsp.inference.meaning import Api, LocalFunction
from tenny_lsp.pitfalls.arities import Arity, bound_arity
from tenny_lsp.pitfalls.calls import Call, call_of
from tenny_lsp.source.syntax import text_of, up_to

#: The transforms that take gradients, and all transforms of functions → the position of the function's argument.
GRADIENTS = {"mlx.nn.value_and_grad": 1, "mlx.core.value_and_grad": 0, "mlx.core.grad": 0}
_TRANSFORMS = {"mlx.core.compile": 0, "mlx.core.vmap": 0, **GRADIENTS}
#: What makes floating-point numbers: a division, a point, an exponent, a function that gives one.
FRACTION = re.compile(r"(?<!/)/(?!/)|\.\d|\d\.|\de[-+]?\d|float|sqrt|log2|time")


class FileFacts:
    """Facts of a whole file that any rule may use; when one of them changes, the whole file is checked again.

    Args:
        evaluator (Evaluator): The evaluator of the file.
    """

    def __init__(self, evaluator: Evaluator) -> None:
        self._evaluator = evaluator
        self._buffer = evaluator.buffer
        #: The words that rules have asked for → whether the text has them.
        self._mentioned: dict[str, bool] = {}
        #: The attributes that rules have asked for → whether one of that name is assigned.
        self._asked_members: dict[str, bool] = {}
        self._arities: dict[str, tuple[Arity, ...]] = {}

    def equal_those_of(self, before: "FileFacts") -> bool:
        """Return whether the facts, and whether each word that rules asked for is mentioned, are as before an edit."""
        are_mentioned = all(self.mentions(word) == was for word, was in before._mentioned.items())
        are_set = all(self.sets_member(name) == was for name, was in before._asked_members.items())
        return are_mentioned and are_set and self._facts == before._facts

    def mentions(self, word: str) -> bool:
        """Return whether a word stands anywhere in the text."""
        if word not in self._mentioned:
            self._mentioned[word] = word in self._buffer.text
        return self._mentioned[word]

    def arities_of(self, name: str) -> tuple[Arity, ...]:
        """Return what the functions and methods of the file that have a name take, methods without ``self``.

        It only spares a rule to find out what is called: what a rule finds must not hang on it.
        """
        if name not in self._arities:
            root = self._buffer.root
            nodes = (root.descendant_for_byte_range(place, place) for place in self._definitions.get(name, ()))
            found = (up_to(node, "function_definition") for node in nodes if node is not None)
            self._arities[name] = tuple(bound_arity(one) or Arity((), frozenset({""})) for one in found if one)
        return self._arities[name]

    @cached_property
    def _definitions(self) -> dict[str, list[int]]:
        """Where functions and methods are defined, in bytes, by their names."""
        found: dict[str, list[int]] = {}
        for place in re.finditer(rb"\bdef (\w+)\(", self._buffer.root.text or b""):
            found.setdefault(place[1].decode("utf-8", "replace"), []).append(place.start())
        return found

    def sets_member(self, name: str) -> bool:
        """Return whether an attribute of a name is assigned anywhere: ``x`` of ``self.x = …``."""
        return self._asked_members.setdefault(name, name in self._set_members)

    @cached_property
    def _facts(self) -> Hashable:
        calls = {name: [text_of(call.node) for call in calls.values()] for name, calls in self.transformed.items()}
        return (
            repr(calls),
            self.imported,
            self.inherited,
            self.convolutions,
            self.rotary_layers,
            self.has_narrow_convolution,
            frozenset(self._buffer.tested_names),
        )

    @cached_property
    def transformed(self) -> dict[str, dict[int, Call]]:
        """The calls that transform functions of the file: the transform's name → the function's node id → the call."""
        text, found = self._buffer.root.text or b"", dict[str, dict[int, Call]]()
        for place in re.finditer(rb"\b(?:compile|vmap|grad|value_and_grad)\(", text):
            node = self._buffer.root.descendant_for_byte_range(place.start(), place.start())
            call = call_of(up_to(node, "call") if node is not None else None)
            transform = self._evaluator.meaning(call.function) if call is not None else None
            name = transform.entry.name if isinstance(transform, Api) else ""
            if call is None or len(call.arguments) <= _TRANSFORMS.get(name, 99):
                continue
            function = self._evaluator.meaning(call.arguments[_TRANSFORMS[name]])
            if isinstance(function, LocalFunction) and function.home is self._evaluator:
                found.setdefault(name, {})[function.node.id] = call
        return found

    @cached_property
    def gradients(self) -> dict[int, Call]:
        """The calls that take gradients, by the node id of the function that they differentiate."""
        return {node: call for name in GRADIENTS for node, call in self.transformed.get(name, {}).items()}

    @cached_property
    def convolutions(self) -> frozenset[str]:
        """The names that convolutions are assigned to."""
        return self._assigned(r"\.Conv[123]d\(")

    @cached_property
    def rotary_layers(self) -> frozenset[str]:
        """The names that rotary layers are assigned to."""
        return self._assigned(r"\.RoPE\(")

    def _assigned(self, made: str) -> frozenset[str]:
        """Return the names that are assigned what a module's class makes: ``conv`` of ``self.conv = nn.Conv1d(``."""
        text, found = self._buffer.text, set()
        for place in re.finditer(made, text):
            line = text[text.rfind("\n", 0, place.start()) + 1 : place.start()]
            found |= {assigned[1] for assigned in [re.search(r"(\w+) *= *\w+\Z", line)] if assigned}
        return frozenset(found)

    @cached_property
    def has_narrow_convolution(self) -> bool:
        """Whether a convolution of the file has a kernel of width 1."""
        is_narrow = r"\.Conv[123]d\(\s*[^,()]+,\s*[^,()]+,\s*(?:kernel_size\s*=\s*)?1\s*[,)]"
        return re.search(is_narrow, self._buffer.text) is not None

    @cached_property
    def fractions(self) -> frozenset[str]:
        """The names that are assigned what may be a fraction, by its text: it only spares a rule to look at others."""
        assigned = re.findall(r"^[ \t]*(\w+)[^=\n]*=(?!=)([^\n]*)", self._buffer.text, re.MULTILINE)
        return frozenset(name for name, value in assigned if FRACTION.search(value))

    @cached_property
    def _set_members(self) -> frozenset[str]:
        return frozenset(re.findall(r"\.(\w+) = ", self._buffer.text))

    @cached_property
    def inherited(self) -> frozenset[str]:
        """The words that stand where classes name their bases."""
        bases = re.findall(r"^[ \t]*class\s+\w+\s*\(([^)]*)", self._buffer.text, re.MULTILINE)
        return frozenset(word for listed in bases for word in re.findall(r"\w+", listed))

    @cached_property
    def imported(self) -> frozenset[str]:
        """The words of the import statements: what may be the name of a module."""
        statements = re.findall(r"import\b(?:\s*\([^)]*\)|.*)", self._buffer.text)
        return frozenset(word for statement in statements for word in re.findall(r"\w+", statement))
