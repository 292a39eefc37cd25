"""Evaluate member access: members of the API, of the file's own classes, of Python's collections."""

from collections.abc import Iterator
from dataclasses import replace

from tenny_lsp.inference.annotation import meaning_of_annotation, meaning_of_api_annotation
from tenny_lsp.inference.collections import unpacked, with_additions
from tenny_lsp.inference.definitions import is_property, meaning_of_definition, return_value
from tenny_lsp.inference.evaluator import Evaluator, home_of
from tenny_lsp.inference.meaning import (
    NEVER,
    Api,
    External,
    Function,
    Group,
    Instance,
    LocalClass,
    LocalFunction,
    LocalModule,
    Meaning,
    Plain,
    Table,
    group,
    join,
)
from tenny_lsp.inference.names import meaning_of_binding
from tenny_lsp.mlx_api.entry import ApiEntry
from tenny_lsp.source.scope import Binding
from tenny_lsp.source.syntax import Node, field, up_to


def member(evaluator: Evaluator, owner: Meaning | None, name: str) -> Meaning | None:
    """Return the meaning of a member of a value."""
    owner = value_of(evaluator, owner)
    if isinstance(owner, Instance) and isinstance(owner.of, LocalClass):
        return _attribute(owner.of, name, owner)
    if isinstance(owner, LocalClass):
        return _attribute(owner, name, None)
    if isinstance(owner, LocalModule):
        return home_of(owner).exported(name)
    if isinstance(owner, Instance) and owner.parts and name == "layers":
        return group("list", owner.parts)
    if isinstance(owner, External):
        return External(f"{owner.name}.{name}")
    if isinstance(owner, Group | Table):
        return _collection_member(owner, name)
    entry = member_entry(evaluator, owner, name)
    if entry is None:
        source = (
            evaluator.source_of(owner.of.entry) if isinstance(owner, Instance) and isinstance(owner.of, Api) else None
        )
        return _attribute(source, name, Instance(source)) if source is not None else NEVER if owner == NEVER else None
    if isinstance(owner, Instance):
        if entry.kind in ("property", "attribute"):
            return meaning_of_api_annotation(evaluator.index, entry.annotation, entry)
        return Api(entry, owner)
    return Api(entry)


def member_entry(evaluator: Evaluator, owner: Meaning | None, name: str) -> ApiEntry | None:
    """Return the entry of a member of a value; None when it is not the API's."""
    owner = value_of(evaluator, owner)
    if isinstance(owner, Instance):
        if isinstance(owner.of, LocalClass):
            found = _attribute(owner.of, name, owner)
            if isinstance(found, Api):
                return found.entry
            return None
        owner = owner.of
    if isinstance(owner, Api) and owner.entry.kind in ("module", "class"):
        return evaluator.index.resolve(f"{owner.entry.name}.{name}")
    return None


def value_of(evaluator: Evaluator, meaning: Meaning | None) -> Meaning | None:
    """Return a value in place of the API's name for it: an instance of ``Dtype`` for ``mx.float32``."""
    if isinstance(meaning, Api) and meaning.entry.kind in ("attribute", "property"):
        return meaning_of_api_annotation(evaluator.index, meaning.entry.annotation, meaning.entry)
    return meaning


def bases(cls: LocalClass) -> Iterator[Meaning | None]:
    """Yield the direct bases of a class of a file."""
    listed = field(cls.node, "superclasses")
    for base in listed.named_children if listed is not None else ():
        if base.type != "keyword_argument":
            yield home_of(cls).meaning(base)


def _attribute(cls: LocalClass, name: str, instance: Instance | None) -> Meaning | None:
    """Return the meaning of an attribute of a class of a file, or, given one, of its instance."""
    key = cls.node.start_byte, name, instance is None, instance is None or instance.is_exact
    return home_of(cls).memoised(key, lambda: _own_or_inherited(cls, name, instance))


def _own_or_inherited(cls: LocalClass, name: str, instance: Instance | None) -> Meaning | None:
    found = _own_attribute(cls, name, instance)
    if found:
        return join(found)
    for base in bases(cls):
        if not isinstance(base, Api | LocalClass):
            return None  # a base that is unknown may define it
        inherited = member(
            home_of(cls), Instance(base, is_exact=instance.is_exact) if instance is not None else base, name
        )
        if inherited is not None:
            if isinstance(inherited, Api | LocalFunction) and inherited.receiver is not None:
                return replace(inherited, receiver=instance)
            return inherited
    return None


def _own_attribute(cls: LocalClass, name: str, instance: Instance | None) -> list[Meaning | None]:
    """Return what each binding of this attribute in a class's own text gives it."""
    evaluator = home_of(cls)
    found: list[Meaning | None] = []
    for binding in evaluator.buffer.bindings_in(cls.node).get(name, ()):
        definition = binding.definition
        if definition is None or definition.type != "function_definition":
            is_known = instance is not None or _keeps_assigned_values(cls)
            found.append(meaning_of_binding(evaluator, binding) if is_known else None)
        elif is_property(definition):
            found.append(return_value(LocalFunction(evaluator, definition, instance)))
        else:
            method = meaning_of_definition(evaluator, definition)
            is_plain = isinstance(method, LocalFunction) and method.node == definition
            found.append(LocalFunction(evaluator, definition, instance) if is_plain else method)
    if instance is not None:
        found += [_assigned(evaluator, binding) for binding in evaluator.buffer.attributes_in(cls.node).get(name, ())]
    return found


def _keeps_assigned_values(cls: LocalClass) -> bool:
    """Return whether a class's attributes are what is assigned to them, as they are not in an ``Enum``."""
    return all(isinstance(base, Api | LocalClass) for base in bases(cls))


def _assigned(evaluator: Evaluator, binding: Binding) -> Meaning | None:
    known = meaning_of_annotation(evaluator, binding.annotation) if binding.annotation is not None else None
    if known is not None or binding.value is None:
        return known
    value = unpacked(evaluator, evaluator.meaning(binding.value), binding.steps)
    cls = up_to(binding.value, "class_definition")
    return with_additions(evaluator, value, binding.name, cls) if cls is not None and not binding.steps else value


def super_instance(evaluator: Evaluator, node: Node) -> Meaning | None:
    """Return the meaning of ``super()``: an instance of the only base of the class that a node is in."""
    cls = up_to(node, "class_definition")
    found = list(bases(LocalClass(evaluator, cls))) if cls is not None else []
    return Instance(found[0]) if len(found) == 1 and isinstance(found[0], Api | LocalClass) else None


def names_in(cls: LocalClass) -> list[str]:
    """Return the names of the attributes and methods that a class of a file defines itself, in its order."""
    buffer = cls.home.buffer
    return list(dict.fromkeys([*buffer.bindings_in(cls.node), *buffer.attributes_in(cls.node)]))


def _collection_member(owner: Group | Table, name: str) -> Meaning | None:
    if isinstance(owner, Table):
        pair = group("tuple", [None, owner.value])
        results: dict[str, Meaning | None] = {
            "items": Group("iterable", pair),
            "values": Group("iterable", owner.value),
            "keys": Group("iterable"),
            "get": owner.value,
            "pop": owner.value,
            "copy": owner,
        }
    else:
        results = {"pop": owner.each, "copy": owner, "index": Plain("int"), "count": Plain("int")}
    return Function(results[name]) if name in results else None
