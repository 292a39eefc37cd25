"""Run the command line: import every command, so that it is registered, then parse the arguments."""

import errno
import io
import sys
from collections.abc import Sequence

# Importing a module registers its commands.
from tenny_lsp.cli import ask, check, convert, doctor, generate, learn, mcp, models, serve, train  # noqa: F401
from tenny_lsp.cli.app import app, drop_output, err
from tenny_lsp.errors import TennyError

#: No room, no quota, a disk that is broken.
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EIO)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line; report every TennyError as one red line on stderr, exit status 1."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # what its encoding lacks is no reason to stop
    try:
        app(args=arguments, prog_name="tenny-lsp")
    except TennyError as error:
        err.print(str(error), style="red", highlight=False, soft_wrap=True)
        sys.exit(1)
    except OSError as error:
        if error.errno not in _FULL:
            raise
        drop_output()
        err.print(f"The output could not be written: {error.strerror}. Free some space.", style="red", highlight=False)
        sys.exit(1)
