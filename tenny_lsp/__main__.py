"""``tenny-lsp``, also as ``python -m tenny_lsp``: an editor's plain ``serve`` starts without the command line."""

import logging
import sys

LOG_FORMAT = "%(levelname)s %(name)s: %(message)s"


def main() -> None:
    """Runs the command line; ``serve`` on stdio skips what only a terminal needs."""
    if sys.argv[1:] in (["serve"], ["serve", "--stdio"]):
        from tenny_lsp.wiring import make_server

        logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format=LOG_FORMAT)
        make_server().start_io()
    else:
        from tenny_lsp.cli import main

        main()


if __name__ == "__main__":
    main()
