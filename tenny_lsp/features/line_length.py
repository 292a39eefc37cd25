"""Find how long the lines of a file may be, in the settings of the tools that format it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tenny_lsp.data import parse_toml

#: What black and ruff take when nobody says otherwise.
DEFAULT = 88
_LEAST, _MOST = 20, 500


def line_length(file: Path | None) -> int:
    """Return how long lines may be in a file, in columns: what ruff's or black's settings nearest to it say, or 88."""
    for folder in file.parents if file is not None else ():
        for length in _lengths(folder):
            if type(length) is int and _LEAST <= length <= _MOST:
                return length
    return DEFAULT


def _lengths(folder: Path) -> Iterator[Any]:
    for name in (".ruff.toml", "ruff.toml"):
        yield _read(folder / name).get("line-length")
    tools = _read(folder / "pyproject.toml").get("tool")
    for tool in ("ruff", "black"):
        settings = tools.get(tool) if isinstance(tools, dict) else None
        yield settings.get("line-length") if isinstance(settings, dict) else None


def _read(file: Path) -> dict[str, Any]:
    try:
        values: dict[str, Any] = parse_toml(file.read_text("utf-8"))
    except (OSError, ValueError):  # no such file, or none that says anything
        return {}
    return values
