"""Measure an installation's progress by the output of uv or pip and the files in the environment."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from pathlib import Path

#: The percentages at which the environment stands, packages are known (to uv), are there, and are installed.
_MADE, _KNOWN, _FETCHED, _INSTALLED = 5, 15, 70, 95

_PIP_SEES = re.compile(r"(Collecting|Processing|Ignoring) ([\w.-]*)")
_PIP_HAS_ALL = re.compile(r"Installing collected packages: (.+)")
_UV_KNOWS = re.compile(r"Resolved (\d+) packages?")
_UV_STARTS = re.compile(r"Downloading ([\w.-]+) \([\d.]+\w*iB\)")
_UV_HAS = re.compile(r"Downloaded ([\w.-]+)$")
_UV_HAS_ALL = re.compile(r"Prepared \d+ packages?")


class Progress:
    """Percentages that only rise.

    Args:
        requirements (int): How many lines of requirements there are, those for other machines included.
        folder (Path): The environment's.
        tell (Callable[[str, int], None]): Told what is being done, and the percentage, when that has changed.
    """

    def __init__(self, requirements: int, folder: Path, tell: Callable[[str, int], None]) -> None:
        self._requirements, self._folder, self._tell = requirements, folder, tell
        self._seen = self._ignored = self._started = self._done = self._expected = self._before = 0
        self._message, self._percentage = "", -1

    def step(self, message: str, percentage: int) -> None:
        """Say what is being done now."""
        percentage = max(percentage, self._percentage)
        if (message, percentage) != (self._message, self._percentage):
            self._message, self._percentage = message, percentage
            self._tell(message, percentage)

    def hear(self, line: str) -> None:
        """Take a line that uv or pip said."""
        line = line.strip()
        found = _PIP_SEES.match(line)
        if found:
            self._seen += 1
            self._ignored += found[1] == "Ignoring"
            if found[1] != "Ignoring":
                share = self._seen / max(self._requirements, self._seen)
                of = f"{self._seen - self._ignored} of {max(self._requirements, self._seen) - self._ignored}"
                self.step(f"Downloading {found[2] or 'packages'} ({of})", _MADE + int((_FETCHED - _MADE) * share))
            return
        found = _UV_KNOWS.match(line)
        if found:
            self._expected = int(found[1])
            self.step(f"Downloading {found[1]} packages", _KNOWN)
        self._started += bool(_UV_STARTS.match(line))
        found = _UV_HAS.match(line)
        if found:
            self._done += 1
            share = self._done / max(self._started, self._done)
            self.step(f"Downloaded {found[1]}", _KNOWN + int((_FETCHED - _KNOWN) * share))
        found = _PIP_HAS_ALL.match(line)
        if found or _UV_HAS_ALL.match(line):
            self._expected = found[1].count(",") + 1 if found else self._expected
            self._before = self._installed()
            self.step(f"Installing {self._expected} packages", _FETCHED)

    def look(self) -> None:
        """Count what is installed; for the time in which nothing is said."""
        if self._percentage >= _FETCHED and self._expected:
            count = min(self._installed() - self._before, self._expected)
            share = count / self._expected
            self.step(f"Installing {self._expected} packages", _FETCHED + int((_INSTALLED - _FETCHED) * share))

    def _installed(self) -> int:
        site_packages = "Lib/site-packages" if sys.platform == "win32" else "lib/python*/site-packages"
        return sum(1 for _ in self._folder.glob(f"{site_packages}/*.dist-info"))
