"""Names that MLX's modules do not have, and no other library either: misspelt, misplaced or made up."""

import re
import typing
from collections.abc import Iterator
from difflib import get_close_matches
from functools import lru_cache, partial
from pathlib import PurePosixPath

from tenny_lsp.mlx_api.entry import ApiEntry
from tenny_lsp.mlx_api.foreign import replacement_for_member
from tenny_lsp.mlx_api.index import ApiIndex
from tenny_lsp.mlx_api.naming import customary_name
from tenny_lsp.mlx_api.pages import page_of
from tenny_lsp.pitfalls.context import RuleContext
from tenny_lsp.pitfalls.edits import Fix, replaced
from tenny_lsp.pitfalls.foreign import advice, is_explained
from tenny_lsp.pitfalls.guards import is_guarded, is_set_or_guarded
from tenny_lsp.pitfalls.rule import PYTHON, Example, Finding, Search, rule
from tenny_lsp.source.syntax import Node, field, text_of

#: The modules whose members are all known.
_KNOWN = {
    "mlx.core", "mlx.core.fast", "mlx.core.fft", "mlx.core.linalg", "mlx.core.random", "mlx.core.distributed",
    "mlx.core.metal", "mlx.core.cuda", "mlx.nn", "mlx.nn.losses", "mlx.nn.init", "mlx.optimizers", "mlx.utils",
}  # fmt: skip
#: What these modules import for themselves, and what MLX's stubs leave out.
_THEIR_OWN = {"math", "mx", "defaultdict", "zip_longest", "Reduction", "matrix_norm", "state"}
_IGNORED = re.compile(rb"#\s*(?:type|pyright|ty|pyrefly|mypy|pylint):\s*(?:ignore|disable)")
#: How alike a name must be to one that is meant, and how long, for it to be guessed.
_ALIKE, _GUESSED = 0.8, 5


@rule(
    "unknown-name",
    "error",
    "A name that MLX does not have",
    PYTHON + "ops.html",
    scope="file",
    kinds=("attribute",),
    examples=(
        Example("y = mx.sofmax(x)", "y = mx.softmax(x)", "y.shape == (2, 3)"),
        Example("y = mx.concatinate([x, x])", "y = mx.concatenate([x, x])", "y.shape == (4, 3)"),
        Example("y = mx.Linear(3, 2)(x)", "y = nn.Linear(3, 2)(x)", "y.shape == (2, 2)"),
        Example("y = mx.nn.relu(x)", "y = nn.relu(x)", "y.shape == (2, 3)", is_fixed=False),
        Example("y = mx.FlashTensor([1])", "y = mx.array([1])", "y.size == 1", is_fixed=False),
    ),
)
def unknown_name(context: RuleContext, node: Node) -> Search | None:
    """Find members that MLX's modules do not have, where no other library's explains them."""
    owner, member = field(node, "object"), field(node, "attribute")
    if owner is None or member is None or not context.is_of_module(owner) or context.index.is_substitute:
        return None
    module = context.entry(owner)
    name = text_of(member)
    if module is None or module.name not in _KNOWN or not name or not _is_missing(context.index, module.name, name):
        return None
    if is_set_or_guarded(context, node) or is_explained(context, node, module.name, name):
        return None
    return partial(_unexpected_name, context, node, module)


def _unexpected_name(context: RuleContext, node: Node, module: ApiEntry, whole: Node) -> Iterator[Finding]:
    """Report a name that a module lacks, unless the file expects that."""
    name = text_of(node.named_children[-1])
    if _is_expected(context, whole, node, name):
        return
    message, better = _meant(context.index, module, name)
    alias = context.alias(better.name.rpartition(".")[0], node) if better is not None else ""
    fixes: tuple[Fix, ...] = ()
    if better is not None and alias:
        text = f"{alias}.{better.short_name}"
        fixes = (Fix(f"Write {text}", (replaced(node, text),), is_safe=False),)
    yield Finding(node, message, fixes, (page_of(better.name) if better is not None else "") or "")


@rule(
    "unknown-import",
    "error",
    "An import of a name that MLX does not have",
    PYTHON + "ops.html",
    scope="file",
    kinds=("import_from_statement",),
    examples=(
        Example("from mlx.core import sofmax\ny = sofmax(x)", "from mlx.core import softmax\ny = softmax(x)",
                "y.shape == (2, 3)", is_fixed=False),
        Example("from mlx.core import cat\ny = cat([x])", "from mlx.core import concatenate\ny = concatenate([x])",
                "y.shape == (2, 3)", is_fixed=False),
    ),
)  # fmt: skip
def unknown_import(context: RuleContext, node: Node) -> Search | None:
    """Find imports of names that MLX's modules do not have."""
    path, names = field(node, "module_name"), node.children_by_field_name("name")
    module = context.index.resolve(text_of(path)) if path is not None and not context.index.is_substitute else None
    if module is None or module.name not in _KNOWN or is_guarded(context, node):
        return None
    imports = ((given, field(given, "name") or given) for given in names)
    missing = [
        (given, imported)
        for given, imported in imports
        if imported.type == "dotted_name" and _is_missing(context.index, module.name, text_of(imported))
    ]
    return partial(_unexpected_imports, context, module, missing) if missing else None


def _unexpected_imports(
    context: RuleContext, module: ApiEntry, missing: list[tuple[Node, Node]], whole: Node
) -> Iterator[Finding]:
    """Report imported names that a module lacks, unless the file expects that."""
    for given, imported in missing:
        name = text_of(imported)
        if not _is_expected(context, whole, given, name):
            found = replacement_for_member(module.name, name)
            message, _ = _meant(context.index, module, name)
            if found is not None:
                message = f"`{customary_name(module.name)}` has no `{name}`.{advice(found.mlx, found.note)}"
            yield Finding(imported, message)


def _is_missing(index: ApiIndex, module: str, name: str) -> bool:
    is_theirs = name.startswith("_") or name in _THEIR_OWN or hasattr(typing, name) or name in _files(index)
    return not is_theirs and index.resolve(f"{module}.{name}") is None


def _is_expected(context: RuleContext, whole: Node, node: Node, name: str) -> bool:
    """Return whether a file expects that MLX may lack a name: it asks for it or for the version, sets or ignores it."""
    text, code = whole.text or b"", text_of(whole)
    end = text.find(b"\n", node.end_byte)
    is_ignored = _IGNORED.search(text, node.end_byte, end if end >= 0 else len(text)) is not None
    is_named = f'"{name}"' in code or f"'{name}'" in code or re.search(rf"\.{name}\s*=(?!=)", code) is not None
    is_tried = re.search(rf"\bimport\b[^\n]*\b{name}\b[^\n]*\n(?:[^\n]*\n){{0,3}}\s*except\b", code) is not None
    return is_ignored or is_named or is_tried or context.file.mentions("__version__")


def _meant(index: ApiIndex, module: ApiEntry, name: str) -> tuple[str, ApiEntry | None]:
    """Return the message on an unknown name, and the entry that is likely to be meant, or None."""
    lacks = f"`{customary_name(module.name)}` has no `{name}`"
    inner = index.resolve(f"{index.package}.{name}")
    if inner is not None and inner.kind == "module":
        return f"{lacks}: `{name}` is `{inner.name}`.", None
    elsewhere = [entry for entry in index.named(name) if entry.name.rpartition(".")[0] in _KNOWN]
    if len(elsewhere) == 1:
        return f"{lacks}. MLX has `{customary_name(elsewhere[0].name)}`.", elsewhere[0]
    members = {member.lower(): entry for member, entry in _offered(index, module) if _is_alike(name, entry)}
    alike = get_close_matches(name.lower(), members, 1, _ALIKE) if len(name) >= _GUESSED else []
    if not alike:
        return f"{lacks} in MLX {index.version}.", None
    better = members[alike[0]]
    return f"{lacks}. Is `{customary_name(better.name)}` meant?", better


def _offered(index: ApiIndex, module: ApiEntry) -> Iterator[tuple[str, ApiEntry]]:
    members = ((name, entry) for name, entry in index.members(module) if not name.startswith("_"))
    return ((name, entry) for name, entry in members if entry.exists_in(module.name, name))


def _is_alike(name: str, entry: ApiEntry) -> bool:
    """Return whether a name may be another spelling of an entry's: a class's has capitals, no dtype is a guess."""
    is_class = name[:1].isupper()
    return entry.kind != "attribute" and is_class == (entry.kind == "class" and entry.short_name[:1].isupper())


@lru_cache(maxsize=4)
def _files(index: ApiIndex) -> frozenset[str]:
    """Return the stems of MLX's files: its modules may be named without being imported."""
    return frozenset(PurePosixPath(entry.path).stem for entry in index if entry.path)


RULES = (unknown_name, unknown_import)
