"""What docs/editors.md tells a user to write: the blocks of code under its headings."""

import re
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "editors.md"


def blocks(heading: str, language: str) -> list[str]:
    """Returns the blocks of a language under a heading, up to the next one."""
    _, found, after = PAGE.read_text("utf-8").partition(f"\n## {heading}\n")
    assert found, f"docs/editors.md has no heading {heading!r}"
    section = after.partition("\n## ")[0]
    return re.findall(rf"^```{language}\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)
