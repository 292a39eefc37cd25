"""``python -m tenny_lsp`` is ``tenny-lsp``."""

from tenny_lsp.cli import main

main()
