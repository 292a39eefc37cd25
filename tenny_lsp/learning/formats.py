"""Dataset rows and their JSON-lines files: ``{"prompt", "completion", "source", "kind"}`` or ``{"text"}`` a line."""

import csv
import io
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from tenny_lsp.errors import DatasetError
from tenny_lsp.model.prompts import ROAST_SEPARATOR, SEPARATOR

_SURROGATE = re.compile("[\ud800-\udfff]")
#: ``completions`` writes prompt and completion apart, ``text`` as one string.
Format = Literal["completions", "text"]
#: What ends the prompt of a text where nothing else is given.
_SEPARATORS = (SEPARATOR, ROAST_SEPARATOR)
_EXPECTED = 'A row is {"prompt": "…", "completion": "…"}, {"text": "Q: …\\nA: …"} or {"messages": […]}.'


@dataclass(frozen=True, slots=True)
class Row:
    """A prompt and the completion that is to be learned.

    Args:
        prompt (str): What the model is given.
        completion (str): What it should say next.
        source (str): The public name (or the foreign one) that the answer was taken from; empty where unknown.
        kind (str): A key of ``prompts.WORDINGS``, ``roast`` or ``sentiment``; empty where unknown.
    """

    prompt: str
    completion: str
    source: str = ""
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Conversation:
    """Messages of several roles, whose answers are to be learned.

    Args:
        messages (tuple[dict, ...]): ``{"role", "content"}`` each, as chat templates take them.
        tools (tuple[dict, ...]): The tools that are told to the model.
        place (str): The file and line, for errors.
    """

    messages: tuple[dict[str, Any], ...]
    tools: tuple[dict[str, Any], ...] = ()
    place: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Columns:
    """What the keys of rows, or the columns of a table, are called."""

    prompt: str = "prompt"
    completion: str = "completion"
    text: str = "text"
    messages: str = "messages"


COLUMNS = Columns()


def row_line(row: Row, row_format: Format) -> str:
    """Return a row as a line of JSON, its line feed included."""
    values = {"text": row.prompt + row.completion} if row_format == "text" else asdict(row)
    return json.dumps(values, ensure_ascii=False) + "\n"


def read_rows(path: Path, separator: str | None = None, columns: Columns = COLUMNS) -> list[Row | Conversation]:
    """Return the rows of a file of JSON lines, or of CSV with a line of column names.

    A row has a prompt and a completion, or one text that holds both, or (in JSON) messages. Text without an answer is
    learned as a whole.

    Args:
        path (Path): The file.
        separator (str, optional): In a text, what ends the prompt; the first one counts. Default: ``A:`` on a new line,
            or ``#response`` on a line of its own.
        columns (Columns): What the keys or columns are called.

    Raises:
        DatasetError: The file is missing, empty or not UTF-8, or a line is not such a row.
    """
    if not path.is_file():
        raise DatasetError(f"{path} does not exist", "Write it with `tenny-lsp build-dataset`.")
    try:
        content = path.read_bytes()
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise DatasetError(f"{path}, line {line} is not UTF-8: {error}", "Write the file in UTF-8.") from error
    except OSError as error:
        raise DatasetError(f"{path} cannot be read: {error}", "May it be read?") from error
    values = _csv_values(text, path, columns) if path.suffix == ".csv" else _json_values(text, path)
    rows, is_found = list[Row | Conversation](), separator is None
    for place, value in values:
        rows.append(row_of(value, place, separator, columns))
        is_found = is_found or str(separator) in str(value.get(columns.text))
    if not rows:
        raise DatasetError(f"{path} holds no rows", "Write it again with `tenny-lsp build-dataset`.")
    if not is_found:
        raise DatasetError(
            f"{path} has no text with the separator {separator!r}", "Look at its spaces; prompts would be learned, too."
        )
    return rows


def read_sources(path: Path) -> frozenset[str]:
    """Return the names that the rows of a JSONL file are about.

    Raises:
        DatasetError: The file cannot be read, or its rows do not say.
    """
    try:
        return frozenset(json.loads(line)["source"] for line in path.read_text("utf-8").splitlines())
    except (KeyError, TypeError) as error:
        raise DatasetError(
            f"{path} has a row that names no source", "Write it with `tenny-lsp build-dataset`."
        ) from error
    except (OSError, ValueError) as error:
        raise DatasetError(f"{path} cannot be read: {error}", "Write it with `tenny-lsp build-dataset`.") from error


def _json_values(text: str, path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each line's place and value."""
    for number, line in enumerate(text.split("\n"), 1):
        place = f"{path}, line {number}"
        if not line.strip():
            continue
        try:
            value = json.loads(line)
        except (json.JSONDecodeError, RecursionError) as error:
            raise DatasetError(f"{place} is not JSON: {error}", _EXPECTED) from error
        if not isinstance(value, dict):
            raise DatasetError(f"{place} is not an object", _EXPECTED)
        if "\\u" in line and _SURROGATE.search(json.dumps(value, ensure_ascii=False)):
            raise DatasetError(f"{place} holds half of a surrogate pair, which is no character", _EXPECTED)
        yield place, value


def _csv_values(text: str, path: Path, columns: Columns) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each record's place and value; a record may have several lines."""
    reader, ended = csv.DictReader(io.StringIO(text, newline=""), strict=True), 0
    try:
        names = set(reader.fieldnames or ())
        if len(names) < len(reader.fieldnames or ()):
            raise DatasetError(f"{path}, line 1 names a column twice", "Give each a name of its own.")
        if not ({columns.prompt, columns.completion} <= names or columns.text in names):
            raise DatasetError(
                f"{path}, line 1 names no columns {columns.prompt} and {columns.completion}, or {columns.text}",
                "Say what they are called: --prompt-feature, --completion-feature, --text-feature.",
            )
        for record in reader:
            place = f"{path}, line {reader.line_num}"
            if None in record:
                raise DatasetError(f"{place} has more cells than columns", "Put text with commas in quotes.")
            yield place, record
            ended = reader.line_num
    except csv.Error as error:
        raise DatasetError(f"{path}, line {max(ended, 1) + 1} is not CSV: {error}", _EXPECTED) from error


def _conversation(value: dict[str, Any], place: str, columns: Columns) -> Conversation:
    messages, tools = value[columns.messages], value.get("tools") or []
    wrong = 'messages are [{"role": "user", "content": "…"}, {"role": "assistant", "content": "…"}].'
    if not (isinstance(messages, list) and all(isinstance(m, dict) for m in messages)):
        raise DatasetError(f"{place} has messages that are no list of objects", f"The {wrong}")
    if not isinstance(tools, list):
        raise DatasetError(f"{place} has tools that are no list", "Leave them away, or give a list of objects.")
    if missing := [m for m in messages if not isinstance(m.get("role"), str)]:
        raise DatasetError(f"{place} has a message without a role: {missing[0]}", f"The {wrong}")
    if not any(m["role"] == "assistant" for m in messages):
        raise DatasetError(f"{place} has nothing to learn: no message is the assistant's", f"The {wrong}")
    if any(m["role"] == "assistant" and not (m.get("content") or m.get("tool_calls")) for m in messages):
        raise DatasetError(f"{place} has a message of the assistant without content", f"The {wrong}")
    return Conversation(tuple(messages), tuple(tools), place)


def row_of(value: dict[str, Any], place: str, separator: str | None, columns: Columns) -> Row | Conversation:
    """Return the row that an object holds.

    Raises:
        DatasetError: It holds none; the message begins with the place.
    """
    if columns.messages in value:
        return _conversation(value, place, columns)
    text = value.get(columns.text)
    if isinstance(text, str):
        row = _row_of_text(text, _SEPARATORS if separator is None else (separator,))
    else:
        keys = columns.prompt, columns.completion
        missing = [key for key in keys if not isinstance(value.get(key), str)]
        if missing:
            raise DatasetError(f"{place} has no text under {' and '.join(missing)}", _EXPECTED)
        prompt, completion = (value[key] for key in keys)
        row = Row(prompt, completion, str(value.get("source", "")), str(value.get("kind", "")))
    if not row.completion.strip():
        raise DatasetError(f"{place} has nothing to learn: its completion is empty", _EXPECTED)
    return row


def _row_of_text(text: str, separators: Sequence[str]) -> Row:
    """Return the row of a text: its prompt ends with the first separator; without one, all of it is learned."""
    for separator in separators:
        question, found, answer = text.partition(separator)
        if found:
            return Row(question + found, answer)
    return Row("", text)
