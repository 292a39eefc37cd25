"""A file as the rules see it: what its names and expressions are for certain, and what it is prepared for."""

import re
from collections.abc import Hashable
from functools import cached_property

from tenny_lsp.inference.evaluator import Evaluator
from tenny_lsp.inference.meaning import NEVER, Api, Instance, LocalClass, LocalFunction, Meaning
from tenny_lsp.inference.members import bases, names_in
from tenny_lsp.mlx_api.entry import ApiEntry
from tenny_lsp.mlx_api.index import ApiIndex
from tenny_lsp.pitfalls.calls import Call, call_of
from tenny_lsp.source.buffer import Buffer
from tenny_lsp.source.scope import Binding
from tenny_lsp.source.syntax import Node, dotted_of, field, text_of, up_to

#: What takes gradients, and all that transforms functions → where the function stands among its arguments.
GRADIENTS = {"mlx.nn.value_and_grad": 1, "mlx.core.value_and_grad": 0, "mlx.core.grad": 0}
TRANSFORMS = {"mlx.core.compile": 0, "mlx.core.vmap": 0, **GRADIENTS}


class RuleContext:
    """A file as the rules see it. Nothing is taken for MLX's unless that is certain.

    Args:
        buffer (Buffer): The text.
        evaluator (Evaluator): Reads what its expressions mean.
    """

    def __init__(self, buffer: Buffer, evaluator: Evaluator) -> None:
        self.buffer = buffer
        self.evaluator = evaluator
        self.index: ApiIndex = evaluator.index
        #: Words that were asked for, and whether they stand anywhere in the text.
        self.mentioned: dict[str, bool] = {}
        #: Whether the whole text was looked through for what is being looked at.
        self.has_looked_around = False
        self._changed: dict[tuple[int, str], bool] = {}

    @property
    def whole(self) -> Node:
        """The whole text, for what hangs on all of it."""
        self.has_looked_around = True
        return self.buffer.root

    @cached_property
    def facts(self) -> Hashable:
        """What is known of the whole text and used all over it."""
        calls = {name: [text_of(call.node) for call in calls.values()] for name, calls in self.transformed.items()}
        return repr(calls), self.imported, self.convolutions, frozenset(self.buffer.tested_names)

    @cached_property
    def transformed(self) -> dict[str, dict[int, Call]]:
        """The calls that transform functions of the file: the transform's name → the function's node → the call."""
        text, found = self.buffer.root.text or b"", dict[str, dict[int, Call]]()
        for place in re.finditer(rb"\b(?:compile|vmap|grad|value_and_grad)\(", text):
            node = self.buffer.root.descendant_for_byte_range(place.start(), place.start())
            outer = up_to(node, "call") if node is not None else None
            call = call_of(outer) if outer is not None else None
            name = self.name(call.function) if call is not None else ""
            if call is None or len(call.arguments) <= TRANSFORMS.get(name, 99):
                continue
            function = self.evaluator.meaning(call.arguments[TRANSFORMS[name]])
            if isinstance(function, LocalFunction) and function.home is self.evaluator:
                found.setdefault(name, {})[function.node.id] = call
        return found

    @cached_property
    def gradients(self) -> dict[int, Call]:
        """The calls that take gradients, by the node of the function that they differentiate."""
        return {node: call for name in GRADIENTS for node, call in self.transformed.get(name, {}).items()}

    @cached_property
    def convolutions(self) -> frozenset[str]:
        """The names that convolutions are given."""
        text, found = self.buffer.text, set()
        for place in re.finditer(r"\.Conv[123]d\(", text):
            line = text[text.rfind("\n", 0, place.start()) + 1 : place.start()]
            found |= {assigned[1] for assigned in [re.search(r"(\w+) *= *\w+\Z", line)] if assigned}
        return frozenset(found)

    @cached_property
    def imported(self) -> frozenset[str]:
        """The words of the import statements: what may be the name of a module."""
        statements = re.findall(r"import\b(?:\s*\([^)]*\)|.*)", self.buffer.text)
        return frozenset(word for statement in statements for word in re.findall(r"\w+", statement))

    @cached_property
    def _modules(self) -> dict[str, str]:
        """Name → MLX's module, of those that nothing but one import binds: they never stand but before a dot."""
        found = {}
        for name, bindings in self.buffer.bindings_in(self.buffer.root).items():
            targets = {binding.target if binding.is_import else "" for binding in bindings}
            entry = self.index.resolve(targets.pop()) if len(targets) == 1 and name in self.imported else None
            if entry is not None and entry.kind == "module":
                word = re.escape(name)  # first, as re looks for text fast
                alone = re.findall(rf"{word}(?<![\w.]{word})(?![\w.])", self.buffer.text)
                if len(alone) == len(bindings):
                    found[name] = entry.name
        return found

    def is_of_module(self, node: Node) -> bool:
        """Tells, quickly, whether an expression may be a module: a dotted name that starts with an imported one."""
        while node.type == "attribute":
            node = node.named_children[0]
        return node.type == "identifier" and text_of(node) in self.imported

    def meaning(self, node: Node | None) -> Meaning | None:
        """Returns what an expression is; None when that is not certain."""
        meaning = self.evaluator.value(self.evaluator.meaning(node)) if node is not None else None
        return meaning if meaning != NEVER else None

    def entry(self, node: Node | None) -> ApiEntry | None:
        """Returns the name of MLX's that an expression is."""
        dotted = dotted_of(node) if node is not None else ""
        root, _, rest = dotted.partition(".")
        if root in self._modules:
            return self.index.resolve(f"{self._modules[root]}.{rest}" if rest else self._modules[root])
        meaning = self.evaluator.meaning(node) if node is not None else None
        return meaning.entry if isinstance(meaning, Api) else None

    def name(self, node: Node | None) -> str:
        """Returns the public name that an expression is, ``mlx.core.sum``, or an empty string."""
        entry = self.entry(node)
        return entry.name if entry is not None else ""

    def is_array(self, node: Node | None) -> bool:
        """Tells whether an expression is sure to be an ``mx.array``."""
        if node is None or not self.evaluator.is_array(self.meaning(node)):
            return False
        return not self.mentions("isinstance") or not self._is_told_otherwise(node)

    def _is_told_otherwise(self, node: Node) -> bool:
        """Tells whether an ``isinstance`` around an expression says that it is something else than it seems."""
        inner, outer = node, node.parent
        test = re.compile(rf"\bisinstance\(\s*{re.escape(text_of(node))}\s*,(.*)", re.DOTALL)
        while outer is not None:
            condition = field(outer, "condition")
            if condition != inner and outer.type in ("if_statement", "elif_clause", "conditional_expression"):
                condition = condition or (outer.named_children[1] if len(outer.named_children) == 3 else None)
                found = test.search(text_of(condition)) if condition is not None else None
                is_then = inner == field(outer, "consequence") or inner == outer.named_children[0]
                if found is not None and (
                    "array" not in found[1] or not is_then or "not" in text_of(condition or node)
                ):
                    return True
            inner, outer = outer, outer.parent
        return False

    def is_a(self, node: Node | None, name: str) -> bool:
        """Tells whether an expression is sure to be an instance of a class of MLX's, or of its subclass."""
        meaning = self.meaning(node)
        return isinstance(meaning, Instance) and self.inherits(meaning.of, name)

    def inherits(self, cls: Meaning | None, name: str) -> bool:
        """Tells whether a class is sure to be one of MLX's, by its public name, or to inherit from it."""
        return any(isinstance(one, Api) and one.entry.name == name for one in self.lineage(cls))

    def lineage(self, cls: Meaning | None) -> list[Meaning | None]:
        """Returns a class and all that it inherits from; None among them where that is not known."""
        found: list[Meaning | None] = []
        waiting = [cls]
        while waiting:
            one = waiting.pop(0)
            if one not in found:
                found.append(one)
                if isinstance(one, LocalClass):
                    waiting += bases(one)
                elif isinstance(one, Api):
                    above = (self.index.resolve(base) for base in one.entry.bases)
                    waiting += [Api(base) if base is not None else None for base in above]
        return found

    def lacks(self, cls: Meaning | None, member: str) -> bool:
        """Tells whether a class is sure not to have a member: all of its bases are known, and none has it."""
        for one in self.lineage(cls):
            if isinstance(one, LocalClass):
                if {"__getattr__", member} & set(names_in(one)):
                    return False
            elif not isinstance(one, Api) or self.index.resolve(f"{one.entry.name}.{member}") is not None:
                return False
        return True

    def alias(self, module: str, node: Node) -> str:
        """Returns what a module is called where a node stands, ``mx``; an empty string when it has no name there."""
        for scope in self.buffer.scopes_around(node):
            for name, bindings in scope.bindings.items():
                if all(binding.is_import and binding.target == module for binding in bindings):
                    return name
        return ""

    def binding_of(self, node: Node | None) -> Binding | None:
        """Returns the only place that gives a name its value, where it is in the name's own scope and before it."""
        if node is None or node.type != "identifier":
            return None
        scope = next(iter(self.buffer.scopes_around(node)), None)
        bindings = scope.bindings.get(text_of(node), []) if scope is not None else []
        if len(bindings) != 1 or bindings[0].branches or bindings[0].loops or bindings[0].since > node.start_byte:
            return None
        return bindings[0]

    def value_of(self, node: Node | None) -> Node | None:
        """Returns the expression behind a name that is assigned once, or the expression itself."""
        binding = self.binding_of(node)
        if node is None or node.type != "identifier":
            return node
        return binding.value if binding is not None and not binding.steps and not self.is_changed(node) else None

    def is_changed(self, name: Node) -> bool:
        """Tells whether what a name holds is changed in place in its scope: ``x[0] = 1``, ``x += 1``."""
        scope = next(iter(self.buffer.scopes_around(name))).node
        key = scope.id, text_of(name)
        if key not in self._changed:
            pattern = rb"\b%s\b[ \t]*(\[[^\n]*\][ \t]*[-+*/@%%&|^]*|[-+*/@%%&|^]+)=(?!=)" % re.escape(key[1].encode())
            self._changed[key] = re.search(pattern, scope.text or b"") is not None
        return self._changed[key]

    def mentions(self, word: str) -> bool:
        """Tells whether a word stands anywhere in the text."""
        if word not in self.mentioned:
            self.mentioned[word] = word in self.buffer.text
        return self.mentioned[word]
