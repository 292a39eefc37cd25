"""Entry point of ``tenny-lsp`` and ``python -m tenny_lsp``; plain ``serve`` starts without the command line."""

import sys

#: The status of a command that Ctrl-C has ended.
_INTERRUPTED = 130


def main() -> None:
    """Run the command line; ``serve`` on stdio skips what only a terminal needs."""
    if sys.argv[1:] in (["serve"], ["serve", "--stdio"]):
        from tenny_lsp.wiring import log_to_stderr, make_server

        log_to_stderr()
        make_server().start_io()
    else:
        try:
            from tenny_lsp.cli.main import main
        except KeyboardInterrupt:
            sys.exit(_INTERRUPTED)
        main()


if __name__ == "__main__":
    main()
