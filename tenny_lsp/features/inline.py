"""Write the inline completion: the line or block that the model would write next, cut to sensible Python."""

import asyncio
import contextlib
import re
from collections.abc import AsyncGenerator, Callable, Coroutine
from dataclasses import dataclass

from tenny_lsp.features.ranking import read_before
from tenny_lsp.mlx_api.index import ApiIndex
from tenny_lsp.mlx_api.usage_contexts import module_aliases
from tenny_lsp.source.buffer import Buffer
from tenny_lsp.source.completion_context import is_code

#: Has the model go on with a text: (text, tokens at most) → pieces.
Write = Callable[[str, int], AsyncGenerator[str, None]]

_LINE_TOKENS = 64
_BLOCK_TOKENS = 192
_MOST_LINES = 10
#: What may stand behind the cursor, as editors close brackets by themselves.
_CLOSERS = re.compile(r"[)\]},:\s]*\Z")
_PART = re.compile(r"\"(?:[^\"\\\n]|\\.)*\"|'(?:[^'\\\n]|\\.)*'|#[^\n]*|\n|[()\[\]{}]|[^\"'#\n()\[\]{}]+|[\"']")
_STATEMENT = re.compile(r"[ \t]*(?:def|class|return|import|from|with|while|for|if|try|raise|assert|@)\b")


@dataclass(frozen=True, slots=True)
class InlineContext:
    """Where the model is to go on.

    Args:
        indent (str): The indentation of the line.
        is_block (bool): Whether lines may follow: the line is empty so far.
        open (int): How many brackets are open that what stands behind the cursor does not close.
        following (str): The next line with anything in it, without its indentation.
    """

    indent: str
    is_block: bool
    open: int
    following: str


@dataclass(frozen=True, slots=True)
class Cut:
    """What of a text may be shown, and whether the model need not go on."""

    text: str
    is_whole: bool


async def inline(buffer: Buffer, offset: int, index: ApiIndex, write: Write, deadline_s: float) -> str | None:
    """Return what may be inserted at an offset in code points.

    Returns None in files without MLX, in comments and strings, before other code on the same line, and when nothing
    is left of what the model wrote in time: whole statements, balanced brackets, no name that MLX does not have, no
    repetition of the next line.
    """
    before, after = buffer.text[:offset], buffer.text[offset:]
    rest = after.partition("\n")[0]
    aliases = dict(module_aliases(buffer.text))
    if not aliases or not _CLOSERS.match(rest) or not is_code(before):
        return None
    context = context_of(before, after)
    # A tokenizer joins a space with the word behind it: the model writes the white space before the cursor once more.
    space = before[len(before.rstrip(" \t")) :]
    read = read_before(buffer.text, offset).removesuffix(space)
    found = Cut("", False)

    async def listen() -> None:
        nonlocal found
        written = ""
        async with contextlib.aclosing(write(read, _BLOCK_TOKENS if context.is_block else _LINE_TOKENS)) as pieces:
            async for piece in pieces:
                written += piece
                found = cut(_after_space(written, space, context), context)
                if found.is_whole:
                    return
        written += "\n"  # its text has ended, and its last line with it
        found = cut(_after_space(written, space, context), context)

    await _within(deadline_s, listen())
    return known(found.text, aliases, index) or None


def context_of(before: str, after: str) -> InlineContext:
    """Return where a cursor stands between two texts."""
    line = before[before.rfind("\n") + 1 :]
    rest, _, later = after.partition("\n")
    closed = sum(character in ")]}" for character in rest)
    following = next((line.strip() for line in later.split("\n") if line.strip()), "")
    indent = line[: len(line) - len(line.lstrip())]
    is_block = not line.strip() and not rest.strip()
    return InlineContext(indent, is_block, max(0, _open_brackets(before) - closed), following)


def cut(text: str, context: InlineContext) -> Cut:
    """Return what of a text may be shown at a cursor: up to the end of its line, or of its block.

    A line ends where no bracket is open. A block ends before a blank line, a line further left, a line that stands
    there already or twice, and after so many lines.
    """
    depth, end, start = context.open, 0, 0
    lines: list[str] = []
    for match in _PART.finditer(text):
        part = match[0]
        if part in "([{":
            depth += 1
        elif part in ")]}":
            if not depth:
                return Cut(text[: match.start()].rstrip(), True)
            depth -= 1
        elif part == "\n" and not depth:
            line = text[start : match.start()]
            if lines and _ends_before(line, lines, context):
                return Cut(text[:end].rstrip(), True)
            lines.append(line)
            start, end = match.end(), match.start()
            if not context.is_block or len(lines) == _MOST_LINES or not line.strip():
                return Cut(text[:end].rstrip(), True)
    return Cut(text[:end].rstrip(), False)


def known(text: str, aliases: dict[str, str], index: ApiIndex) -> str:
    """Return the lines of a text before the first that uses a name which MLX does not have."""
    kept: list[str] = []
    for line in text.split("\n"):
        for dotted in re.findall(r"(?<![\w.])(?:" + "|".join(map(re.escape, aliases)) + r")(?:\.\w+)+", line):
            root, name = dotted.split(".")[:2]
            if index.resolve(f"{aliases[root]}.{name}") is None:
                return "" if _open_brackets("\n".join(kept)) else "\n".join(kept).rstrip()
        kept.append(line)
    return text


async def _within(deadline_s: float, work: Coroutine[None, None, None]) -> None:
    """Wait for work until a deadline, or until the waiting is cancelled; either ends the work."""
    task = asyncio.create_task(work, name="inline completion")
    try:
        await asyncio.wait({task}, timeout=deadline_s)
    finally:
        task.cancel()
        await asyncio.wait({task})
    if not task.cancelled():
        task.result()


def _after_space(written: str, space: str, context: InlineContext) -> str:
    """Return what was written without the white space before the cursor; an empty line where a block differs in it."""
    if written.startswith(space) or not context.is_block:
        return written.removeprefix(space) if written.startswith(space) else written.lstrip(" \t")
    return "" if space.startswith(written) else "\n"


def _ends_before(line: str, lines: list[str], context: InlineContext) -> bool:
    indentation = len(line) - len(line.lstrip())
    text = line.strip()
    return not text or indentation < len(context.indent) or text == context.following or text == lines[-1].strip()


def _open_brackets(before: str) -> int:
    """Return how many brackets are open at the end of a text."""
    depth = 0
    for line in before[-4000:].split("\n"):
        if _STATEMENT.match(line):
            depth = 0
        for match in _PART.finditer(line):
            depth = max(0, depth + (match[0] in "([{") - (match[0] in ")]}"))
    return depth
