"""Write signatures as text: every overload, one parameter on a line where they are long."""

from collections.abc import Iterator

from tenny_lsp.mlx_api.entry import ApiEntry, Parameter, Signature
from tenny_lsp.mlx_api.naming import customary_name

_WIDTH = 88
#: What MLX's stubs spell out for some functions and call ``StreamOrDevice`` for others.
_STREAM = "Stream | ThreadLocalStream | Device | DeviceType | None"


def signature_text(entry: ApiEntry) -> str:
    """Return what an entry looks like in code, under the name MLX code customarily gives it."""
    name = customary_name(entry.name)
    if entry.kind == "module":
        return f"module {entry.name}"
    if not entry.signatures:
        return f"{name}: {entry.annotation}" if entry.annotation else name
    keyword = "class " if entry.kind == "class" else ""
    return "\n".join(f"{keyword}{name}{_call(signature)}" for signature in entry.signatures)


def declaration(parameter: Parameter) -> str:
    """Return a parameter as a signature declares it, without stars."""
    typed = f": {parameter.annotation.replace(_STREAM, 'StreamOrDevice')}" if parameter.annotation else ""
    equals = (" = " if typed else "=") + parameter.default if parameter.default else ""
    return f"{parameter.name}{typed}{equals}"


def call_parts(signature: Signature) -> Iterator[tuple[str, bool]]:
    """Yield what stands between a signature's parentheses, and whether it is a parameter: not ``/`` and ``*``."""
    for part in signature.parts(annotated=True):
        yield part.replace(_STREAM, "StreamOrDevice"), part not in ("/", "*")


def _call(signature: Signature) -> str:
    parts = [part for part, _ in call_parts(signature)]
    returns = f" -> {signature.returns}" if signature.returns else ""
    line = f"({', '.join(parts)}){returns}"
    if len(line) <= _WIDTH:
        return line
    return "(\n" + "".join(f"    {part},\n" for part in parts) + f"){returns}"
