"""Write the rows that smollm2's cynic is trained on: every hand-written roast but those that it is measured on.

    python -m tools.roast_rows .work/roasts

The hundred of ``benchmarks.choosing`` and two hundred others are kept back; 128 of the latter are the validation.
"""

import argparse
import random
from pathlib import Path

from tenny_lsp.features.repertoire import WrittenRoast, repertoire
from tenny_lsp.features.roast import subject_of
from tenny_lsp.learning.formats import Row, row_line
from tenny_lsp.model.prompts import roast_prompt

#: As ``benchmarks.choosing`` draws them, and the others after them.
_MEASURED, _KEPT_BACK, _VALIDATED = 100, 200, 128
#: So many remarks there were when the shipped adapter was trained; those that came later it has not seen.
KNOWN = 1_869


def splits() -> tuple[list[WrittenRoast], list[WrittenRoast]]:
    """Return the roasts to train on, and those for the validation."""
    learned, reserve = repertoire().learned, repertoire().reserve[:KNOWN]
    measured = set(random.Random(0).sample(range(len(reserve)), _MEASURED))
    others = [place for place in range(len(reserve)) if place not in measured]
    kept_back = set(random.Random(1).sample(others, _KEPT_BACK))
    train = [*learned, *(reserve[place] for place in others if place not in kept_back)]
    return train, [reserve[place] for place in sorted(kept_back)][:_VALIDATED]


def row_of(roast: WrittenRoast) -> Row:
    """Return the row of a roast: its comment as the prompt, its remark as the completion."""
    return Row(roast_prompt(subject_of(roast.context)), roast.response, kind="roast")


def main() -> None:
    """Write ``train.jsonl`` and ``valid.jsonl``."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    for name, roasts in zip(("train", "valid"), splits(), strict=True):
        lines = [row_line(row_of(roast), "completions") for roast in roasts]
        (folder / f"{name}.jsonl").write_text("".join(lines), encoding="utf-8")
        print(f"{folder / name}.jsonl: {len(lines)} rows")


if __name__ == "__main__":
    main()
