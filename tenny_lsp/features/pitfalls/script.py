"""A file as the rules see it: its calls, what its expressions are for certain, and the edits that change it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from tenny_lsp.features.pitfalls.rule import Edit
from tenny_lsp.mlx_api.entry import ApiEntry
from tenny_lsp.mlx_api.index import ApiIndex
from tenny_lsp.source.buffer import Buffer
from tenny_lsp.source.meaning import NEVER, Api, Instance, LocalClass, Meaning
from tenny_lsp.source.members import bases, names_in
from tenny_lsp.source.reader import Reader
from tenny_lsp.source.scope import Binding
from tenny_lsp.source.syntax import Node, dotted_of, field, text_of, up_to

#: What may stand before a dot or beside an operator without parentheses.
_ATOMS = {"identifier", "attribute", "call", "subscript", "parenthesized_expression", "integer", "list", "tuple"}
_LEAVES_OPEN = ("hasattr", "getattr", "AttributeError", "TypeError", "ImportError", "Exception", "version")


@dataclass(frozen=True, slots=True)
class Call:
    """A call in the text.

    Args:
        node (Node): The whole of it.
        function (Node): What is called.
        name (str): The last component of its name, ``sum`` of ``x.sum``; empty where it has none.
        owner (Node | None): What stands before the dot, ``x`` of ``x.sum``.
        listed (Node): The arguments with their parentheses.
        arguments (tuple[Node, ...]): By position.
        keywords (dict[str, Node]): By name, each with its name and value.
        is_whole (bool): Whether nothing is starred, broken or commented in it.
    """

    node: Node
    function: Node
    name: str
    owner: Node | None
    listed: Node
    arguments: tuple[Node, ...]
    keywords: dict[str, Node]
    is_whole: bool

    def value(self, keyword: str) -> Node | None:
        """Returns what a keyword argument is given."""
        return field(self.keywords.get(keyword), "value")


def call_of(node: Node) -> Call | None:
    """Returns a node as a call; None when it is none that can be read."""
    function, listed = field(node, "function"), field(node, "arguments")
    if function is None or listed is None or listed.type != "argument_list":
        return None
    owner, name = field(function, "object"), field(function, "attribute")
    short = name if name is not None else function if function.type == "identifier" else None
    keywords: dict[str, Node] = {}
    arguments: list[Node] = []
    is_whole = True
    for child in listed.named_children:
        if child.type == "keyword_argument":
            keywords[text_of(child.named_children[0])] = child
        elif child.type in ("list_splat", "dictionary_splat", "ERROR", "comment"):
            is_whole = False
        else:
            arguments.append(child)
    return Call(
        node, function, text_of(short) if short is not None else "", owner, listed, tuple(arguments), keywords,
        is_whole and not listed.has_error,
    )  # fmt: skip


class Script:
    """A file as the rules see it. Nothing is taken for MLX's unless that is certain.

    Args:
        buffer (Buffer): The text.
        reader (Reader): Reads what its expressions mean.
    """

    def __init__(self, buffer: Buffer, reader: Reader) -> None:
        self.buffer = buffer
        self.reader = reader
        self.index: ApiIndex = reader.index
        self._mentioned: dict[str, bool] = {}

    @cached_property
    def imported(self) -> frozenset[str]:
        """The words of the import statements: what may be the name of a module."""
        statements = re.findall(r"^[ \t]*(?:from\b.*?)?\bimport\b(?:\s*\([^)]*\)|.*)", self.buffer.text, re.MULTILINE)
        return frozenset(word for statement in statements for word in re.findall(r"\w+", statement))

    @cached_property
    def _modules(self) -> dict[str, str]:
        """Name → MLX's module, of those that nothing but one import binds: they never stand but before a dot."""
        found = {}
        for name, bindings in self.buffer.bindings_in(self.buffer.root).items():
            targets = {binding.target if binding.is_import else "" for binding in bindings}
            entry = self.index.resolve(targets.pop()) if len(targets) == 1 and name in self.imported else None
            if entry is not None and entry.kind == "module":
                alone = re.findall(rf"(?<![\w.]){re.escape(name)}(?![\w.])", self.buffer.text)
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
        meaning = self.reader.value(self.reader.meaning(node)) if node is not None else None
        return meaning if meaning != NEVER else None

    def entry(self, node: Node | None) -> ApiEntry | None:
        """Returns the name of MLX's that an expression is."""
        dotted = dotted_of(node) if node is not None else ""
        root, _, rest = dotted.partition(".")
        if root in self._modules:
            return self.index.resolve(f"{self._modules[root]}.{rest}" if rest else self._modules[root])
        meaning = self.reader.meaning(node) if node is not None else None
        return meaning.entry if isinstance(meaning, Api) else None

    def name(self, node: Node | None) -> str:
        """Returns the public name that an expression is, ``mlx.core.sum``, or an empty string."""
        entry = self.entry(node)
        return entry.name if entry is not None else ""

    def is_array(self, node: Node | None) -> bool:
        """Tells whether an expression is sure to be an ``mx.array``."""
        return self.reader.is_array(self.meaning(node))

    def is_a(self, node: Node | None, name: str) -> bool:
        """Tells whether an expression is sure to be an instance of a class of MLX's, or of one that inherits from it."""
        meaning = self.meaning(node)
        return isinstance(meaning, Instance) and self.inherits(meaning.of, name)

    def inherits(self, cls: Meaning | None, name: str) -> bool:
        """Tells whether a class is sure to be one of MLX's, by its public name, or to inherit from it."""
        if isinstance(cls, LocalClass):
            return any(self.inherits(base, name) for base in bases(cls))
        if not isinstance(cls, Api):
            return False
        found = (self.index.resolve(base) for base in cls.entry.bases)
        return cls.entry.name == name or any(self.inherits(Api(base), name) for base in found if base is not None)

    def lacks(self, cls: Meaning | None, member: str) -> bool:
        """Tells whether a class is sure not to have a member: all of its bases are known, and none has it."""
        if isinstance(cls, LocalClass):
            above = list(bases(cls))
            is_dynamic = "__getattr__" in names_in(cls) or not above
            return not is_dynamic and member not in names_in(cls) and all(self.lacks(base, member) for base in above)
        return isinstance(cls, Api) and self.index.resolve(f"{cls.entry.name}.{member}") is None

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
        scope = next(iter(self.buffer.scopes_around(name)))
        pattern = rb"\b%s\b[ \t]*(\[[^\n]*\][ \t]*[-+*/@%%&|^]*|[-+*/@%%&|^]+)=(?!=)"
        return re.search(pattern % re.escape(text_of(name).encode()), scope.node.text or b"") is not None

    def mentions(self, word: str) -> bool:
        """Tells whether a word stands anywhere in the text."""
        if word not in self._mentioned:
            self._mentioned[word] = self.buffer.mentions(word)
        return self._mentioned[word]

    def is_guarded(self, node: Node) -> bool:
        """Tells whether the text is prepared for something to be missing: by ``hasattr``, ``getattr`` or ``except``."""
        inner, outer = node, node.parent
        while outer is not None:
            if outer.type == "try_statement" and field(outer, "body") == inner:
                clauses = b"".join(child.text or b"" for child in outer.named_children if child != inner)
                if re.search(rb"except\s*(:|[^\n]*(" + "|".join(_LEAVES_OPEN).encode() + rb"))", clauses):
                    return True
            condition = field(outer, "condition")
            if outer.type == "conditional_expression" and len(outer.named_children) == 3:
                condition = outer.named_children[1]
            if outer.type == "boolean_operator":
                condition = field(outer, "left")
            if outer.type in ("elif_clause", "else_clause") and outer.parent is not None:
                condition = field(outer.parent, "condition")
            if condition is not None and any(word in text_of(condition) for word in _LEAVES_OPEN):
                return True
            inner, outer = outer, outer.parent
        return False


def replaced(node: Node, text: str) -> Edit:
    """Returns the edit that puts a text in a node's place."""
    return Edit(node.start_byte, node.end_byte, text)


def inserted(place: int, text: str) -> Edit:
    """Returns the edit that puts a text at a place, in bytes."""
    return Edit(place, place, text)


def without(call: Call, arguments: list[Node]) -> tuple[Edit, ...]:
    """Returns the edits that remove arguments of a call with their commas."""
    given = [child for child in call.listed.named_children if child.type != "comment"]
    edits = []
    for node in arguments:
        place = given.index(node)
        if place + 1 < len(given) and given[place + 1] not in arguments:
            edits.append(Edit(node.start_byte, given[place + 1].start_byte, ""))
        elif place:
            edits.append(Edit(given[place - 1].end_byte, node.end_byte, ""))
        else:
            edits.append(Edit(node.start_byte, node.end_byte, ""))
    return tuple(edits)


def atom(node: Node) -> str:
    """Returns an expression's text, in parentheses where it needs them before a dot or beside an operator."""
    return text_of(node) if node.type in _ATOMS else f"({text_of(node)})"


def function_around(node: Node) -> Node | None:
    """Returns the function that a node stands in."""
    return up_to(node.parent, "function_definition", "lambda") if node.parent is not None else None


def within(node: Node | None, *kinds: str) -> Iterator[Node]:
    """Yields the nodes of some kinds in a node, without what stands in functions and classes inside it."""
    waiting = [node] if node is not None else []
    while waiting:
        found = waiting.pop()
        if found.type in kinds:
            yield found
        if found == node or found.type not in ("function_definition", "class_definition", "lambda"):
            waiting += found.named_children
