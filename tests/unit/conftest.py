"""What unit tests may use."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.bootstrapping import Machine


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    """A machine for the bootstrap; what a failed test has left running on it is ended."""
    machine = Machine(tmp_path)
    yield machine
    machine.end()
