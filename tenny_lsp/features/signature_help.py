"""Describe the call that is being written: its overloads, and the parameter that comes next."""

from dataclasses import dataclass

from tenny_lsp.features.signature import call_parts
from tenny_lsp.inference.queries import CallContext, Queries
from tenny_lsp.mlx_api.entry import ApiEntry, Signature
from tenny_lsp.mlx_api.markdown import inline, markdown
from tenny_lsp.mlx_api.naming import customary_name


@dataclass(frozen=True, slots=True)
class Shown:
    """One overload.

    Args:
        label (str): What it looks like in code, on one line.
        parameters (tuple[tuple[int, int], ...]): Where each parameter stands in the label.
        documentation (tuple[str, ...]): What is said of each parameter, as Markdown; may be empty.
        active (int, optional): The parameter that is being written; None when the overload has none for it.
    """

    label: str
    parameters: tuple[tuple[int, int], ...]
    documentation: tuple[str, ...]
    active: int | None


@dataclass(frozen=True, slots=True)
class SignatureHelp:
    """What a call takes.

    Args:
        signatures (tuple[Shown, ...]): Every overload.
        active (int): The first that takes what has been written so far.
        summary (str): What the callable does, in a sentence of Markdown.
    """

    signatures: tuple[Shown, ...]
    active: int
    summary: str


def signature_help(queries: Queries, offset: int) -> SignatureHelp | None:
    """Return the signatures of the call that an offset in code points lies in.

    Returns None outside of calls, and where what is called is not MLX's or not certain.
    """
    call = queries.call_at(offset)
    if call is None:
        return None
    signatures = call.entry.signatures
    shown = tuple(_shown(call, signature) for signature in signatures)
    fitting = (i for i, signature in enumerate(signatures) if _takes(signature, call) and shown[i].active is not None)
    return SignatureHelp(shown, next(fitting, 0), inline(call.entry.summary))


def _shown(call: CallContext, signature: Signature) -> Shown:
    label = customary_name(call.entry.name) + "("
    places: list[tuple[int, int]] = []
    for part, is_parameter in call_parts(signature):
        if not label.endswith("("):
            label += ", "
        if is_parameter:
            places.append((len(label), len(label) + len(part)))
        label += part
    label += ")" + (f" -> {signature.returns}" if signature.returns else "")
    said = tuple(_said_of(parameter.name, call.entry) for parameter in signature.parameters)
    return Shown(label, tuple(places), said, _active(signature, call))


def _said_of(name: str, entry: ApiEntry) -> str:
    return next((markdown(item.text) for item in entry.parameters if item.name.lstrip("*") == name), "")


def _active(signature: Signature, call: CallContext) -> int | None:
    """Return the parameter that the cursor's argument is for."""
    kinds = [parameter.kind for parameter in signature.parameters]
    names = [parameter.name for parameter in signature.parameters]
    if call.keyword:
        if call.keyword in names and kinds[names.index(call.keyword)] != "positional-only":
            return names.index(call.keyword)
        return kinds.index("variadic keyword") if "variadic keyword" in kinds else None
    for place, (name, kind) in enumerate(zip(names, kinds, strict=True)):
        if kind == "variadic positional" or (place >= call.positional and name not in call.keywords):
            return place
    return None


def _takes(signature: Signature, call: CallContext) -> bool:
    """Return whether an overload has all the parameters that are given by name."""
    by_name = {p.name for p in signature.parameters if p.kind in ("positional or keyword", "keyword-only")}
    takes_any = any(parameter.kind == "variadic keyword" for parameter in signature.parameters)
    return takes_any or {*call.keywords, call.keyword} - {""} <= by_name
