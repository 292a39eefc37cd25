"""Take out of Markdown what an editor would load or run: documentation and code are written by others.

A docstring may hold a link to an editor's command, an image on somebody's server, or HTML. Here every tag, every image
and every link but those to the web become plain text, in prose and in code of which it is not certain that every reader
takes it for code. Blocks of code stay as they are; their fences are written anew, so that no reader sees another end of
a block than this does.
"""

import re
from collections.abc import Iterator
from functools import lru_cache

#: All that CommonMark takes for the end of a line.
_LINE_END = re.compile(r"\r\n|\r|\n")
#: A block of code as cards write it; a longer or a deeper fence, or one of tildes, would be read in several ways.
_OPENING = re.compile(r"(?P<indent> {0,3})```(?P<language>[\w+-]*)[ \t]*")
_CLOSING = re.compile(r"[ \t]*`{3,}[ \t]*")
_OTHER_FENCE = re.compile(r"(?<=``)(?=`)|(?<=~~)(?=~)")
#: Raised and lowered text may stay; alone in a line, such a tag would make all that follows HTML.
_TAG = re.compile(r"<(?!(?<=[^\s>]<)/?su[bp]>|/?su[bp]>[ \t]*\S)(?=[A-Za-z/!?])")
_IMAGE = re.compile(r"!(?=\[)")
_LINK = re.compile(r"\](?=\((?!https?://))")
#: ``[1]: command:run``; a footnote, whose first word has no colon, is none.
_DEFINITION = re.compile(r"\](?=:[ \t]*(?:$|(?!https?://)\S*[:&\\]))")
#: Where code in a line ends, and whether it is any, is read in several ways: cells of a table, escaped backticks.
_UNCERTAIN = re.compile(r"\||\\`")
_CODE = re.compile(r"(?<!`)(`+)(?!`)(.*?)(?<!`)\1(?!`)")


@lru_cache(maxsize=1024)  # a card is shown again and again
def safe_markdown(markdown: str) -> str:
    """Return Markdown without HTML but for raised and lowered text, without images, and with links to the web alone."""
    return "\n".join(_lines(_LINE_END.split(markdown)))


def safe_message(text: str) -> str:
    """Return a message with links to the web alone: editors take ``[text](address)`` for one, even in plain text."""
    return _LINK.sub("] ", text)


def _lines(lines: list[str]) -> Iterator[str]:
    prose: list[str] = []
    fence: str | None = None
    for line in lines:
        if fence is not None and fence and line.strip() and not line.startswith(fence):
            yield f"{fence}```"  # a list's item ends here, and a block of code in it
            fence = None
        if fence is not None:
            is_end = _CLOSING.fullmatch(line)
            yield f"{fence}```" if is_end else line
            fence = None if is_end else fence
        elif opening := _OPENING.fullmatch(line):
            yield from _prose(prose)
            prose, fence = [], opening["indent"]
            yield f"{fence}```{opening['language']}"
        elif line.strip(" \t"):
            prose.append(line)
        else:
            yield from _prose(prose)
            prose = []
            yield line
    yield from _prose(prose)
    if fence is not None:
        yield f"{fence}```"


def _prose(paragraph: list[str]) -> Iterator[str]:
    """Yield the lines of a paragraph; its code is left as it is where every line holds the whole of it."""
    is_certain = not any(_UNCERTAIN.search(line) or "`" in _CODE.sub("", line) for line in paragraph)
    for line in paragraph:
        if not is_certain:
            yield _plain(line)
            continue
        position, shown = 0, ""
        for code in _CODE.finditer(line):
            shown += _plain(line[position : code.start()]) + code[0]
            position = code.end()
        yield shown + _plain(line[position:])


def _plain(text: str) -> str:
    text = _OTHER_FENCE.sub(" ", _TAG.sub("&lt;", text))
    return _DEFINITION.sub("] ", _LINK.sub("] ", _IMAGE.sub("! ", text)))
