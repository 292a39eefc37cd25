"""What rules ask of a file: which values its expressions are certain to have."""

import re
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property

from tenny_lsp.inference.evaluator import Evaluator
from tenny_lsp.inference.meaning import NEVER, Api, External, Instance, LocalClass, Meaning
from tenny_lsp.inference.members import bases, names_in
from tenny_lsp.inference.shapes.engine import ShapeEngine, go_on
from tenny_lsp.inference.shapes.rule import Value
from tenny_lsp.inference.shapes.values import ShapeError
from tenny_lsp.mlx_api.entry import ApiEntry
from tenny_lsp.mlx_api.index import ApiIndex
from tenny_lsp.pitfalls.file_facts import FileFacts
from tenny_lsp.source.buffer import Buffer
from tenny_lsp.source.scope import Binding, Scope
from tenny_lsp.source.syntax import Node, dotted_of, field, text_of, up_to

#: How many names ``is_made`` follows.
_DEEPEST = 4


class RuleContext:
    """The questions that a rule may ask of a file. A question that has no certain answer gets None, "" or False.

    They concern a node and what its names mean: a statement whose names still mean the same is not checked again after
    an edit. ``file`` holds the facts of the whole file; the whole tree is given to rules of scope "file" alone.

    Args:
        evaluator (Evaluator): The evaluator of the file.
        pause (Callable[[], None], optional): What the evaluation of shapes calls again and again, so that it can be
            held up. Default: nothing.
    """

    def __init__(self, evaluator: Evaluator, pause: Callable[[], None] | None = None) -> None:
        self.evaluator = evaluator
        self.pause = pause or go_on
        self.file = FileFacts(evaluator)
        self._buffer: Buffer = evaluator.buffer
        self._modified: dict[tuple[int, str], bool] = {}
        self._errors: dict[int, ShapeError | None] = {}

    @property
    def index(self) -> ApiIndex:
        """The API that the file may use."""
        return self.evaluator.index

    @cached_property
    def _modules(self) -> dict[str, str]:
        """Name → MLX's module, for the names that one import alone binds and that only ever stand before a dot."""
        found = {}
        for name, bindings in self._buffer.bindings_in(self._buffer.root).items():
            targets = {binding.target if binding.is_import else "" for binding in bindings}
            entry = self.index.resolve(targets.pop()) if len(targets) == 1 and name in self.file.imported else None
            if entry is not None and entry.kind == "module":
                word = re.escape(name)  # first, as re looks for text fast
                alone = re.findall(rf"{word}(?<![\w.]{word})(?![\w.])", self._buffer.text)
                if len(alone) == len(bindings):
                    found[name] = entry.name
        return found

    @cached_property
    def _shapes(self) -> ShapeEngine:
        return ShapeEngine(self.pause)

    def shape_error(self, node: Node) -> ShapeError | None:
        """Return why an expression is certain to raise for the shapes or dtypes in it; None where it may not.

        It hangs on the whole file: for rules that declare ``needs_shapes`` alone.
        """
        if node.id not in self._errors:
            self._errors[node.id] = self._shapes.error(self._shapes.generic(self.evaluator, node), node)
        return self._errors[node.id]

    def shape_value(self, node: Node) -> Value:
        """Return what shapes tell of an expression, an ``Array`` or a number; for rules that need shapes, too."""
        return self._shapes.value(self._shapes.generic(self.evaluator, node), node)

    def is_of_module(self, node: Node) -> bool:
        """Return whether an expression may be a module: a dotted name that starts with an imported name. Cheap."""
        while node.type == "attribute":
            node = node.named_children[0]
        return node.type == "identifier" and text_of(node) in self.file.imported

    def is_of_mlx(self, node: Node) -> bool:
        """Return whether an expression is certain to be a dotted name of MLX's, such as ``mx.softmax``. Cheap."""
        return dotted_of(node).partition(".")[0] in self._modules

    def meaning(self, node: Node | None) -> Meaning | None:
        """Return the meaning of an expression's value; None when it is not certain."""
        meaning = self.evaluator.value(self.evaluator.meaning(node)) if node is not None else None
        return meaning if meaning != NEVER else None

    def entry(self, node: Node | None) -> ApiEntry | None:
        """Return the entry of MLX's API that an expression names; None when it names none."""
        dotted = dotted_of(node) if node is not None else ""
        root, _, rest = dotted.partition(".")
        if root in self._modules:
            return self.index.resolve(f"{self._modules[root]}.{rest}" if rest else self._modules[root])
        meaning = self.evaluator.meaning(node) if node is not None else None
        return meaning.entry if isinstance(meaning, Api) else None

    def name(self, node: Node | None) -> str:
        """Return the public name in MLX's API that an expression names, ``mlx.core.sum``, or an empty string."""
        entry = self.entry(node)
        return entry.name if entry is not None else ""

    def external(self, node: Node | None) -> str:
        """Return the dotted name of what an expression is of Python or of another library, ``numpy.array``, or ""."""
        meaning = self.evaluator.meaning(node) if node is not None else None
        return meaning.name if isinstance(meaning, External) else ""

    def is_array(self, node: Node | None) -> bool:
        """Return whether an expression is certain to be an ``mx.array``."""
        if node is None or not self.evaluator.is_array(self.meaning(node)):
            return False
        return not self.file.mentions("isinstance") or not self._is_ruled_out(node)

    def _is_ruled_out(self, node: Node) -> bool:
        """Return whether an ``isinstance`` around an expression says that it is no array."""
        inner, outer = node, node.parent
        while outer is not None:
            condition = field(outer, "condition")
            if condition != inner and outer.type in ("if_statement", "elif_clause", "conditional_expression"):
                condition = condition or (outer.named_children[1] if len(outer.named_children) == 3 else None)
                test = rf"\bisinstance\(\s*{re.escape(text_of(node))}\s*,(.*)"
                found = re.search(test, text_of(condition), re.DOTALL) if condition is not None else None
                is_then = inner == field(outer, "consequence") or inner == outer.named_children[0]
                if found is not None and (
                    "array" not in found[1] or not is_then or "not" in text_of(condition or node)
                ):
                    return True
            inner, outer = outer, outer.parent
        return False

    def is_a(self, node: Node | None, name: str) -> bool:
        """Return whether an expression is certain to be an instance of a class of MLX's, or of a subclass."""
        meaning = self.meaning(node)
        return isinstance(meaning, Instance) and self.inherits(meaning.of, name)

    def is_one_of(self, node: Node | None, names: tuple[str, ...]) -> bool:
        """Return whether an expression is known as an instance of one of some classes of MLX's, and of no subclass."""
        meaning = self.meaning(node)
        return isinstance(meaning, Instance) and isinstance(meaning.of, Api) and meaning.of.entry.name in names

    def is_made(self, node: Node | None, depth: int = 0) -> bool:
        """Return whether the text shows each call of a layer or optimizer of MLX's that an expression may stand for.

        The value is then an instance of that very class: an annotation, a parameter or a function's result may be of
        a subclass.
        """
        if node is None or depth > _DEEPEST:
            return False
        if node.type == "call":
            function = field(node, "function") or node
            if not text_of(function).rpartition(".")[2][:1].isupper():  # to find out what is called takes longer
                return False
            cls = self.evaluator.meaning(function)
            return isinstance(cls, Api) and cls.entry.kind == "class"
        if node.type == "identifier":
            scope = next((one for one in self.scopes_around(node) if text_of(node) in one.bindings), None)
            found = scope.bindings[text_of(node)] if scope is not None else []
        elif node.type == "attribute" and text_of(node.named_children[0]) == "self":
            cls_node = up_to(node, "class_definition")
            name = text_of(node.named_children[-1])
            found = self._buffer.attributes_in(cls_node).get(name, []) if cls_node is not None else []
        else:
            return False
        values = [one.value for one in found if one.value is None or one.value.type != "none"]
        is_plain = not any(one.steps or one.annotation is not None for one in found)
        return bool(values) and is_plain and all(self.is_made(value, depth + 1) for value in values)

    def inherits(self, cls: Meaning | None, name: str) -> bool:
        """Return whether a class is certain to be one of MLX's, by its public name, or to inherit from it."""
        return any(isinstance(one, Api) and one.entry.name == name for one in self.lineage(cls))

    def lineage(self, cls: Meaning | None) -> list[Meaning | None]:
        """Return a class and all classes it inherits from; None stands among them for each that is not known."""
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
        """Return whether a class is certain not to have a member: all of its bases are known, and none has it."""
        for one in self.lineage(cls):
            if isinstance(one, LocalClass):
                if {"__getattr__", member} & set(names_in(one)):
                    return False
            elif not isinstance(one, Api) or self.index.resolve(f"{one.entry.name}.{member}") is not None:
                return False
        return True

    @property
    def module_bindings(self) -> Mapping[str, list[Binding]]:
        """The bindings at the top of the file, by name."""
        return self._buffer.bindings_in(self._buffer.root)

    def bindings_in(self, scope: Node) -> Mapping[str, list[Binding]]:
        """Return the bindings in a function, class or lambda, by name."""
        return self._buffer.bindings_in(scope)

    def scopes_around(self, node: Node) -> Sequence[Scope]:
        """Return the scopes that a name at a node is looked up in, the innermost first."""
        return self._buffer.scopes_around(node)

    def may_be_subclass(self, node: Node, member: str) -> bool:
        """Return whether a value may be of a subclass of the class that it is known by, which has a further member.

        A method's own ``self`` counts as of its class where no class of the file inherits from that; but ``forward``
        is what a base may leave to its subclasses.
        """
        meaning = self.meaning(node)
        if not isinstance(meaning, Instance) or meaning.is_exact:
            return False
        name = field(meaning.of.node, "name") if isinstance(meaning.of, LocalClass) else None
        is_own = text_of(node) == "self" and name is not None and text_of(name) not in self.file.inherited
        return not is_own or member == "forward"

    def alias(self, module: str, node: Node) -> str:
        """Return what a module is called where a node stands, ``mx``; an empty string when it has no name there."""
        hidden = set[str]()
        for scope in self._buffer.scopes_around(node):
            for name, bindings in scope.bindings.items():
                is_only = all(binding.is_import and binding.target == module for binding in bindings)
                if is_only and name not in hidden and any(_is_bound_at(binding, node) for binding in bindings):
                    return name
            hidden |= scope.bindings.keys()
        return ""

    def is_bound(self, name: str, node: Node) -> bool:
        """Return whether a name is bound in a scope around a node."""
        return any(name in scope.bindings for scope in self._buffer.scopes_around(node))

    def is_own(self, node: Node) -> bool:
        """Return whether an expression is a name that is bound in the scope that it stands in itself."""
        scope = next(iter(self._buffer.scopes_around(node)), None)
        return node.type == "identifier" and scope is not None and text_of(node) in scope.bindings

    def binding_of(self, node: Node | None) -> Binding | None:
        """Return the only binding of a name if it is in the name's own scope, before it and unconditional, or None."""
        if node is None or node.type != "identifier":
            return None
        scope = next(iter(self._buffer.scopes_around(node)), None)
        bindings = scope.bindings.get(text_of(node), []) if scope is not None else []
        if len(bindings) != 1 or bindings[0].branches or bindings[0].loops or bindings[0].since > node.start_byte:
            return None
        return bindings[0]

    def value_of(self, node: Node | None) -> Node | None:
        """Return the expression that a name is assigned, once and for good, or the expression itself if it is no name.

        Returns None when the name is assigned more than once, unpacked, or modified in place.
        """
        binding = self.binding_of(node)
        if node is None or node.type != "identifier":
            return node
        return binding.value if binding is not None and not binding.steps and not self._is_modified(node) else None

    def value_of_attribute(self, node: Node | None) -> Node | None:
        """Return the expression that ``self.x`` is assigned, once and for good; None where it is something else."""
        owner, name = (field(node, part) for part in ("object", "attribute"))
        cls = up_to(node, "class_definition") if node is not None else None
        if owner is None or name is None or text_of(owner) != "self" or cls is None:
            return None
        found = self._buffer.attributes_in(cls).get(text_of(name), [])
        is_one = len(found) == 1 and not found[0].branches and not found[0].loops and not found[0].steps
        return found[0].value if is_one else None

    def _is_modified(self, name: Node) -> bool:
        """Return whether the value of a name is modified in place in its scope: ``x[0] = 1``, ``x += 1``."""
        scope = next(iter(self._buffer.scopes_around(name))).node
        key = scope.id, text_of(name)
        if key not in self._modified:
            pattern = rb"\b%s\b[ \t]*(\[[^\n]*\][ \t]*[-+*/@%%&|^]*|[-+*/@%%&|^]+)=(?!=)" % re.escape(key[1].encode())
            self._modified[key] = re.search(pattern, scope.text or b"") is not None
        return self._modified[key]


def _is_bound_at(binding: Binding, node: Node) -> bool:
    """Return whether a binding is in force at a node: not if an ``if`` around it alone, as TYPE_CHECKING, makes it."""
    return all(branch.kind not in ("if", "case") or node.start_byte in branch for branch in binding.branches)
