"""Write signatures as text: every overload, one parameter on a line where they are long."""

import re
from collections.abc import Iterator

from tenny_lsp.mlx_api.entry import ApiEntry, Parameter, Signature
from tenny_lsp.mlx_api.naming import customary_name

_WIDTH = 88
#: What MLX's stubs spell out for some functions and call ``StreamOrDevice`` for others.
_STREAM = re.compile(r"(?:mlx\.core\.)?Stream(?: \| (?:mlx\.core\.)?(?:ThreadLocalStream|Device|DeviceType))+ \| None")
#: The longest call on one line that keeps its annotations.
_ANNOTATED_CHARACTERS = 200


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
    typed = f": {_STREAM.sub('StreamOrDevice', parameter.annotation)}" if parameter.annotation else ""
    equals = (" = " if typed else "=") + parameter.default if parameter.default else ""
    return f"{parameter.name}{typed}{equals}"


def call_parts(signature: Signature) -> Iterator[tuple[str, bool]]:
    """Yield what stands between a signature's parentheses, and whether it is a parameter: not ``/`` and ``*``."""
    for part in signature.parts(annotated=True):
        yield _STREAM.sub("StreamOrDevice", part), part not in ("/", "*")


def one_line(entry: ApiEntry) -> str:
    """Return how an entry is called, on one line: every overload, without annotations where that would be long."""
    name = customary_name(entry.name)
    annotated = " or ".join(f"{name}({', '.join(part for part, _ in call_parts(each))})" for each in entry.signatures)
    if len(annotated) <= _ANNOTATED_CHARACTERS:
        return annotated or name
    return " or ".join(dict.fromkeys(f"{name}({', '.join(each.parts(annotated=False))})" for each in entry.signatures))


def _call(signature: Signature) -> str:
    parts = [part for part, _ in call_parts(signature)]
    returns = f" -> {signature.returns}" if signature.returns else ""
    line = f"({', '.join(parts)}){returns}"
    if len(line) <= _WIDTH:
        return line
    return "(\n" + "".join(f"    {part},\n" for part in parts) + f"){returns}"
