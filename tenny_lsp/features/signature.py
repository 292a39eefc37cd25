"""Signatures as text: every overload, one parameter a line when it is long."""

from collections.abc import Iterator

from tenny_lsp.mlx_api.entry import ApiEntry, Signature
from tenny_lsp.model.prompts import customary_name

_WIDTH = 88
#: What MLX's stubs spell out for some functions and call ``StreamOrDevice`` for others.
_STREAM = "Stream | ThreadLocalStream | Device | DeviceType | None"


def signature_text(entry: ApiEntry) -> str:
    """Returns what an entry looks like in code, under the name MLX code customarily gives it."""
    name = customary_name(entry.name)
    if entry.kind == "module":
        return f"module {entry.name}"
    if not entry.signatures:
        return f"{name}: {entry.annotation}" if entry.annotation else name
    keyword = "class " if entry.kind == "class" else ""
    return "\n".join(f"{keyword}{name}{_call(signature)}" for signature in entry.signatures)


def _call(signature: Signature) -> str:
    parts = list(_parts(signature))
    returns = f" -> {signature.returns}" if signature.returns else ""
    line = f"({', '.join(parts)}){returns}"
    if len(line) <= _WIDTH:
        return line
    return "(\n" + "".join(f"    {part},\n" for part in parts) + f"){returns}"


def _parts(signature: Signature) -> Iterator[str]:
    positional_only = starred = False
    for parameter in signature.parameters:
        if positional_only and parameter.kind != "positional-only":
            yield "/"
        positional_only = parameter.kind == "positional-only"
        if parameter.kind == "keyword-only" and not starred:
            yield "*"
        starred = starred or parameter.kind in ("keyword-only", "variadic positional")
        star = {"variadic positional": "*", "variadic keyword": "**"}.get(parameter.kind, "")
        annotation = parameter.annotation.replace(_STREAM, "StreamOrDevice")
        typed = f": {annotation}" if annotation else ""
        equals = (" = " if typed else "=") + parameter.default if parameter.default else ""
        yield f"{star}{parameter.name}{typed}{equals}"
    if positional_only:
        yield "/"
