"""The language servers that are compared, and how each is told which interpreter has MLX."""

import json
import os
import subprocess
import sys
import venv
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

#: Where the peers are installed, apart from the project's own environment.
_PEERS = Path(__file__).parent.parent / ".work" / "peers"
_VERSIONS = (
    "import importlib.metadata as m, json, sys; "
    "print(json.dumps({d.name: d.version for d in m.distributions() if d.name in sys.argv}))"
)


@dataclass(frozen=True, slots=True)
class Server:
    """A language server.

    Args:
        name (str): Its name, which is its distribution's too.
        command (tuple[str, ...]): Starts it on stdio.
        options (dict[str, Any]): Its ``initializationOptions``.
        settings (dict[str, Any]): Section → what it is answered when it asks for its configuration.
    """

    name: str
    command: tuple[str, ...]
    options: dict[str, Any] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)


def servers() -> list[Server]:
    """Return Tenny, first, and its peers, each set up for the packages of this interpreter."""
    interpreter = sys.executable
    jedi = {"pylsp": {"plugins": {"jedi": {"environment": interpreter}}}}
    ty = {"configuration": {"environment": {"python": interpreter}}}
    return [
        Server("tenny-lsp", (interpreter, "-m", "tenny_lsp", "serve"), {"model": {"enabled": False}}),
        Server("ty", _peer("ty", "server"), ty, {"ty": ty}),
        Server("pyrefly", _peer("pyrefly", "lsp"), {}, {"python": {"pythonPath": interpreter}}),
        Server(
            "basedpyright", _peer("basedpyright-langserver", "--stdio"), {}, {"python": {"pythonPath": interpreter}}
        ),
        Server("jedi-language-server", _peer("jedi-language-server"), {"workspace": {"environmentPath": interpreter}}),
        Server("python-lsp-server", _peer("pylsp"), jedi),
    ]


def environment(home: Path) -> dict[str, str]:
    """Return the environment a server runs in: this interpreter's is activated, caches lie in ``home``."""
    folders = {name: str(home / name) for name in ("XDG_CACHE_HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME")}
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    # Bytecode is kept, as on a user's machine: otherwise the servers that are not compiled start slower each time.
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, **folders, "VIRTUAL_ENV": sys.prefix, "PATH": path}


def install() -> None:
    """Install the newest release of each peer into ``.work/peers``."""
    venv.create(_PEERS, symlinks=True, with_pip=True)
    names = [server.name for server in servers()[1:]]
    command = [_PEERS / "bin" / "python", "-m", "pip", "install", "--quiet", "--upgrade", *names]
    subprocess.run(command, check=True, stdout=sys.stderr)


def versions() -> dict[str, str]:
    """Return the version of each peer that is installed."""
    names = [server.name for server in servers()[1:]]
    try:
        answer = subprocess.run(
            [_PEERS / "bin" / "python", "-c", _VERSIONS, *names], stdout=subprocess.PIPE, check=True
        )
    except FileNotFoundError:
        return {}
    found: dict[str, str] = json.loads(answer.stdout)
    return found


def _peer(program: str, *arguments: str) -> tuple[str, ...]:
    return (str(_PEERS / "bin" / program), *arguments)
