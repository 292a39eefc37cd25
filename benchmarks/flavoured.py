"""How much PyTorch-flavoured MLX runs after Tenny's safe fixes: what an agent gets of the tool ``fix``.

    python -m benchmarks.flavoured

The snippets are written as models write MLX that know PyTorch, NumPy or JAX better. Each is run, put right, and run
again, every time in a process of its own.
"""

import argparse
import asyncio
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.machine import machine, today
from tenny_lsp.cli.agent_tools import AgentTools
from tenny_lsp.mlx_api.index import load_mlx_index

SNIPPETS = Path(__file__).with_name("flavoured.txt")
RESULT = Path(__file__).parent / "results" / "flavoured.json"
#: What each snippet begins with.
IMPORTS = "import mlx.core as mx\nimport mlx.nn as nn\nimport mlx.optimizers as optim\nimport numpy as np\n\n"
_RUNS_IN_S = 60


def snippets(text: str) -> list[str]:
    """Return the snippets of a file: they are parted by lines of dashes."""
    return [part.strip("\n") + "\n" for part in text.split("\n---\n")]


def runs(code: str) -> str:
    """Run code in a process of its own; return its error's last line, empty where there is none."""
    done = subprocess.run(
        [sys.executable, "-c", code], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=_RUNS_IN_S
    )
    return done.stderr.strip().splitlines()[-1] if done.returncode else ""


async def measure(parts: list[str]) -> list[dict[str, Any]]:
    """Return for each snippet what it raises before and after, and the pitfalls that are left."""
    found = []
    with tempfile.TemporaryDirectory() as folder:
        tools = AgentTools(load_mlx_index(), Path(folder))
        for part in parts:
            code = IMPORTS + part
            fixed = await tools.fix(code)
            left = [f"{one['line'] - IMPORTS.count(chr(10))}: {one['code']}" for one in fixed["left"]]
            after = runs(fixed["code"])
            found.append({"code": part, "before": runs(code), "after": after, "left": left})
    return found


def main() -> None:
    """Print what still fails and a table, and write the results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--no-result", action="store_true", help="print only")
    options = parser.parse_args()
    found = asyncio.run(measure(snippets(SNIPPETS.read_text("utf-8"))))
    for number, one in enumerate(found, 1):
        if one["after"]:
            print(f"--- {number}: {one['after']}\n{one['code']}named: {', '.join(one['left']) or 'nothing'}\n")
    told = sum(bool(one["left"]) for one in found if one["after"])
    counts = {
        "snippets": len(found),
        "run as written": sum(not one["before"] for one in found),
        "run after fix": sum(not one["after"] for one in found),
        "do not, but the place is named": told,
    }
    print("| | |\n|---|---:|")
    for name, count in counts.items():
        print(f"| {name} | {count} |")
    if not options.no_result:
        result = {"date": today(), "machine": machine(), **counts, "each": found}
        RESULT.write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
