"""Translate code of PyTorch, NumPy or JAX to MLX, as far as names and arguments tell."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tenny_lsp.inference.engine import Engine
from tenny_lsp.mlx_api.entry import ApiEntry
from tenny_lsp.mlx_api.foreign import KEYWORDS, ForeignName, full_name, replacement_for, replacement_for_last_part
from tenny_lsp.mlx_api.index import ApiIndex
from tenny_lsp.mlx_api.naming import CUSTOMARY_ALIASES, customary_name
from tenny_lsp.pitfalls.check import Rules
from tenny_lsp.pitfalls.fixes import fixed
from tenny_lsp.source.buffer import Buffer
from tenny_lsp.source.syntax import Node, dotted_of, every, field, text_of

#: What MLX code begins with; it is put before code without it, so that its names mean something.
_IMPORTS = "".join(f"import {module} as {alias}\n" for module, alias in CUSTOMARY_ALIASES.items())
_FOREIGN_ROOTS = ("torch", "numpy", "jax")
_METHODS = "mlx.core.array."


@dataclass(frozen=True, slots=True)
class Translation:
    """Code in MLX's words.

    Args:
        code (str): The code, with the names and arguments that are known replaced.
        notes (tuple[str, ...]): What differs, and what MLX has no equivalent for, a sentence or two each.
    """

    code: str
    notes: tuple[str, ...]


def translate(code: str, index: ApiIndex) -> Translation:
    """Return code with the names of other libraries replaced by MLX's, and the pitfalls put right that are safe to.

    Args:
        code (str): A name, a call, or some lines.
        index (ApiIndex): The MLX to translate to.
    """
    buffer = Buffer(code)
    edits: list[tuple[int, int, str]] = []
    notes: dict[str, None] = {}
    for node, foreign in _foreign_names(buffer.root):
        notes[_note(foreign, index)] = None
        entry = index.resolve(foreign.mlx) if foreign.mlx else None
        if entry is not None and full_name(dotted_of(node)).startswith(_FOREIGN_ROOTS):
            edits.append((node.start_byte, node.end_byte, customary_name(entry.name)))
            edits += _keyword_edits(node, entry)
        elif entry is not None and entry.name.startswith(_METHODS) and not foreign.note:
            attribute = field(node, "attribute") or node
            edits.append((attribute.start_byte, attribute.end_byte, entry.short_name))
            edits += _keyword_edits(node, entry)
    edits += [*_import_edits(buffer.root), *_forward_edits(buffer.root)]
    return Translation(_put_right(_edited(code, edits), index), tuple(notes))


def _foreign_names(root: Node) -> Iterator[tuple[Node, ForeignName]]:
    """Yield the dotted names that are another library's; of ``x.permute`` the last part tells."""
    named_until = 0  # torch.Tensor is part of torch.Tensor.view, and is named with it
    for node in every(root):
        if node.type != "attribute" or node.end_byte <= named_until:
            continue
        name = dotted_of(node)
        found = replacement_for(name) if name else None
        if found is not None:
            named_until = node.end_byte
        elif (node.parent is None or node.parent.type != "attribute") and (attribute := field(node, "attribute")):
            found = _by_last_part(name or f".{text_of(attribute)}")
        if found is not None:
            yield node, found


def _by_last_part(name: str) -> ForeignName | None:
    root = name.partition(".")[0]
    return None if root in CUSTOMARY_ALIASES.values() else replacement_for_last_part(name)


def _note(foreign: ForeignName, index: ApiIndex) -> str:
    entry = index.resolve(foreign.mlx) if foreign.mlx else None
    if entry is None:
        return f"`{foreign.name}` has no equivalent in MLX: {foreign.note.removeprefix('No equivalent: ')}"
    return f"`{foreign.name}` is `{customary_name(entry.name)}` in MLX. {foreign.note}".rstrip()


def _keyword_edits(node: Node, entry: ApiEntry) -> Iterator[tuple[int, int, str]]:
    """Yield what renames the keywords of a call that MLX's function calls otherwise."""
    call = node.parent
    if call is None or call.type != "call" or field(call, "function") != node:
        return
    own = {parameter.name for signature in entry.signatures for parameter in signature.parameters}
    for argument in (field(call, "arguments") or call).named_children:
        keyword = field(argument, "name") if argument.type == "keyword_argument" else None
        if keyword is not None and (name := text_of(keyword)) not in own:
            new = next((one for one in KEYWORDS.get(name, ()) if one in own), None)
            if new is not None:
                yield keyword.start_byte, keyword.end_byte, new


def _import_edits(root: Node) -> Iterator[tuple[int, int, str]]:
    """Yield what makes MLX's imports of the imports of other libraries; the first one becomes them, others go."""
    new = _IMPORTS
    for node in root.named_children:
        if node.type not in ("import_statement", "import_from_statement"):
            continue
        named = field(node, "module_name") or field(node, "name")
        name = field(named, "name") if named is not None and named.type == "aliased_import" else named
        if name is not None and text_of(name).partition(".")[0] in ("torch", "jax"):
            is_line = (root.text or b"")[node.end_byte : node.end_byte + 1] == b"\n"
            yield node.start_byte, node.end_byte + is_line, new if is_line else new.rstrip("\n") or "pass"
            new = ""


def _forward_edits(root: Node) -> Iterator[tuple[int, int, str]]:
    """Yield what makes ``__call__`` of ``forward`` in modules."""
    for node in every(root):
        bases = field(node, "superclasses") if node.type == "class_definition" else None
        if bases is None or not any(dotted_of(base).rpartition(".")[2] == "Module" for base in bases.named_children):
            continue
        for method in (field(node, "body") or node).named_children:
            name = field(method, "name") if method.type == "function_definition" else None
            if name is not None and text_of(name) == "forward":
                yield name.start_byte, name.end_byte, "__call__"


def _put_right(code: str, index: ApiIndex) -> str:
    """Return code with safe fixes applied, as code of MLX's."""
    before = "" if "import mlx" in code else _IMPORTS
    return fixed(Buffer(before + code), Rules(), lambda buffer: Engine(buffer, index)).removeprefix(before)


def _edited(code: str, edits: Sequence[tuple[int, int, str]]) -> str:
    """Return a text with edits, given in bytes, applied; of edits that overlap, the first."""
    content, done, parts = code.encode("utf-8", "surrogatepass"), 0, []
    for start, end, new in sorted(edits):
        if start >= done:
            parts += [content[done:start], new.encode()]
            done = end
    return b"".join([*parts, content[done:]]).decode("utf-8", "surrogatepass")
