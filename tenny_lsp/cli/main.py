"""Run the command line: import every command, so that it is registered, then parse the arguments."""

import sys
from collections.abc import Sequence

# Importing a module registers its commands.
from tenny_lsp.cli import ask, check, convert, generate, learn, models, serve, train  # noqa: F401
from tenny_lsp.cli.app import app, err
from tenny_lsp.errors import TennyError


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line; report every TennyError as one red line on stderr, exit status 1."""
    try:
        app(args=arguments, prog_name="tenny-lsp")
    except TennyError as error:
        err.print(str(error), style="red", highlight=False, soft_wrap=True)
        sys.exit(1)
