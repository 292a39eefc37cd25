"""docs/trainers.md: each row names the test that shows it."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in (ROOT / "docs" / "trainers.md").read_text("utf-8").splitlines()
    if line.startswith("| ") and "`test_" in line
]
TESTS = {
    name
    for folder in ("unit", "mlx")
    for file in (ROOT / "tests" / folder).glob("test_*.py")
    for name in re.findall(r"def (test_\w+)", file.read_text("utf-8"))
}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_the_tests_of_a_row_exist(row: list[str]) -> None:
    named = re.findall(r"`(test_\w+)`", row[-1])

    assert named and set(named) <= TESTS


def test_all_faults_are_there() -> None:
    assert sum(len(row) == 4 for row in ROWS) == 31
