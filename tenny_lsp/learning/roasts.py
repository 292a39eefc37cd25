"""Read roasts to train on (a context, its sentiment, a response) from JSON lines or Markdown."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from tenny_lsp.errors import DatasetError
from tenny_lsp.learning.formats import Row
from tenny_lsp.model.prompts import SENTIMENTS, completion, roast_prompt, sentiment_prompt

_SENTIMENTS = {label.lower(): label for label in SENTIMENTS}
#: A context may be a comment that starts with "#", so only these words alone on a line begin a part.
_HEADING = re.compile(r"#{1,6}[ \t]*(context|sentiment|response)[ \t]*:?", re.IGNORECASE)
_FORMS = 'Write JSON lines {"context": …, "response": …} or Markdown with "#context" and "#response" blocks.'


@dataclass(frozen=True, slots=True)
class RoastExample:
    """A comment and the remark on it that a model is to learn.

    Args:
        context (str): A comment, a docstring, a name, or what somebody said.
        sentiment (str, optional): One of ``SENTIMENTS``, the context's; None where the file does not say.
        response (str): The remark, on one line.
    """

    context: str
    sentiment: str | None
    response: str


@dataclass(frozen=True, slots=True)
class _Location:
    path: Path
    line: int

    def error(self, what: str, next_step: str) -> DatasetError:
        return DatasetError(f"{self.path}, line {self.line}: {what}", next_step)


def read_roasts(path: Path) -> list[RoastExample]:
    """Return the roasts of a file, in its order.

    A file that starts with ``{`` is read as JSON lines ``{"context", "sentiment", "response"}``; any other as Markdown
    of ``#context``, ``#sentiment`` and ``#response`` blocks. The sentiment may be left out in both.

    Raises:
        DatasetError: The file cannot be read, is empty, or has a row that is not whole; it names the line.
    """
    text = _read_text(path)
    lines = [(_Location(path, number), line) for number, line in enumerate(text.split("\n"), 1)]
    read = _json_roasts if text.lstrip().startswith("{") else _markdown_roasts
    roasts = list(read(lines))
    if not roasts:
        raise DatasetError(f"{path} holds no roasts", _FORMS)
    return roasts


def _read_text(path: Path) -> str:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DatasetError(f"{path} could not be read: {error.strerror}", "Check the path and permissions.") from error
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        place = _Location(path, content.count(b"\n", 0, error.start) + 1)
        raise place.error("this is not UTF-8", "Save the file as UTF-8.") from error
    return text.replace("\r\n", "\n")


def _json_roasts(lines: list[tuple[_Location, str]]) -> Iterator[RoastExample]:
    for place, line in lines:
        if line.strip():
            yield _json_roast(place, line)


def _json_roast(place: _Location, line: str) -> RoastExample:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise place.error("this is not a JSON object on one line", "Write each roast as one line of JSON.") from error
    if not isinstance(row, dict):
        raise place.error("this is JSON, but not an object", 'Write {"context": …, "response": …}.')
    wrong = [key for key in ("context", "sentiment", "response") if not isinstance(row.get(key, ""), str)]
    if wrong:
        raise place.error(f'"{wrong[0]}" is not text', "Put its value in double quotes.")
    return _roast(place, row)


def _markdown_roasts(lines: list[tuple[_Location, str]]) -> Iterator[RoastExample]:
    start: _Location | None = None
    parts: dict[str, str] = {}
    name = ""
    for place, line in lines:
        heading = _HEADING.fullmatch(line.strip())
        if heading is None:
            if line.strip() and not name:
                raise place.error("there is text before the first #context", _FORMS)
            parts[name] = parts.get(name, "") + line + "\n"
            continue
        name = heading[1].lower()
        if name == "context":
            if start:
                yield _roast(start, parts)
            start, parts = place, {}
        elif start is None:
            raise place.error(f"#{name} comes before any #context", "Put the #context it belongs to above it.")
        if name in parts:
            raise place.error(f"a second #{name} follows one #context", "Start each roast with its own #context.")
        parts[name] = ""
    if start:
        yield _roast(start, parts)


def _roast(place: _Location, parts: dict[str, str]) -> RoastExample:
    context, label = parts.get("context", "").strip(), parts.get("sentiment", "").strip()
    response = " ".join(parts.get("response", "").split())
    for name, text in (("context", context), ("response", response)):
        if not text:
            lack = "empty" if name in parts else "missing"
            raise place.error(f"the {name} is {lack}", f"Every roast needs a {name} with text.")
        if any("\ud800" <= character <= "\udfff" for character in text):
            raise place.error(f"the {name} holds half a character (a lone surrogate)", "Write the character itself.")
    if label and label.lower() not in _SENTIMENTS:
        raise place.error(f'the sentiment is "{label}"', f"Write {', '.join(SENTIMENTS)}, or leave the sentiment out.")
    return RoastExample(context, _SENTIMENTS.get(label.lower()), response)


def roast_rows(roast: RoastExample) -> Iterator[Row]:
    """Yield a roast's rows: the remark, and the sentiment where it is known."""
    source = sha256(roast.context.encode()).hexdigest()[:12]
    yield Row(roast_prompt(roast.context), roast.response, source, "roast")
    if roast.sentiment:
        yield Row(sentiment_prompt(roast.context), completion(roast.sentiment), source, "sentiment")
