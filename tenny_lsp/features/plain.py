"""Convert Markdown to plain text, for editors that show no Markdown."""

import re

_LINK = re.compile(r"\[([^\]\n]*)\]\((https?://[^)\s]*)\)")
#: Code in fences, then code in a line: what it holds stays as it is.
_CODE = re.compile(r"^[ ]*```[^\n]*\n(?P<block>.*?)^[ ]*```[ ]*$|`(?P<inline>[^`\n]*)`", re.MULTILINE | re.DOTALL)
_RULES = re.compile(r"^(?:---|\|(?: ---+ \|)+)$\n?", re.MULTILINE)
_BOLD = re.compile(r"\*\*([^*\n]+)\*\*")
_STRESSED = re.compile(r"(?<![\w*^])\*([^\s*](?:[^*\n]*[^\s*])?)\*(?![\w*])")
_RAISED = re.compile(r"<(su[pb])>(.*?)</\1>")


def plain(markdown: str) -> str:
    """Return Markdown without its markup: code and tables as they stand, a link's address behind its words."""
    text = _LINK.sub(r"\1 (\2)", markdown)
    shown, position = "", 0
    for code in _CODE.finditer(text):
        shown += _prose(text[position : code.start()]) + (code["block"] or code["inline"] or "").removesuffix("\n")
        position = code.end()
    return re.sub(r"\n{3,}", "\n\n", shown + _prose(text[position:])).strip()


def _prose(text: str) -> str:
    text = _RAISED.sub(lambda raised: f"{'^' if raised[1] == 'sup' else '_'}{raised[2]}", _RULES.sub("", text))
    for mark in (_BOLD, _STRESSED):
        text = mark.sub(r"\1", text)
    return text
