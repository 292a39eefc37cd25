"""The real thing, run by ``make test-bootstrap``: a wheel as an extension has it, packages from the index, a hover.

It prints how long it took until the first hover, and how long the next start took.
"""

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.lsp.conftest import ENVIRONMENT
from tests.lsp.session import Server

ROOT = Path(__file__).parents[2]
DEADLINE_S = 900
POISON = "import pathlib; pathlib.Path(__file__ + '.ran').touch(); raise SystemExit('poisoned')\n"
POISONED = (
    "json.py",
    "random.py",
    "runpy.py",
    "pip.py",
    "venv.py",
    "ensurepip.py",
    "pygls.py",
    "tenny_lsp/__init__.py",
)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that an extension carries: the wheel, and ``server/`` beside it."""
    folder = tmp_path_factory.mktemp("bundle")
    shutil.copytree(ROOT / "server", folder / "server", ignore=shutil.ignore_patterns("__pycache__"))
    build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "-w", folder, ROOT]
    subprocess.run(build, check=True)
    return folder


def hover(command: list[str], folder: Path, path: str) -> tuple[float, str]:
    """Returns the seconds until a new server has answered a hover, and its log."""
    workspace = folder / "workspace"
    for name in POISONED:
        (workspace / name).parent.mkdir(parents=True, exist_ok=True)
        (workspace / name).write_text(POISON)
    environment = {**ENVIRONMENT, "PATH": path, "PYTHONPATH": os.pathsep.join(["", str(workspace)])}
    started_s = time.monotonic()
    with Server(
        command, folder / "stderr.txt", folder=workspace, environment=environment, deadline_s=DEADLINE_S
    ) as server:
        session = server.session.initialize()
        session.open("file:///a.py", "import mlx.core as mx\nmx.abs")
        card = session.hover("file:///a.py", 1, 4)
        took_s = time.monotonic() - started_s
        session.end()
        assert server.exit_status() == 0
    assert card is not None and "mx.abs(" in card
    assert list(workspace.rglob("*.ran")) == []
    return took_s, server.log


def agents_tools(command: list[str], workspace: Path) -> list[str]:
    """Returns the names of the tools that a new server offers agents, in a workspace with traps."""
    environment = {**ENVIRONMENT, "PYTHONPATH": os.pathsep.join(["", str(workspace)])}
    client = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}
    asked = [
        {"id": 1, "method": "initialize", "params": client},
        {"method": "notifications/initialized"},
        {"id": 2, "method": "tools/list", "params": {}},
    ]
    with subprocess.Popen(command, stdin=-1, stdout=-1, cwd=workspace, env=environment, text=True) as server:
        assert server.stdin is not None and server.stdout is not None
        for message in asked:
            server.stdin.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
            server.stdin.flush()
        answers = [json.loads(server.stdout.readline()) for _ in range(2)]
        server.stdin.close()
        assert server.wait(60) == 0
    return [tool["name"] for tool in answers[1]["result"]["tools"]]


@pytest.mark.parametrize("way", ["uv", "venv and pip"])
def test_from_nothing_to_a_hover(way: str, bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    uv, programs = shutil.which("uv"), tmp_path / "programs"
    programs.mkdir()
    if way == "uv" and not uv:
        pytest.skip("there is no uv on the PATH")
    command = [sys.executable, str(bundle / "server"), "--storage", str(tmp_path), "--import-strategy", "useBundled"]
    path = os.environ["PATH"] if way == "uv" else str(programs)

    first_s, log = hover(command, tmp_path, path)
    next_s, next_log = hover([*command, "--no-install"], tmp_path, path)
    tools = agents_tools([*command, "--no-install", "mcp"], tmp_path / "workspace")

    with capsys.disabled():
        sys.stdout.write(f"\n{way}: first hover after {first_s:.1f} s, in the next session after {next_s:.1f} s\n")
    states = [json.loads(line.split(" ", 1)[1]) for line in log.splitlines() if line.startswith("tenny-bootstrap ")]
    percentages = [state["percentage"] for state in states[:-1]]
    assert percentages == sorted(percentages) and percentages[-1] == 100 and len(set(percentages)) > 5
    assert states[-1]["source"] == "bundled" and states[-1]["python"].startswith(str(tmp_path))
    assert (" -m venv " in log) is (way != "uv")
    assert next_log.count("tenny-bootstrap ") == 1
    assert "translate" in tools and list(tmp_path.rglob("*.ran")) == []
