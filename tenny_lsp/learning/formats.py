"""Dataset rows and their JSON-lines files: ``{"prompt", "completion", "source", "kind"}`` or ``{"text"}`` a line."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from tenny_lsp.errors import DatasetError
from tenny_lsp.model.prompts import SEPARATOR

#: ``completions`` writes prompt and completion apart, ``text`` as one string.
Format = Literal["completions", "text"]


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


def row_line(row: Row, row_format: Format) -> str:
    """Return a row as a line of JSON, its line feed included."""
    values = {"text": row.prompt + row.completion} if row_format == "text" else asdict(row)
    return json.dumps(values, ensure_ascii=False) + "\n"


def read_rows(path: Path, separator: str = SEPARATOR) -> list[Row]:
    """Return the rows of a JSONL file: each has a prompt and a completion, or one text that holds both.

    Text without an answer is learned as a whole.

    Args:
        path (Path): The file.
        separator (str): In a text, what ends the prompt; the first one counts.

    Raises:
        DatasetError: The file is missing, empty or not UTF-8, or a line is not such a row.
    """
    if not path.is_file():
        raise DatasetError(f"{path} does not exist", "Write it with `tenny-lsp build-dataset`.")
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise DatasetError(f"{path} cannot be read: {error}", "Is it a JSONL file in UTF-8?") from error
    rows = [_row(line, f"{path}, line {number}", separator) for number, line in enumerate(lines, 1) if line.strip()]
    if not rows:
        raise DatasetError(f"{path} holds no rows", "Write it again with `tenny-lsp build-dataset`.")
    return rows


def read_sources(path: Path) -> frozenset[str]:
    """Return the names that the rows of a JSONL file are about.

    Raises:
        DatasetError: The file cannot be read, or its rows do not say.
    """
    try:
        return frozenset(json.loads(line)["source"] for line in path.read_text("utf-8").splitlines())
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DatasetError(f"{path} cannot be read: {error}", "Write it with `tenny-lsp build-dataset`.") from error


def _row(line: str, place: str, separator: str) -> Row:
    expected = 'A row is {"prompt": "…", "completion": "…"} or {"text": "Q: …\\nA: …"}.'
    try:
        value = json.loads(line)
    except json.JSONDecodeError as error:
        raise DatasetError(f"{place} is not JSON: {error}", expected) from error
    if not isinstance(value, dict):
        raise DatasetError(f"{place} is not an object", expected)
    text = value.get("text")
    if isinstance(text, str):
        question, found, answer = text.partition(separator)
        row = Row(question + found, answer) if found else Row("", text)
    else:
        missing = [key for key in ("prompt", "completion") if not isinstance(value.get(key), str)]
        if missing:
            raise DatasetError(f"{place} has no text under {' and '.join(missing)}", expected)
        row = Row(value["prompt"], value["completion"], str(value.get("source", "")), str(value.get("kind", "")))
    if not row.completion.strip():
        raise DatasetError(f"{place} has nothing to learn: its completion is empty", expected)
    return row
