"""``python server/`` in a checkout becomes the real server, with the packages of the Python it is started with."""

import json
import os
import sys
from pathlib import Path

import pytest

from tests.lsp.conftest import ENVIRONMENT
from tests.lsp.session import Server

ROOT = Path(__file__).parents[2]
POISON = "import pathlib; pathlib.Path(__file__ + '.ran').touch(); raise SystemExit('poisoned')\n"
#: What bootstrap and server import, first and last.
POISONED = ("json.py", "random.py", "runpy.py", "pygls.py", "wiring.py", "tenny_lsp/__init__.py", "mlx/__init__.py")


@pytest.mark.parametrize(
    "paths", ["", os.pathsep, f"{os.pathsep}.", "{workspace}"], ids=["no", "empty", "dot", "itself"]
)
def test_it_serves_in_a_workspace_of_which_it_runs_nothing(paths: str, tmp_path: Path) -> None:
    workspace = tmp_path / "workspace"
    for name in POISONED:
        (workspace / name).parent.mkdir(parents=True, exist_ok=True)
        (workspace / name).write_text(POISON)
    # Behind what the tests themselves need.
    given = os.pathsep.join(filter(None, [os.environ.get("PYTHONPATH"), paths.format(workspace=workspace)]))
    environment = {**ENVIRONMENT, "PYTHONPATH": given}

    command = [sys.executable, str(ROOT / "server")]
    with Server(command, tmp_path / "stderr.txt", folder=workspace, environment=environment) as server:
        session = server.session.initialize()
        session.open("file:///a.py", "import mlx.core as mx\nmx.abs")
        card = session.hover("file:///a.py", 1, 4)
        folder = Path(f"/proc/{server.process.pid}/cwd")
        assert not folder.exists() or folder.samefile(workspace)
        session.end()
        assert server.exit_status() == 0

    assert card is not None and "mx.abs(" in card
    (state,) = [json.loads(line.split(" ", 1)[1]) for line in server.log.splitlines() if "tenny-bootstrap" in line]
    assert state.items() >= {"state": "starting", "python": sys.executable, "source": "environment"}.items()
    assert list(workspace.rglob("*.ran")) == []
