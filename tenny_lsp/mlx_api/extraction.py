"""Extract the entries of a package on disk with griffe, statically: nothing of the package is imported."""

import logging
import re
from collections.abc import Iterator

import griffe

from tenny_lsp.errors import ApiIndexError
from tenny_lsp.mlx_api.docstring import first_paragraph, untyped, whole_sentences
from tenny_lsp.mlx_api.entry import ApiEntry, EntryKind, Item, Parameter, Signature
from tenny_lsp.mlx_api.environment import Installed

logging.getLogger("griffe").setLevel(logging.CRITICAL)

_SEE = re.compile(r"\s*(?:See|Equivalent to|Alias (?:for|of)|Same as) :(?:func|meth|class|obj):`~?\.?([\w.]+)`")
_PUBLIC_DUNDERS = {"__init__", "__call__"}

_Path = str


def read_entries(installed: Installed) -> list[ApiEntry]:
    """Return every public entry of a package, sorted by name.

    Raises:
        ApiIndexError: The package has neither stubs nor source.
    """
    loader = griffe.GriffeLoader(search_paths=installed.search_paths, allow_inspection=False)
    try:
        root = loader.load(installed.package, try_relative_path=False)
    except (ImportError, griffe.GriffeError, OSError, SyntaxError) as error:
        raise ApiIndexError(
            f"The package {installed.package!r} in {installed.folder} cannot be read: {error}",
            "Reinstall it.",
        ) from error
    if not isinstance(root, griffe.Module):
        raise ApiIndexError(f"{installed.package!r} is not a package", "Name a package, not a member of one.")
    objects = _public_objects(root)
    names = {path: min(public, key=lambda name: _preference(name, path)) for path, (_, public) in objects.items()}
    prefix = installed.folder.parent
    entries = [
        _entry(obj, names[path], _aliases(obj, {*public, path} - {names[path]}), names, str(prefix))
        for path, (obj, public) in objects.items()
    ]
    return sorted(entries, key=lambda entry: entry.name)


def _aliases(obj: griffe.Object, others: set[str]) -> list[str]:
    """Return the other names, sorted; none of a class's member, for they follow from those of its class."""
    return [] if obj.parent and obj.parent.is_class else sorted(others)


def _preference(name: str, canonical: _Path) -> tuple[int, bool, int, str]:
    """Return the sort key of a public name: the least nested comes first, then the one it is defined under."""
    return name.count("."), name != canonical, len(name), name


def _public_objects(root: griffe.Module) -> dict[_Path, tuple[griffe.Object, set[str]]]:
    """Return canonical path → (object, every public path to it); what comes from other packages left out."""
    objects: dict[_Path, tuple[griffe.Object, set[str]]] = {}
    for public_path, obj in _walk(root, root.path, root.path):
        objects.setdefault(obj.path, (obj, set()))[1].add(public_path)
    return objects


def _walk(scope: griffe.Object, path: str, package: str) -> Iterator[tuple[str, griffe.Object]]:
    yield path, scope
    overloads = getattr(scope, "overloads", {})
    members = {**{name: found[0] for name, found in overloads.items() if found}, **scope.members}
    for name, member in members.items():
        if name.startswith("_") and name not in _PUBLIC_DUNDERS:
            # A private module is not public, yet what it defines may be, through an import.
            continue
        target = _target(_aliased_member(member, scope), package)
        if target is None or (scope.is_class and name == "__init__"):
            continue
        if member.is_alias and (target.is_module or (target.is_class and scope.is_class)):  # may lead back here
            continue
        if target.is_module or (target.is_class and not scope.is_function):
            yield from _walk(target, f"{path}.{name}", package)
        elif not target.is_attribute or target.docstring or getattr(target, "annotation", None):
            if isinstance(target, griffe.Function) and not target.overloads:
                target.overloads = overloads.get(name)
            yield f"{path}.{name}", target


def _aliased_member(member: griffe.Object | griffe.Alias, scope: griffe.Object) -> griffe.Object | griffe.Alias:
    """Return the member that another one is assigned, as in ``acos = arccos``; any other member as it is."""
    if isinstance(member, griffe.Attribute) and member.annotation is None and member.value is not None:
        return scope.members.get(str(member.value), member)
    return member


def _target(member: griffe.Object | griffe.Alias, package: str) -> griffe.Object | None:
    if isinstance(member, griffe.Object):
        return member
    if not (member.target_path + ".").startswith(package + "."):
        return None
    try:
        final = member.final_target
    except (griffe.AliasResolutionError, griffe.CyclicAliasError):
        return None
    return final if isinstance(final, griffe.Object) and (final.path + ".").startswith(package + ".") else None


def _entry(obj: griffe.Object, name: str, aliases: list[str], names: dict[_Path, str], prefix: str) -> ApiEntry:
    summary, body, parameters, returns = _documentation(obj)
    related = _related(obj, names)
    return ApiEntry(
        name=name,
        kind=_kind(obj),
        aliases=tuple(aliases),
        signatures=_signatures(obj),
        annotation=str(obj.annotation or "") if isinstance(obj, griffe.Attribute) else "",
        summary=summary,
        body=body,
        parameters=parameters,
        returns=returns,
        bases=_bases(obj, names),
        related=related,
        path=_relative_path(obj, prefix),
        line=_line(obj),
    )


def _kind(obj: griffe.Object) -> EntryKind:
    if obj.is_attribute:
        return "property" if "property" in obj.labels else "attribute"
    if obj.is_function:
        return "method" if obj.parent and obj.parent.is_class else "function"
    return "class" if obj.is_class else "module"


def _line(obj: griffe.Object) -> int:
    """Return the line of ``def`` or ``class``; griffe's own is that of the first decorator."""
    decorators = obj.decorators if isinstance(obj, griffe.Function | griffe.Class) else []
    return max((decorator.endlineno + 1 for decorator in decorators if decorator.endlineno), default=obj.lineno or 0)


def _relative_path(obj: griffe.Object, prefix: str) -> str:
    path = obj.filepath[0] if isinstance(obj.filepath, list) else obj.filepath
    return str(path).removeprefix(prefix).lstrip("/\\").replace("\\", "/")


def _docstring(obj: griffe.Object) -> griffe.Docstring | None:
    if obj.docstring or not isinstance(obj, griffe.Function):
        return obj.docstring
    return next((overload.docstring for overload in obj.overloads or () if overload.docstring), None)


def _documentation(
    obj: griffe.Object,
) -> tuple[str, tuple[tuple[str, str], ...], tuple[Item, ...], tuple[Item, ...]]:
    docstring = _docstring(obj)
    if docstring is None:
        return "", (), (), ()
    body: list[tuple[str, str]] = []
    parameters: list[Item] = []
    returns: list[Item] = []
    for section in _sections(docstring):
        if section.kind is griffe.DocstringSectionKind.parameters:
            parameters += [Item(p.name, str(p.annotation or ""), p.description) for p in section.value]
        elif section.kind is griffe.DocstringSectionKind.returns:
            returns += [Item(r.name or "", str(r.annotation or ""), untyped(r.description)) for r in section.value]
        elif section.kind is griffe.DocstringSectionKind.raises:
            raised = "\n".join(f"- ``{item.annotation}``: {item.description}" for item in section.value)
            body.append(("Raises", raised))
        elif section.kind is griffe.DocstringSectionKind.examples:
            body.append(("Examples", "\n\n".join(text for _, text in section.value)))
        elif section.kind is griffe.DocstringSectionKind.admonition:
            body.append((section.title or section.value.kind.capitalize(), section.value.contents))
        elif isinstance(section.value, str):
            body.append((section.title or "", section.value))
    summary = ""
    if body and not body[0][0]:
        summary, rest = first_paragraph(body[0][1].strip())
        body[:1] = [("", rest)] if rest.strip() else []
    return whole_sentences(summary), tuple(body), tuple(parameters), tuple(returns)


def _sections(docstring: griffe.Docstring) -> list[griffe.DocstringSection]:
    if re.search(r"^\s*-{3,}\s*$", docstring.value, re.M):
        return griffe.parse_numpy(docstring, warnings=False)
    return griffe.parse_google(docstring, warnings=False, returns_multiple_items=False)


def _related(obj: griffe.Object, names: dict[_Path, str]) -> str:
    docstring = _docstring(obj)
    see = docstring and _SEE.match(docstring.value)
    if not see:
        return ""
    module = obj.module.path
    candidates = (see[1], f"{module}.{see[1]}", f"{obj.package.path}.core.{see[1]}", f"{obj.package.path}.{see[1]}")
    known = {name: name for name in names.values()} | names
    return next((known[c] for c in candidates if c in known and known[c] != names.get(obj.path)), "")


def _signatures(obj: griffe.Object) -> tuple[Signature, ...]:
    if isinstance(obj, griffe.Class):
        constructor = _constructor(obj)
        return _signatures(constructor) if constructor else (Signature(()),)
    if not isinstance(obj, griffe.Function):
        return ()
    drop_self = bool(obj.parent and obj.parent.is_class and "staticmethod" not in obj.labels)
    returns = "" if obj.name == "__init__" else None
    return tuple(
        Signature(
            tuple(_parameter(p) for p in list(overload.parameters)[1 if drop_self else 0 :]),
            str(overload.returns or "") if returns is None else returns,
        )
        for overload in obj.overloads or (obj,)
    )


def _constructor(cls: griffe.Class) -> griffe.Function | None:
    try:
        lineage = [cls, *cls.mro()]
    except (griffe.GriffeError, ValueError):
        lineage = [cls]
    for ancestor in lineage:
        found = ancestor.overloads.get("__init__") or ancestor.members.get("__init__")
        if isinstance(found, list):
            found[0].overloads = found
            return found[0]
        if isinstance(found, griffe.Function):
            return found
    return None


def _parameter(parameter: griffe.Parameter) -> Parameter:
    kind = parameter.kind.value if parameter.kind else "positional or keyword"
    variadic = kind.startswith("variadic")
    default = "" if parameter.default is None or variadic else str(parameter.default)
    return Parameter(parameter.name.lstrip("*"), kind, str(parameter.annotation or ""), default)


def _bases(obj: griffe.Object, names: dict[_Path, str]) -> tuple[str, ...]:
    """Return the public classes that a class derives from, directly or through private ones."""
    found: list[str] = []
    line = [obj] if isinstance(obj, griffe.Class) else []
    for cls in line:
        try:
            # `class Foo(Foo)` over an imported Foo: griffe takes the base for the class itself.
            bases = [base for base in cls.resolved_bases if base is not obj]
        except griffe.GriffeError:
            continue
        found += [names[base.path] for base in bases if base.path in names]
        private = [base for base in bases if base.path not in names and isinstance(base, griffe.Class)]
        line += [base for base in private if base not in line]
    return tuple(dict.fromkeys(found))
