"""SECURITY.md: each line of the threat model names the tests that show it."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "SECURITY.md").read_text("utf-8")
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in PAGE.splitlines()
    if line.startswith("| ") and not line.startswith("| from where")
]
TESTS = {
    name
    for file in (ROOT / "tests").rglob("test_*.py")
    for name in re.findall(r"def (test_\w+)", file.read_text("utf-8"))
}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row[0]}: {row[1]}"[:50])
def test_the_tests_of_a_row_exist(row: list[str]) -> None:
    named = re.findall(r"`(test_\w+)`", row[-1])

    assert len(row) == 4 and named
    assert set(named) <= TESTS


@pytest.mark.parametrize(
    "threat",
    ["workspace", "document", "model", "adapter", "GGUF", "pickle", "socket", "pipe", "agent", "hub", "download"],
)
def test_the_model_covers(threat: str) -> None:
    assert any(threat in f"{row[0]} {row[1]}" for row in ROWS)
