"""Read the data files that ship with Tenny; the only module that knows where they lie, and that parses TOML."""

import json
import sys
from pathlib import Path
from typing import Any

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

FOLDER = Path(__file__).with_suffix("")


def read_bytes(name: str) -> bytes:
    """Return the content of a data file."""
    return (FOLDER / name).read_bytes()


def read_lines(name: str) -> list[str]:
    """Return the lines of a data file that are neither empty nor comments (``# …``)."""
    lines = read_bytes(name).decode().splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def read_texts(folder: str, ending: str) -> dict[str, str]:
    """Return the texts of the files of a folder of data files, by their names without the ending."""
    return {path.name.removesuffix(ending): path.read_text("utf-8") for path in (FOLDER / folder).glob(f"*{ending}")}


def read_json(name: str) -> Any:
    """Return the value of a JSON data file."""
    return json.loads(read_bytes(name))


def read_jsonl(name: str) -> list[Any]:
    """Return the values of a data file of JSON lines."""
    return [json.loads(line) for line in read_bytes(name).decode().splitlines()]


def read_toml(name: str) -> dict[str, Any]:
    """Return the table of a TOML data file."""
    return parse_toml(read_bytes(name).decode())


def parse_toml(text: str) -> dict[str, Any]:
    """Return the table of a TOML document.

    Raises:
        ValueError: The text is not TOML.
    """
    table: dict[str, Any] = tomllib.loads(text)
    return table
