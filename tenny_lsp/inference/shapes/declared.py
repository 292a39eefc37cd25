"""Read the dimensions that the author has written down: in a jaxtyping annotation, or a comment beside a parameter."""

import re

from tenny_lsp.inference.shapes.dimension import UNKNOWN, Dimension, symbol
from tenny_lsp.inference.shapes.frames import Frame, Key
from tenny_lsp.inference.shapes.values import Shape
from tenny_lsp.source.scope import Binding
from tenny_lsp.source.syntax import Node, text_of

_ANNOTATED = re.compile(r"\w+\[\s*(?:\w+\.)*array\s*,\s*[\"']([^\"']*)[\"']\s*\]")
_COMMENT = re.compile(r"#[^#\n]*?[(\[]\s*(\w+(?:\s*,\s*\w+)*)\s*,?\s*[)\]]")
#: What dimensions are called in comments; other words in brackets are prose.
_SIZE = re.compile(
    r"\d+|[A-Z][A-Z]?\d?|[a-z]|\w*(?:batch|dim|size|len|head|channel|seq|time|hidden|width|height|vocab|feature)\w*",
    re.I,
)


def annotated_shape(frame: Frame, function: Node, binding: Binding) -> Shape | None:
    """Return the dimensions in ``x: Float[mx.array, "batch time 512"]``; None where there is no such annotation."""
    found = _ANNOTATED.fullmatch(text_of(binding.annotation)) if binding.annotation is not None else None
    parts = found[1].split() if found is not None else []
    if found is None or any(part[0] in "*#?" or part == "..." for part in parts):
        return None
    return tuple(_dimension(frame, function, part) for part in parts)


def commented_shape(frame: Frame, function: Node, binding: Binding) -> Shape | None:
    """Return the dimensions in a comment on the line of a parameter, ``x,  # (B, T, D)``; None where there is none."""
    text = frame.home.buffer.root.text or b""
    start = text.rfind(b"\n", 0, binding.position) + 1
    end = text.find(b"\n", binding.position)
    line = text[start : end if end >= 0 else len(text)].decode("utf-8", "replace")
    if line.strip().startswith("def ") or line.count(",") - _COMMENT.sub("", line).count(",") < 1:
        return None
    found = _COMMENT.search(line)
    names = [part.strip() for part in found[1].split(",")] if found is not None else []
    is_alone = _COMMENT.sub("", line).count(",") <= 1
    if len(names) < 2 or not is_alone or not all(_SIZE.fullmatch(name) for name in names):
        return None
    return tuple(_dimension(frame, function, name) for name in names)


def _dimension(frame: Frame, function: Node, part: str) -> Dimension:
    """Return a dimension by its text; a name is one number in the whole function."""
    if part.isdigit():
        return int(part)
    is_name = part.isidentifier() and part.strip("_")
    return symbol(part, (Key(frame.home, function.start_byte), part)) if is_name else UNKNOWN
