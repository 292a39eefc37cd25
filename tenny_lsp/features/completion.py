"""Complete MLX code: candidates from the installed MLX, in the order of usage counts and the model's scores."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from tenny_lsp.features.candidates import (
    CompletionCandidate,
    foreign_candidates,
    foreign_keywords,
    foreign_names,
    member_candidate,
    replacement,
)
from tenny_lsp.features.cards import facts, foreign_card
from tenny_lsp.features.ranking import Score, asked, counted, mixed
from tenny_lsp.inference.meaning import Api, Instance, LocalClass, Meaning
from tenny_lsp.inference.queries import CallContext, Queries
from tenny_lsp.mlx_api.entry import Parameter
from tenny_lsp.mlx_api.foreign import load_foreign_names
from tenny_lsp.mlx_api.index import ApiIndex
from tenny_lsp.mlx_api.naming import CUSTOMARY_ALIASES
from tenny_lsp.mlx_api.usage import load_usage, members_of
from tenny_lsp.mlx_api.usage_contexts import KINDS, Use, module_aliases, uses, uses_before
from tenny_lsp.source.buffer import Buffer
from tenny_lsp.source.completion_context import CompletionContext, completion_context_at

#: Where a type is wanted, types come first.
_WANTED = 8.0
#: They are given functions, not what functions return.
_TAKE_FUNCTIONS = {"checkpoint", "compile", "custom_function", "grad", "value_and_grad", "vmap", "map", "jvp", "vjp"}
_NAME_BEFORE = re.compile(r"(?<![\w.])\w+\Z")
_GOES_ON = re.compile(r"[\w.]")
_NO_CALL_BEFORE = re.compile(r"(?:^[ \t]*@|\bclass[ \t]+\w+[ \t]*\([^)]*|->[ \t]*|\w[ \t]*:[ \t]*)\Z", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Completions:
    """What may be written at a place, best first.

    Args:
        candidates (tuple[CompletionCandidate, ...]): The candidates.
        is_incomplete (bool): Whether another letter may bring other candidates or a better order.
    """

    candidates: tuple[CompletionCandidate, ...]
    is_incomplete: bool = False


async def completions(queries: Queries, offset: int, score: Score | None = None) -> Completions | None:
    """Return what may be written at an offset in code points.

    Returns None when that is not MLX's to say: in comments and strings, and on what is not known to be MLX's.

    Args:
        queries (Queries): Answers questions about the file.
        offset (int): Where the cursor is.
        score (Score, optional): Asks the model for its scores. Default: the order is that of the counts alone.
    """
    buffer, index = queries.buffer, queries.index
    context = completion_context_at(buffer.text, offset)
    if context is None:
        return None
    if context.kind in ("module", "imported"):
        return _imports(context, index)
    if context.kind == "member":
        return await _members(context, queries, score)
    call = queries.call_at(context.start)
    if call is None or _is_nested(buffer.text[call.start : context.start]):
        return None
    candidates = [*_types(buffer, context, call, index), *_keywords(context, call)]
    # Once a letter is typed it may be another library's keyword.
    is_incomplete = not context.typed and context.kind == "argument"
    return Completions(tuple(candidates), is_incomplete) if candidates else None


def dotted_alias(text: str, offset: int) -> str | None:
    """Return a text with a dot at an offset; None where no alias of MLX's modules ends there, as in ``y = mx``."""
    found = _NAME_BEFORE.search(text, text.rfind("\n", 0, offset) + 1, offset)
    if found is None or _GOES_ON.match(text, offset) or found[0] not in dict(module_aliases(text)):
        return None
    return f"{text[:offset]}.{text[offset:]}"


def prepare(index: ApiIndex) -> None:
    """Read what the first completion would have to wait for."""
    load_usage()
    load_foreign_names()
    members_of(index)


def read_ahead(text: str, index: ApiIndex) -> Iterator[object]:
    """Read a file that has been opened, step by step, before anything is completed in it."""
    return uses(text, members_of(index))  # which are kept, part by part


def documentation(name: str, foreign: str, index: ApiIndex) -> str | None:
    """Return what is to be said of a candidate as Markdown; None when it has no entry.

    Args:
        name (str): The public name of its entry.
        foreign (str): The name of another library that it was found by, or an empty string.
        index (ApiIndex): The API.
    """
    entry = index.resolve(name) if name else None
    if entry is None:
        return None
    row = load_foreign_names().get(foreign)
    instead = replacement(entry)
    lead = f"Deprecated: use `{instead}`.\n\n" if instead else ""
    return lead + (foreign_card(row, index) if row else facts(entry, index))


async def _members(context: CompletionContext, queries: Queries, score: Score | None) -> Completions | None:
    buffer, index = queries.buffer, queries.index
    meaning = queries.owner_at(context.start + len(context.typed))
    owner = _owner(meaning)
    is_local = isinstance(meaning, LocalClass) or (isinstance(meaning, Instance) and isinstance(meaning.of, LocalClass))
    found = {
        member.name: member.entry
        for member in queries.members_of(meaning)
        if (member.entry or not is_local) and (not member.name.startswith("_") or context.typed.startswith("_"))
        if member.entry is None or member.entry.exists_in(owner or "", member.name)
    }
    if not found or (owner is None and not is_local):
        return None
    call = queries.call_at(context.start)
    takes_calls = _takes_calls(buffer.text, context, call)
    candidates = [member_candidate(name, entry, takes_calls=takes_calls) for name, entry in found.items()]
    if owner is None:
        return Completions(tuple(replace(c, is_background=True) for c in candidates))
    scores = counted(buffer.text, context, owner, list(found), index)
    if _wants_type(call):
        scores = [value + _WANTED * (c.kind == "type") for value, c in zip(scores, candidates, strict=True)]
    heard = await asked(buffer.text, context, list(found), scores, score) if score else None
    scores = mixed(scores, list(found), heard) if heard else scores
    ordered = [candidate for _, candidate in sorted(zip(scores, candidates, strict=True), key=lambda pair: -pair[0])]
    foreign = list(foreign_candidates(context.typed, owner, ordered))
    # The names of other libraries are too many before the first letter, and a late model knows better at the next.
    is_incomplete = (not context.typed and bool(foreign_names(owner))) or (score is not None and heard is None)
    return Completions((*ordered, *foreign), is_incomplete)


def _owner(meaning: Meaning | None) -> str | None:
    """Return the name of the module or class of MLX that a value is, or is an instance of."""
    owner = meaning.of if isinstance(meaning, Instance) else meaning
    if isinstance(owner, Api) and owner.entry.kind in ("module", "class"):
        return owner.entry.name
    return None


def _takes_calls(text: str, context: CompletionContext, call: CallContext | None) -> bool:
    """Return whether what is completed is likely to be called, and is not yet."""
    if text[context.end : context.end + 1] in ("(", "[", ".") or _NO_CALL_BEFORE.search(
        text[: context.receiver][-200:]
    ):
        return False
    return call is None or call.entry.short_name not in _TAKE_FUNCTIONS or call.position > 0


def _imports(context: CompletionContext, index: ApiIndex) -> Completions | None:
    if not context.path:
        return None
    owner = index.resolve(context.path)
    if owner is None or owner.kind != "module":
        return None
    members = ((name, entry) for name, entry in index.members(owner) if not name.startswith("_"))
    found = {name: entry for name, entry in members if entry.exists_in(owner.name, name)}
    if context.kind == "module":
        found = {name: entry for name, entry in found.items() if entry.kind == "module"}
    names = sorted(found, key=lambda name: (f"{context.path}.{name}" not in CUSTOMARY_ALIASES, name))
    scores = load_usage().scores(Use(owner.name, "", ("",) * len(KINDS), frozenset()), [], names)
    ordered = sorted(zip(scores, names, strict=True), key=lambda pair: -pair[0])
    return Completions(tuple(member_candidate(name, found[name], takes_calls=False) for _, name in ordered))


def _keywords(context: CompletionContext, call: CallContext) -> list[CompletionCandidate]:
    """Return the keyword arguments that are not given yet, in the order of the signatures."""
    if context.kind != "argument":
        return []
    open_parameters: dict[str, Parameter] = {}
    for signature in call.entry.signatures:
        for place, parameter in enumerate(signature.parameters):
            by_position = place < call.position - len(call.keywords) and parameter.kind != "keyword-only"
            if parameter.kind in ("positional or keyword", "keyword-only") and not by_position:
                open_parameters.setdefault(parameter.name, parameter)
    candidates = [
        CompletionCandidate(f"{name}=", "keyword", call.entry.name, f"{name}=", _annotation(parameter))
        for name, parameter in open_parameters.items()
        if name not in call.keywords
    ]
    return [*candidates, *foreign_keywords(context.typed, candidates)]


def _annotation(parameter: Parameter) -> str:
    default = f" = {parameter.default}" if parameter.default else ""
    return f"{parameter.annotation}{default}"


def _types(buffer: Buffer, context: CompletionContext, call: CallContext, index: ApiIndex) -> list[CompletionCandidate]:
    """Return MLX's types as the file spells them, where a type is wanted."""
    alias = next((alias for alias, module in module_aliases(buffer.text) if module == "mlx.core"), None)
    core = index.resolve("mlx.core")
    if alias is None or core is None or not _wants_type(call):
        return []
    found = [entry for _, entry in index.members(core) if entry.kind == "attribute" and entry.annotation == "Dtype"]
    names = sorted({entry.short_name for entry in found})
    use, earlier = uses_before(buffer.text[: context.start], "mlx.core", members_of(index))
    scores = load_usage().scores(use, earlier, names)
    ordered = sorted(zip(scores, names, strict=True), key=lambda pair: -pair[0])
    return [
        CompletionCandidate(f"{alias}.{name}", "type", f"mlx.core.{name}", f"{alias}.{name}") for _, name in ordered
    ]


def _wants_type(call: CallContext | None) -> bool:
    if call is None:
        return False
    if call.keyword:
        return call.keyword == "dtype"
    return any(
        call.position < len(signature.parameters) and signature.parameters[call.position].name == "dtype"
        for signature in call.entry.signatures
    )


def _is_nested(arguments: str) -> bool:
    """Return whether a bracket has been opened among a call's arguments and not been closed."""
    depth = 0
    for mark in re.sub(r"\"[^\"\n]*\"|'[^'\n]*'|#[^\n]*", "", arguments):
        depth += (mark in "([{") - (mark in ")]}")
    return depth > 0
