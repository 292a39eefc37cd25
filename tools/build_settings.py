"""Write docs/settings.md: every setting with its default and meaning, from ``lsp/settings.py``."""

import re
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from pathlib import Path

from tenny_lsp.lsp.settings import Settings

PAGE = Path("docs/settings.md")
_HEAD = """\
# Settings

All have defaults. An editor gives them as `initializationOptions`, and as `workspace/didChangeConfiguration` under
`tenny`; in VS Code they are `tenny.…`. A wrong one is logged, and its default used. How each editor is told them, says
[editors.md](editors.md). Written by `python -m tools.build_settings` from `tenny_lsp/lsp/settings.py`.

| setting | default | meaning |
|---|---|---|
"""


def page() -> str:
    """Return the page's text."""
    return _HEAD + "".join(f"| `{name}` | `{default}` | {meaning} |\n" for name, default, meaning in rows(Settings()))


def rows(values: object, prefix: str = "") -> Iterator[tuple[str, str, str]]:
    """Yield the name, the default and the meaning of every setting in a settings dataclass."""
    assert is_dataclass(values)
    meanings = dict(re.findall(r"^ {8}(\w+) \([^)]*\): (.*(?:\n {12}.*)*)", values.__doc__ or "", re.MULTILINE))
    for field in fields(values):
        head, *rest = field.name.split("_")
        name = prefix + head + "".join(part.capitalize() for part in rest)
        value = getattr(values, field.name)
        if is_dataclass(value):
            yield from rows(value, f"{name}.")
        else:
            default = '""' if value == "" else str(value).lower()
            yield name, default, " ".join(meanings[field.name].split()).replace("``", "`")


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
