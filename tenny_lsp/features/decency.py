"""Check that a remark may be shown: finished, plain, kind, and nothing that a tool would obey."""

import re
from functools import cache

from tenny_lsp.data import read_lines
from tenny_lsp.mlx_api.docstring import SENTENCE_END

#: So many words are read before anybody looks away.
MOST_WORDS = 40
_LEAST_WORDS = 4
#: A sentence's end, a closing quotation mark or bracket behind it included.
_FINISHED = re.compile(r"[.!?…][\"'”’)]?$")
#: Markdown, HTML, links, code and what is left of a prompt: an editor or the next model would obey it.
_MARKUP = re.compile(
    r"[*`<>\[\]{}|\\^~]|^\s*[#>+-]|://|\bwww\.|(?<!\w)_|_(?!\w)|\w@\w|%%|&#?\w+;|\"\"\"|'''|=="
    r"|#\s*(?:context|response|sentiment)\b|(?:^|(?<=[.!?] ))(?:[QA]|user|assistant|system|human)\s*:",
    re.IGNORECASE,
)
#: Comments that tools obey, the encoding of the file among them.
_DIRECTIVE = re.compile(
    r"\b(?:coding|type|fmt|isort|ruff|flake8|pylint|pyright|pyre|mypy|pytype|pragma|yapf|black|tenny|vim|vi|ex|emacs"
    r"|spell-?checker|cspell)\s*[:=]|\bno(?:qa|sec|cover|type)\b",
    re.IGNORECASE,
)
_WORD = re.compile(r"[a-z]+")


def plain(text: str) -> str:
    """Return a text on one line, without anything that cannot be seen: control characters, other line ends, marks."""
    return " ".join("".join(character if character.isprintable() else " " for character in text).split())


def fault_of(remark: str) -> str | None:
    """Return why a remark cannot be shown, in a few words; None where it can."""
    size = len(remark.split())
    if remark != plain(remark):
        return "not one line of plain text"
    if _MARKUP.search(remark) or is_obeyed(remark):
        return "markup"
    if not remark[:1].isalnum() and remark[:1] not in "\"'“‘":
        return "markup"
    if unkind_words(remark):
        return "unkind"
    if not _LEAST_WORDS <= size <= MOST_WORDS:
        return "too short or too long"
    return None if _FINISHED.search(remark) else "unfinished"


def is_obeyed(remark: str) -> bool:
    """Return whether a tool that reads comments would take a remark for a command."""
    return _DIRECTIVE.search(remark) is not None


def finished(text: str) -> str:
    """Return a text up to the end of its last whole sentence; empty, if it has none."""
    text = plain(text)
    if _FINISHED.search(text):
        return text
    ends = [match.end() for match in SENTENCE_END.finditer(text)]
    return text[: ends[-1]] if ends else ""


def unkind_words(text: str) -> frozenset[str]:
    """Return the words of a text that no remark says."""
    return _unkind() & frozenset(_WORD.findall(text.lower()))


@cache
def _unkind() -> frozenset[str]:
    return frozenset(read_lines("unkind.txt"))
