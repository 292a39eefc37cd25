"""Execute the examples of MLX's names anew and write ``tenny_lsp/data/examples.jsonl``.

    python -m tools.build_examples                     the installed MLX: every example is executed again
    python -m tools.build_examples --add FILE          take over code written by hand: {"name", "code"} on each line
    python -m tools.build_examples --model smollm2     ask a model, with its adapter, for the names without an example

An example that fails, or prints something else in another process, is left out and reported. The names are those that
MLX's documentation lists and the installed MLX has.
"""

import argparse
import asyncio
import json
import sys
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

from tenny_lsp.data import FOLDER, read_lines
from tenny_lsp.evaluation.examples import MOST_LINES, judge_examples, uses
from tenny_lsp.evaluation.execution import execute
from tenny_lsp.mlx_api.entry import ApiEntry
from tenny_lsp.mlx_api.examples import FILE, UsageExample, load_examples, signature_sha
from tenny_lsp.mlx_api.index import ApiIndex, load_index
from tenny_lsp.wiring import worker_model

_TABLE = FOLDER / FILE
_DEADLINE_S = 300


def documented(index: ApiIndex) -> list[ApiEntry]:
    """Return the entries that MLX's documentation lists, in its order."""
    names = (line.partition("\t")[0] for line in read_lines("documented.tsv"))
    return [entry for name in names if (entry := index.resolve(name)) is not None]


def executed(examples: Iterable[UsageExample], index: ApiIndex) -> tuple[list[UsageExample], dict[str, str]]:
    """Return the examples with what they print on the installed MLX, and why others are left out, by name.

    Each is executed in two processes, in another order: none may depend on those before it.
    """
    entries = [(example, entry) for example in examples if (entry := index.resolve(example.name)) is not None]
    codes = [example.code for example, _ in entries]
    first = execute(codes, deadline_s=_DEADLINE_S)
    second = execute(codes[::-1], deadline_s=_DEADLINE_S)[::-1]
    kept, faults = [], {}
    for (example, entry), one, other in zip(entries, first, second, strict=True):
        fault = one.error or other.error or ("" if one == other else f"{one.output!r}, then {other.output!r}")
        if not fault and len(example.code.splitlines()) > MOST_LINES:
            fault = "too long"
        if not fault and not uses(example.code, entry):
            fault = "does not use the name"
        if fault:
            faults[example.name] = fault
        else:
            values = (example.name, signature_sha(entry), example.code, one.output, index.version, example.by)
            kept.append(UsageExample(*values))
    return kept, faults


def added(file: Path) -> dict[str, UsageExample]:
    """Return the code of a file of JSON lines as examples that have not been executed."""
    rows = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    return {row["name"]: UsageExample(row["name"], "", row["code"], "", "", "hand") for row in rows}


def from_model(entries: list[ApiEntry], model: str) -> dict[str, UsageExample]:
    """Return what a model writes for entries, where it passes."""
    speaker = worker_model(model, None, deadline_s=600)

    async def ask() -> dict[str, UsageExample]:
        try:
            judged = await judge_examples(entries, lambda prompt: speaker.complete(prompt, max_tokens=128))
        finally:
            await speaker.close()
        passed = [one for one in judged if not one.fault]
        return {one.name: UsageExample(one.name, "", one.code, "", "", "model") for one in passed}

    return asyncio.run(ask())


def main() -> None:
    """Write the table and report what is in it and what is not."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--add", type=Path, action="append", default=[], help="a file of code written by hand")
    parser.add_argument("--model", help="the base that writes what is missing")
    arguments = parser.parse_args()
    index = load_index()
    names = documented(index)
    known = dict(load_examples()) if _TABLE.is_file() else {}
    for file in arguments.add:
        known |= added(file)
    if arguments.model:
        missing = [entry for entry in names if entry.name not in known]
        known |= from_model(missing, arguments.model)
    kept, faults = executed(known.values(), index)
    order = {entry.name: place for place, entry in enumerate(names)}
    kept.sort(key=lambda example: (order.get(example.name, len(order)), example.name))
    lines = [json.dumps(asdict(example), ensure_ascii=False) + "\n" for example in kept]
    _TABLE.write_text("".join(lines), encoding="utf-8")
    have = {example.name for example in kept}
    for name, fault in faults.items():
        print(f"{name}: {fault}", file=sys.stderr)
    print(f"{len(kept)} examples on MLX {index.version}, by {dict(Counter(example.by for example in kept))}")
    print(f"documented names without one: {[entry.name for entry in names if entry.name not in have] or 'none'}")


if __name__ == "__main__":
    main()
