"""What functions of a file take, and whether a call fits them."""

from collections.abc import Collection
from dataclasses import dataclass

from tenny_lsp.inference.definitions import class_of, decorators
from tenny_lsp.source.syntax import Node, field, text_of


@dataclass(frozen=True, slots=True)
class Arity:
    """The parameters of a function or lambda.

    Args:
        placed (tuple[str, ...]): Those that may be given by their place, in their order.
        required (frozenset[str]): Those without a default.
        named (frozenset[str]): Those that are given by name alone.
        takes_more (bool): Whether it has ``*args``.
        takes_any (bool): Whether it has ``**kwargs``.
    """

    placed: tuple[str, ...]
    required: frozenset[str]
    named: frozenset[str] = frozenset()
    takes_more: bool = False
    takes_any: bool = False

    def without_first(self) -> "Arity":
        """Return what is left once the first is given, as ``self`` is."""
        return Arity(self.placed[1:], self.required - set(self.placed[:1]), self.named, self.takes_more, self.takes_any)

    def takes(self, count: int, names: Collection[str] = ()) -> bool:
        """Return whether a call with so many arguments by place, and these by name, fits."""
        given = self.placed[:count]
        is_too_many = count > len(self.placed) and not self.takes_more
        is_unknown = not self.takes_any and not set(names) <= {*self.placed, *self.named}
        return not is_too_many and not is_unknown and not set(given) & set(names) and self.required <= {*given, *names}


def bound_arity(function: Node) -> Arity | None:
    """Return what a function takes when it is called, a method without ``self``; None where it cannot be read."""
    arity, is_method = arity_of(function), class_of(function) is not None
    is_static = "staticmethod" in map(text_of, decorators(function))
    return arity.without_first() if arity is not None and is_method and not is_static else arity


def arity_of(function: Node) -> Arity | None:
    """Return the parameters of a function or lambda; None where they cannot be read."""
    listed = field(function, "parameters")
    placed, required, named = list[str](), set[str](), set[str]()
    takes_more = takes_any = is_named = False
    for node in listed.named_children if listed is not None else ():
        kind, inner = node.type, node
        if kind == "typed_parameter" and node.named_children[0].type.endswith("_splat_pattern"):
            kind = node.named_children[0].type
        if kind == "list_splat_pattern":
            takes_more = is_named = True
        elif kind == "dictionary_splat_pattern":
            takes_any = True
        elif kind == "keyword_separator":
            is_named = True
        elif kind in ("identifier", "typed_parameter", "default_parameter", "typed_default_parameter"):
            inner = node if kind == "identifier" else field(node, "name") or node.named_children[0]
            name = text_of(inner)
            if is_named:
                named.add(name)
            else:
                placed.append(name)
            if "default" not in kind:
                required.add(name)
        elif kind not in ("comment", "positional_separator"):
            return None
    return Arity(tuple(placed), frozenset(required), frozenset(named), takes_more, takes_any)
