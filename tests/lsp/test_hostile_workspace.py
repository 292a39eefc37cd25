"""A workspace written by somebody else: nothing in it is run or imported, whatever its name, whatever leads there."""

import json
import sys
from pathlib import Path

import pytest

from tests.lsp.conftest import ENVIRONMENT
from tests.lsp.session import Server

ROOT = Path(__file__).parents[2]
POISON = "import pathlib; pathlib.Path(__file__ + '.ran').touch(); raise SystemExit('poisoned')\n"
#: What Python, its tools, Tenny and the model's worker import or read by name.
POISONED = [
    *(
        "sitecustomize.py",
        "usercustomize.py",
        "conftest.py",
        "setup.py",
        "json.py",
        "asyncio.py",
        "pygls.py",
        "typing.py",
    ),
    *(
        "mlx.py",
        "mlx_lm.py",
        "numpy.py",
        "transformers.py",
        "tokenizers.py",
        "tenny_lsp/__init__.py",
        "net.py",
    ),
    *("tenny_lsp/worker/__main__.py", "encodings/__init__.py", "helpers/__init__.py"),
]
CODE = (
    "import mlx.core as mx\nfrom net import Net\nfrom helpers import x\n# TODO: fix this properly\nNet()(mx.cat([x]))\n"
)


def hostile(workspace: Path) -> None:
    for name in POISONED:
        (workspace / name).parent.mkdir(parents=True, exist_ok=True)
        (workspace / name).write_text(POISON)
    (workspace / "net.py").write_text(f"{POISON}import mlx.nn as nn\nclass Net(nn.Module):\n    pass\n")
    (workspace / "evil.pth").write_text("import pathlib; pathlib.Path('pth.ran').touch()\n")
    (workspace / ".env").write_text("PYTHONSTARTUP=net.py\n")
    (workspace / "pyproject.toml").write_text(
        "[build-system]\nrequires = []\nbuild-backend = 'net'\nbackend-path = ['.']\n"
    )
    (workspace / "pyvenv.cfg").write_text(f"home = {workspace}\n")
    (workspace / "a.py").write_text(CODE)


def script(folder: Path) -> list[str]:
    """Returns the command ``tenny-lsp serve`` as pip makes it: Python looks beside the script, not in the workspace."""
    file = folder / "bin" / "tenny-lsp"
    file.parent.mkdir()
    file.write_text(f"import sys\nsys.path.append({str(ROOT)!r})\nfrom tenny_lsp.__main__ import main\nmain()\n")
    return [sys.executable, str(file), "serve"]


@pytest.mark.parametrize("is_bootstrap", [False, True], ids=["tenny-lsp", "server"])
def test_nothing_of_a_workspace_is_run_or_imported(is_bootstrap: bool, tmp_path: Path) -> None:
    workspace = tmp_path / "workspace"
    workspace.mkdir()
    hostile(workspace)
    environment = {name: value for name, value in ENVIRONMENT.items() if name != "PYTHONPATH"}
    command = [sys.executable, str(ROOT / "server")] if is_bootstrap else script(tmp_path)
    folder = {"uri": workspace.as_uri(), "name": "workspace"}

    with Server(command, tmp_path / "stderr.txt", folder=workspace, environment=environment) as server:
        session = server.session.initialize({"model": {"enabled": True}}, folders=[folder])
        uri = (workspace / "a.py").as_uri()
        session.open(uri, CODE)
        assert "mx.concatenate" in str(session.hover(uri, 4, 9))
        range_ = {"start": {"line": 3, "character": 2}, "end": {"line": 3, "character": 2}}
        session.request("workspace/executeCommand", {"command": "tenny.loadModel"})
        remark = session.request(
            "workspace/executeCommand", {"command": "tenny.roastComment", "arguments": [uri, range_]}
        )
        assert remark["roast"]
        assert session.request("textDocument/diagnostic", {"textDocument": {"uri": uri}})["items"]
        session.end()
        assert server.exit_status() == 0

    assert list(workspace.rglob("*.ran")) == []


def test_a_message_from_a_comment_has_no_link_to_a_command(tmp_path: Path) -> None:
    workspace = tmp_path / "workspace"
    workspace.mkdir()
    code = "import mlx.core as mx\nx = mx.zeros((len('[a](command:run)'), 3))\nx\n# [a](command:run) <img src=x>\n"
    with Server(script(tmp_path), tmp_path / "stderr.txt", folder=workspace) as server:
        session = server.session.initialize()
        session.open("file:///a.py", code)
        card = session.hover("file:///a.py", 2, 0)
        range_ = {"start": {"line": 3, "character": 2}, "end": {"line": 3, "character": 2}}
        arguments = {"command": "tenny.roastComment", "arguments": ["file:///a.py", range_]}
        said = session.request("workspace/executeCommand", arguments)
        session.end()

    assert "mx.array" in str(card)
    assert "](command:" not in json.dumps([said["roast"]]) and "\n[a](command:" not in str(card)
