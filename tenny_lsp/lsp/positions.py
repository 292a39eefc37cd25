"""Positions as the protocol counts them; pygls' own conversions are replaced where they count otherwise.

pygls ends lines at form feeds and at every Unicode separator too, the protocol only at three ends. It takes a column
behind a line's end for the one before the last character, so that ``0:0-0:999`` leaves a character of a last line; and
where a text ends without a line's end, it names the line after it.
"""

import io
from collections.abc import Sequence

from lsprotocol import types as lsp
from pygls.workspace import PositionCodec, TextDocument
from pygls.workspace.position_codec import ServerTextPosition


def position_at(document: TextDocument, offset: int) -> lsp.Position:
    """Return the position of an offset in code points, in the client's units."""
    before = document.source[:offset]
    line = before.count("\n") + before.count("\r") - before.count("\r\n")
    start = max(before.rfind("\n"), before.rfind("\r")) + 1
    return lsp.Position(line, document.position_codec.client_num_units(before[start:]))


def _from_client_units(codec: PositionCodec, lines: Sequence[str], position: lsp.Position) -> ServerTextPosition:
    """Return a position in code points: behind a line's end that is its end, behind the last line the text's."""
    if position.line >= len(lines):
        last = lines[-1] if lines else ""
        is_ended = not lines or last.endswith(("\n", "\r"))
        return ServerTextPosition(len(lines), 0) if is_ended else ServerTextPosition(len(lines) - 1, len(last))
    column, units = 0, 0
    for character in lines[position.line].rstrip("\r\n"):
        if units >= position.character:
            break
        units += codec.impl.code_units_for_char(character)
        column += 1
    return ServerTextPosition(position.line, column)


def _lines(document: TextDocument) -> tuple[str, ...]:
    """Return the lines of a document, split anew only when its text is another."""
    source = document.source
    kept: tuple[str, tuple[str, ...]] | None = getattr(document, "_tenny_lines", None)
    if kept is None or kept[0] is not source:
        kept = source, tuple(io.StringIO(source, newline=""))
        document._tenny_lines = kept  # type: ignore[attr-defined]
    return kept[1]


# There is no hook for either.
TextDocument.lines = property(_lines)  # type: ignore[method-assign,assignment]
PositionCodec.position_from_client_units = _from_client_units  # type: ignore[method-assign,assignment]
