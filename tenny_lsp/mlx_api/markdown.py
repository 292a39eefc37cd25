"""Convert docstrings' reStructuredText to Markdown, or to plain sentences for a dataset.

Knows what MLX, numpy and torch docstrings use: roles, maths, notes, code blocks, literal blocks, doctests,
list tables and bullet lists. Anything else is text.
"""

import re
from collections.abc import Iterator
from textwrap import dedent

from tenny_lsp.mlx_api.maths import readable

_DIRECTIVE = re.compile(r"^(?P<indent>\s*)\.\.\s+(?P<name>[a-z-]+)::\s*(?P<argument>.*)$")
_ROLE = re.compile(r":(?P<role>[a-z]+(?::[a-z]+)?):`(?P<text>[^`]*)`")
_TARGET = re.compile(r"^\s*\.\. _[^:]+:\s*$")
_BORDER = re.compile(r"\s*=+(\s+=+)+\s*")
_BULLET = re.compile(r"^\s*(?:[*+-]|\d+\.)\s+")
_LINK = re.compile(r"`([^`<]+?)\s*<(https?://[^>]+)>`__?")
_FOOTNOTE = re.compile(r"^(\s*)\.\. \[(\w+)\]\s+")
_DOLLARS = re.compile(r"\$([^$]*\\[^$]*)\$")
_ADMONITIONS = {"note": "Note", "warning": "Warning", "tip": "Tip", "seealso": "See also", "important": "Note"}


def markdown(rst: str) -> str:
    """Return a docstring's text as Markdown, paragraphs on one line each."""
    return "\n\n".join(filter(None, _blocks(dedent(rst).splitlines())))


def sentences(rst: str) -> str:
    """Return a docstring's text as plain sentences on one line; code blocks, tables and formulas left out."""
    blocks = [block for block in _blocks(dedent(rst).splitlines()) if not block.startswith(("```", "|"))]
    text = " ".join(" ".join(blocks).split())
    return re.sub(r"\[([^\]]*)\]\(https?://[^)]*\)", r"\1", text.replace("**", "").replace("`", ""))


def inline(text: str) -> str:
    """Return one paragraph's inline markup as Markdown."""
    text = _LINK.sub(r"[\1](\2)", text)
    text = _DOLLARS.sub(lambda match: f"`{readable(match[1])}`", text)
    text = _ROLE.sub(_role, text.replace("\\ ", ""))
    text = re.sub(r"``(.+?)``", r"`\1`", text)
    return re.sub(r"`([^`<>]+?)`__?(?!\w)", r"\1", text)


def _role(match: re.Match[str]) -> str:
    text = " ".join(match["text"].split())
    titled = re.fullmatch(r"(.+?)\s*<([^>]*)>", text)
    if match["role"] == "math":
        formula = " ".join(readable(text).split("\n"))
        return formula if re.fullmatch(r"[\w\u0300-\u036f∞]+", formula) else f"`{formula}`"
    if match["role"] in ("ref", "doc"):
        return titled[1] if titled else text.replace("_", " ")
    if match["role"] in ("sup", "sub"):
        return f"<{match['role']}>{text}</{match['role']}>"
    name = titled[1] if titled else text
    return f"`{name.rsplit('.', 1)[-1] if name.startswith('~') else name}`"


def _blocks(lines: list[str]) -> Iterator[str]:
    """Yield Markdown blocks: paragraphs, list items, fenced code, tables."""
    position = 0
    lines = [_FOOTNOTE.sub(r"\1[\2] ", line) for line in lines]
    while position < len(lines):
        line = lines[position]
        directive = _DIRECTIVE.match(line)
        if not line.strip() or _TARGET.match(line):
            position += 1
        elif directive:
            block, position = _indented(lines, position + 1, len(directive["indent"]))
            yield from _directive(directive["name"], directive["argument"], block)
        elif line.lstrip().startswith(">>>"):
            end = position
            while end < len(lines) and lines[end].strip():
                end += 1
            yield _fenced("python", lines[position:end])
            position = end
        elif _BORDER.fullmatch(line):
            table, position = _paragraph(lines, position)
            yield _simple_table(table)
        elif _BULLET.match(line):
            item, position = _paragraph(lines, position)
            yield from _list(item)
        else:
            paragraph, position = _paragraph(lines, position)
            text = " ".join(part.strip() for part in paragraph)
            if text.endswith("::"):
                block, position = _indented(lines, position, _indent(paragraph[0]))
                yield inline(text[:-2].rstrip() + ":") if text != "::" else ""
                yield _fenced("python", block)
            else:
                yield inline(text)


def _directive(name: str, argument: str, block: list[str]) -> Iterator[str]:
    options = [line for line in block if re.match(r"\s*:[\w-]+:", line)]
    content = [line for line in block if line not in options]
    if name == "math":
        yield _fenced("text", readable("\n".join([argument, *content])).splitlines())
    elif name in ("code-block", "code", "sourcecode"):
        yield _fenced(argument or "python", content)
    elif name == "list-table":
        yield _table(content)
    elif name == "table":
        yield _simple_table(content)
    elif name in _ADMONITIONS:
        inner = list(_blocks(dedent("\n".join([argument, *block])).splitlines()))
        yield f"**{_ADMONITIONS[name]}:** {inner[0] if inner else ''}".rstrip()
        yield from inner[1:]
    elif name in ("deprecated", "versionadded", "versionchanged"):
        text = " ".join(part.strip() for part in content if part.strip())
        yield inline(f"*{name.replace('version', '').capitalize()} {argument}*{': ' + text if text else ''}")
    elif name != "index":
        yield from _blocks(dedent("\n".join(content)).splitlines())


def _list(lines: list[str]) -> Iterator[str]:
    items: list[str] = []
    for line in lines:
        bullet = _BULLET.match(line)
        if bullet:
            mark = bullet[0].strip()
            items.append(f"{mark if mark[0].isdigit() else '-'} {line[bullet.end() :].strip()}")
        else:
            items[-1] += " " + line.strip()
    yield "\n".join(inline(item) for item in items)


def _table(lines: list[str]) -> str:
    rows: list[list[str]] = []
    for line in lines:
        row = re.match(r"\s*\*\s+-\s+(.*)", line)
        cell = re.match(r"\s+-\s+(.*)", line)
        if row:
            rows.append([row[1]])
        elif cell and rows:
            rows[-1].append(cell[1])
        elif line.strip() and rows:
            rows[-1][-1] += " " + line.strip()
    return _grid(rows)


def _simple_table(lines: list[str]) -> str:
    """Return a table drawn with rows of ``===`` as Markdown; the rows of signs give its columns."""
    border = next((line for line in lines if _BORDER.fullmatch(line)), None)
    if border is None:
        return _fenced("text", lines)
    starts = [match.start() for match in re.finditer(r"=+", border)]
    spans = list(zip(starts, [*starts[1:], None], strict=True))
    rows = [line for line in lines if line.strip() and not set(line.strip()) <= {"=", " "}]
    cells = [[line[start:end].strip() for start, end in spans] for line in rows]
    return _grid([[f"`{cell}`" if "**" in cell else cell for cell in row] for row in cells])  # a power, not bold


def _grid(rows: list[list[str]]) -> str:
    if not rows:
        return ""
    rules = [["---"] * len(rows[0])]
    cells = [rows[0], *rules, *rows[1:]]
    return "\n".join("| " + " | ".join(inline(cell) for cell in row) + " |" for row in cells)


def _fenced(language: str, lines: list[str]) -> str:
    code = dedent("\n".join(lines)).strip("\n").rstrip()
    return f"```{language}\n{code}\n```" if code else ""


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def _indented(lines: list[str], start: int, indent: int) -> tuple[list[str], int]:
    end = start
    while end < len(lines) and (not lines[end].strip() or _indent(lines[end]) > indent):
        end += 1
    return dedent("\n".join(lines[start:end])).splitlines(), end


def _paragraph(lines: list[str], start: int) -> tuple[list[str], int]:
    end = start + 1
    while end < len(lines) and lines[end].strip() and not _DIRECTIVE.match(lines[end]):
        if _BULLET.match(lines[end]) and not _BULLET.match(lines[start]):
            break
        if lines[end].lstrip().startswith(">>>"):
            break
        end += 1
    return lines[start:end], end
