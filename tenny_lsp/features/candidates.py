"""Make the candidates of a completion: MLX's members, also under the names that other libraries give them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from tenny_lsp.mlx_api.entry import ApiEntry
from tenny_lsp.mlx_api.foreign import KEYWORDS, load_foreign_names
from tenny_lsp.mlx_api.usage_contexts import ARRAY

_FOREIGN_ARRAYS = ("torch.Tensor", "numpy.ndarray", "jax.Array")


@dataclass(frozen=True, slots=True)
class CompletionCandidate:
    """Something that may be written.

    Args:
        name (str): What is shown.
        kind (str): An ``EntryKind``, ``keyword`` for a keyword argument or ``type`` for one of MLX's dtypes.
        entry (str): The public name of its entry; empty where it has none.
        typed_as (str): What it is found by: its name, or what another library calls it.
        note (str): What is said of it beside its name.
        foreign (str): The name another library gives it, in full, if it is found by that.
        takes (str): What follows it in a call: ``arguments``, ``nothing`` (empty parentheses), or empty where it is no
            call.
        replaced_by (str): What to write instead of a deprecated name.
        is_background (bool): Whether it belongs after everything that other servers may offer.
    """

    name: str
    kind: str
    entry: str
    typed_as: str
    note: str = ""
    foreign: str = ""
    takes: str = ""
    replaced_by: str = ""
    is_background: bool = False


def member_candidate(name: str, entry: ApiEntry | None, *, takes_calls: bool) -> CompletionCandidate:
    """Return a member of a module, a class or a value; ``takes_calls`` tells whether functions are to be called."""
    if entry is None:
        return CompletionCandidate(name, "attribute", "", name)
    kind = "type" if entry.kind == "attribute" and entry.annotation == "Dtype" else entry.kind
    takes = ""
    if takes_calls and entry.kind in ("function", "method", "class"):
        takes = "arguments" if any(signature.parameters for signature in entry.signatures) else "nothing"
    return CompletionCandidate(name, kind, entry.name, name, takes=takes, replaced_by=replacement(entry))


def replacement(entry: ApiEntry) -> str:
    """Return what MLX says to write instead of a name: it says so only when that is called, not in its stubs."""
    owner, _, name = entry.name.rpartition(".")
    is_memory = name.startswith(("get_", "set_", "reset_")) or name in ("clear_cache", "device_info")
    return f"mx.{name}" if owner == "mlx.core.metal" and is_memory else ""


def foreign_candidates(typed: str, owner: str, members: Sequence[CompletionCandidate]) -> Iterator[CompletionCandidate]:
    """Yield members under the names that other libraries give them, where these may be what is being typed.

    Editors that filter by what is written in the end, not by what an item is found by, would show them all.
    """
    by_name = {candidate.name: candidate for candidate in members}
    for alias, (name, full) in foreign_names(owner).items() if typed else ():
        if name in by_name and alias not in by_name and _may_become(typed.lower(), alias.lower()):
            yield replace(by_name[name], typed_as=alias, foreign=full)


def foreign_keywords(typed: str, keywords: Sequence[CompletionCandidate]) -> Iterator[CompletionCandidate]:
    """Yield keyword arguments under what other libraries call them: ``axis=`` where ``dim`` is being typed."""
    by_name = {candidate.name.rstrip("="): candidate for candidate in keywords}
    offered = set[str]()
    for alias, names in KEYWORDS.items() if typed else ():
        name = next((name for name in names if name in by_name), "")
        if name and name not in offered and alias not in by_name and _may_become(typed.lower(), alias):
            offered.add(name)
            yield replace(by_name[name], typed_as=f"{alias}=", foreign=f"{alias}=")


def _may_become(typed: str, name: str) -> bool:
    """Return whether a name starts as what is typed and has its other letters, in their order."""
    rest = iter(name[1:])
    return name[:1] == typed[:1] and all(letter in rest for letter in typed[1:])


@lru_cache(maxsize=64)
def foreign_names(owner: str) -> Mapping[str, tuple[str, str]]:
    """Return what other libraries call the members of a module or class: their name → (MLX's name, theirs in full)."""
    found: dict[str, tuple[str, str]] = {}
    for full, row in load_foreign_names().items():
        library, _, alias = full.rpartition(".")
        target, _, name = (row.mlx or "").rpartition(".")
        is_method = library in _FOREIGN_ARRAYS
        belongs = target == owner or (owner == ARRAY and is_method and target == "mlx.core")
        if belongs and alias != name and not (is_method and owner == "mlx.core"):
            found.setdefault(alias, (name, full))
    return found
