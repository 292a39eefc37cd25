"""Choose where the server's packages come from: this Python, else a private environment; then start it."""

from __future__ import annotations

import argparse
import importlib.util
import signal
import sys
from pathlib import Path
from types import FrameType

import bundle
import interpreters
from become import become
from reports import log
from storage import default_storage

#: Commands that need a package which not every installation of Tenny has.
_EXTRAS = {"mcp": "mcp"}


def start(arguments: list[str], workspace: str) -> int:
    """Become the server; on Windows, returns its exit status.

    Args:
        arguments (list[str]): The command line.
        workspace (str): The server's working directory, to which the command line's paths are relative.

    Raises:
        Problem: There is no server to become.
    """
    options = _parse(arguments)
    if sys.platform == "win32":
        from job import end_children_with_us

        end_children_with_us()
    tenny, running = bundle.find(), interpreters.running()
    is_wanted = options.import_strategy == "fromEnvironment" and running.is_suitable
    if is_wanted and _is_installed(tenny, options.command[0]):
        return become(
            running.path, options.command, source="environment", folder="", workspace=workspace, is_private=False
        )
    from provision import Environment

    signal.signal(signal.SIGTERM, _end)
    python = running if running.is_suitable else interpreters.search()
    storage = Path(workspace, options.storage) if options.storage else default_storage()
    environment = Environment(storage, tenny, python)
    lock = environment.provide(may_install=not options.no_install)
    lock.keep()
    return become(
        str(environment.python),
        options.command,
        source="checkout" if tenny.checkout else "bundled",
        folder=str(tenny.checkout or ""),
        workspace=workspace,
        is_private=True,
    )


def _parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        "python server/", description="Starts Tenny's language server on stdio.", allow_abbrev=False
    )
    parser.add_argument(
        "--storage", metavar="DIR", help="where private environments are; default: among the user's data"
    )
    parser.add_argument(
        "--import-strategy",
        choices=("fromEnvironment", "useBundled"),
        default="fromEnvironment",
        help="useBundled: not even a tenny-lsp that this Python has, always a private environment",
    )
    parser.add_argument("--no-install", action="store_true", help="exit with 3 rather than make an environment")
    parser.add_argument("--stdio", action="store_true", help="as always; some editors say so")
    parser.add_argument("command", nargs=argparse.REMAINDER, help="another command of tenny-lsp; default: serve")
    options = parser.parse_args(arguments)
    options.command = options.command or ["serve"]
    return options


def _is_installed(tenny: bundle.Bundle, command: str) -> bool:
    """Return whether this Python has a Tenny that is as good as the one that comes with this bootstrap.

    Args:
        tenny (bundle.Bundle): The one that comes with it.
        command (str): What it is to do.
    """
    spec = importlib.util.find_spec("tenny_lsp")
    if not (spec and spec.origin and importlib.util.find_spec("pygls")):  # pygls: its source alone is no installation
        return False
    version = bundle.version_in(Path(spec.origin))  # importlib.metadata takes as long as all else together
    if not tenny.accepts(version):
        log(f"{Path(spec.origin).parent} is Tenny {version or 'of no version'}, not {tenny.version}: it is not used")
        return False
    extra = _EXTRAS.get(command, "")
    if extra and not importlib.util.find_spec(extra):
        log(f"{Path(spec.origin).parent} is there without the package {extra}: it is not used")
        return False
    return True


def _end(number: int, _: FrameType | None) -> None:
    """Unwinds, so that what was started is ended too."""
    sys.exit(128 + number)
