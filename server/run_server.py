"""Start the server: import ``tenny_lsp`` from a folder or as installed, with nothing of this folder on the path."""

import os
import sys

_HERE = os.path.dirname(os.path.abspath(__file__))


def main() -> None:
    """Run ``tenny_lsp`` as ``python -m`` does, which would look for it in the working directory first."""
    folder = sys.argv.pop(1)
    sys.path[:] = ([folder] if folder else []) + [entry for entry in sys.path if os.path.abspath(entry) != _HERE]
    import runpy

    runpy.run_module("tenny_lsp", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
