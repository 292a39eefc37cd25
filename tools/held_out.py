"""Write the source of packages that no base has read, for ``tenny-lsp evaluate --code``.

Run from the repository's root::

    python -m tools.held_out .work/held-out
"""

import sys
from pathlib import Path

from tools.hand_written import code_rows
from tools.packages import fetch, find
from tools.parts import HELD_OUT


def write(folder: Path) -> None:
    """Fetch the packages and write their hand-written files, a folder for each package."""
    fetch(folder / ".wheels", HELD_OUT)
    for name in HELD_OUT:
        package = find(name, folder / ".wheels")
        if package is None:
            print(f"no wheel of {name}: left out")
            continue
        (folder / name).mkdir(parents=True, exist_ok=True)
        for number, row in enumerate(code_rows([package], refused=[])):
            (folder / name / f"{number:03}.py").write_text(row["text"], encoding="utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1]))
