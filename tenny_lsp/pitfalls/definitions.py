"""What functions and classes of the workspace, and of packages that build on MLX, take: by their definitions."""

from dataclasses import dataclass

from tenny_lsp.inference.definitions import class_of, decorators
from tenny_lsp.inference.evaluator import home_of
from tenny_lsp.inference.meaning import Api, External, Instance, LocalClass, LocalFunction, LocalModule, Meaning
from tenny_lsp.inference.members import bases, member, names_in
from tenny_lsp.inference.packages import definition_of, is_of_package
from tenny_lsp.pitfalls.arities import Arity, arity_of
from tenny_lsp.pitfalls.calls import Call
from tenny_lsp.pitfalls.context import RuleContext
from tenny_lsp.source.syntax import Node, field, text_of

#: Decorators under which a method takes what its definition says.
_PLAIN = {"staticmethod", "classmethod"}
#: What stands for a class that is not known by its name: a subclass may stand there.
_ANY_CLASS = ("cls", "type", "self.__class__")
#: Bases from outside of the workspace that make instances as any class does.
_BASES = ("object", "abc.ABC")


@dataclass(frozen=True, slots=True)
class Definition:
    """What is called, and what it takes.

    Args:
        name (str): Its full name, or the name that its definition has.
        arity (Arity): Its parameters, without ``self``.
    """

    name: str
    arity: Arity


def definition_called(context: RuleContext, call: Call) -> Definition | None:
    """Return the definition that a call is certain to run; None where it may be another, or cannot be read."""
    if call.function.type not in ("identifier", "attribute") or not _may_be_defined(context, call):
        return None
    meaning = context.evaluator.meaning(call.function)
    if isinstance(meaning, External):
        if not is_of_package(context.evaluator, meaning.name):
            return None
        return _of(context, call, definition_of(context.evaluator, meaning.name), meaning.name)
    return _of(context, call, meaning, "")


def _may_be_defined(context: RuleContext, call: Call) -> bool:
    """Return whether a call may be of what a module or this file defines: to evaluate each owner takes longer."""
    if context.is_of_mlx(call.function):
        return False
    if call.owner is None or context.is_of_module(call.owner) or context.file.sets_member(call.name):
        return True
    return not all(one.takes(len(call.arguments), call.keywords) for one in context.file.arities_of(call.name))


def _of(context: RuleContext, call: Call, meaning: Meaning | None, full: str) -> Definition | None:
    """Return what is called, where it is a function, a class or an instance of the workspace or of a package."""
    function: LocalFunction | None = None
    if isinstance(meaning, LocalFunction):
        function = meaning if full or _is_its_own(context, call, meaning) else None
    elif isinstance(meaning, LocalClass):
        function = _method(meaning, "__init__") if text_of(call.function) not in _ANY_CLASS else None
    elif isinstance(meaning, Instance) and isinstance(meaning.of, LocalClass):
        is_known = meaning.is_exact or not context.may_be_subclass(call.function, "__call__")
        function = _method(meaning.of, "__call__") if is_known else None
    arity = _arity(function) if function is not None else None
    if arity is None:
        return None
    owner = meaning.of if isinstance(meaning, Instance) else meaning
    named = field(owner.node, "name") if isinstance(owner, LocalClass) else None
    return Definition(full or text_of(named or call.function).rpartition(".")[2], arity)


def _is_its_own(context: RuleContext, call: Call, function: LocalFunction) -> bool:
    """Return whether a function is the one that is called, and not one that a subclass or an instance replaces."""
    if call.owner is None:
        return call.function.type == "identifier"
    if function.node.type == "lambda" or _is_stub(function.node):
        return False
    if function.receiver is None:  # what is assigned in a class takes the instance too
        return isinstance(context.meaning(call.owner), LocalModule | LocalClass)
    return function.receiver.is_exact or not context.may_be_subclass(call.owner, call.name)


def _is_stub(function: Node) -> bool:
    """Return whether a method says nothing, or that subclasses define it."""
    body = field(function, "body")
    return body is not None and all(map(_says_nothing, body.named_children))


def _says_nothing(statement: Node) -> bool:
    if statement.type == "expression_statement":
        return statement.named_children[0].type in ("string", "ellipsis")
    return statement.type in ("pass_statement", "raise_statement", "comment")


def _method(cls: LocalClass, name: str) -> LocalFunction | None:
    """Return the method that a class has for certain, its own or an only base's; None where it is not a plain one."""
    seen = list[LocalClass]()
    while cls not in seen:
        seen.append(cls)
        names, above = set(names_in(cls)), list(bases(cls))
        if _is_made_otherwise(cls, names) or not all(map(_is_plain_base, above)):
            return None
        if name in names:
            found = member(home_of(cls), Instance(cls), name)
            return found if isinstance(found, LocalFunction) else None
        if len(above) != 1 or not isinstance(above[0], LocalClass):
            return None
        cls = above[0]
    return None


def _is_made_otherwise(cls: LocalClass, names: set[str]) -> bool:
    """Return whether a decorator, a metaclass or ``__new__`` may take a class's arguments."""
    listed = field(cls.node, "superclasses")
    has_options = listed is not None and any(one.type == "keyword_argument" for one in listed.named_children)
    return bool(decorators(cls.node)) or has_options or "__new__" in names


def _is_plain_base(base: Meaning | None) -> bool:
    """Return whether a base makes its instances as any class does: no metaclass, no ``__new__`` of its own."""
    return isinstance(base, LocalClass | Api) or (isinstance(base, External) and base.name in _BASES)


def _arity(function: LocalFunction) -> Arity | None:
    """Return what a function takes when it is called as it was found, without ``self``; None where that is unknown."""
    names = set(map(text_of, decorators(function.node)))
    arity = arity_of(function.node)
    if arity is None or names - _PLAIN:
        return None
    is_method = class_of(function.node) is not None and function.node.type == "function_definition"
    is_bound = is_method and "staticmethod" not in names and (function.receiver is not None or "classmethod" in names)
    return arity.without_first() if is_bound else arity
