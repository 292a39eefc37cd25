"""Every command of ``tenny-lsp``: parse, wire, print."""

from tenny_lsp.cli import asking, checking, learning, serving  # noqa: F401 - each adds its commands to the app
from tenny_lsp.cli.app import main

__all__ = ["main"]
