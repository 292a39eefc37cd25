"""The parts of the corpus, their shares of a training step, and the packages held out."""

import json
from collections.abc import Iterator
from pathlib import Path

VOCABULARY_SIZE = 8192
#: Packages kept out of training, for the held-out code loss.
HELD_OUT = ("mlx-embeddings", "mlx-optimizers", "mlx-graphs", "mlx-image")
#: Share of the training tokens by part: for most of the training, and for its last stretch.
MIX = {
    "code": 4.5,
    "python": 6.0,
    "docs": 2.0,
    "questions": 1.0,
    "reading": 4.0,
    "mlx_questions": 0.6,
    "mlx_reading": 0.3,
    "mlx_docs": 0.05,
    "english": 1.5,
}
ANNEAL_MIX = MIX | {
    "code": 6.0,
    "python": 3.0,
    "docs": 1.0,
    "questions": 0.5,
    "mlx_questions": 1.0,
    "mlx_reading": 0.5,
    "english": 1.0,
}


def rows_of(folder: Path, part: str) -> Iterator[str]:
    """Yield the texts of a part, one document at a time."""
    with (folder / "parts" / f"{part}.jsonl").open(encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)["text"]
