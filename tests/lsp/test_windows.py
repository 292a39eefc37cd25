"""Two real servers of one user: they share a model, and the end of one is not the other's."""

import subprocess
from pathlib import Path
from typing import Any

from tests.lsp.conftest import HOME
from tests.lsp.session import Session, serving

URI = "file:///net.py"
OPTIONS = {"completion": {"deadlineMs": 60_000}}


def workers() -> list[str]:
    listed = subprocess.run(["ps", "-ww", "-eo", "pid=,args="], capture_output=True, text=True, check=True).stdout
    return [line.split()[0] for line in listed.splitlines() if f"{HOME}/run/" in line and "--shared" in line]


def first_names(session: Session) -> list[str]:
    session.open(URI, "import mlx.core as mx\nmx.\n")
    position = {"textDocument": {"uri": URI}, "position": {"line": 1, "character": 3}}
    found: Any = session.request("textDocument/completion", position)
    return [item["label"] for item in sorted(found["items"], key=lambda item: item["sortText"])[:5]]


def test_two_windows_share_one_worker_and_one_window_outlives_the_other(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    with serving(tmp_path / "two") as second:
        with serving(tmp_path / "one") as first:
            one, two = (server.session.initialize(OPTIONS) for server in (first, second))
            names = first_names(one)
            assert first_names(two) == names
            before = workers()
            assert len(before) == 1
            one.close()
        assert first_names(two) == names and workers() == before
        two.end()
        assert "Traceback" not in second.log
