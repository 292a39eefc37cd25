"""Learn what words weigh when a feeling is told by them: logistic regression on hand-written comments.

Run as ``python -m tools.build_feelings``; prints how often it is right on comments it has not learned from.
"""

import json
import random
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from tenny_lsp.data import FOLDER
from tenny_lsp.features.feeling import ALWAYS, WEIGHTS, features
from tenny_lsp.features.repertoire import repertoire
from tenny_lsp.model.prompts import SENTIMENTS

#: Comments with their sentiments, beside the contexts of the roasts.
COMMENTS = Path(__file__).with_name("feelings.jsonl")
#: Others, for judging only: written and labelled by somebody who had seen none of these.
UNSEEN = Path(__file__).parents[1] / "tests" / "data" / "unseen_feelings.jsonl"
#: Features of fewer rows are left out.
_LEAST_ROWS = 2
#: Features whose weights are all smaller are left out.
_LEAST_WEIGHT = 0.1
_FOLDS = 5

Weights = dict[str, list[float]]
#: A text and its sentiment.
Row = tuple[str, str]


def fit(rows: Sequence[Row], decay: float = 1.0, steps: int = 400, rate: float = 0.5) -> Weights:
    """Return the weights of every feature of the rows' texts, for each of ``SENTIMENTS``."""
    found = [features(text) for text, _ in rows]
    counts = Counter(name for row in found for name in row)
    names = [ALWAYS, *sorted(name for name, count in counts.items() if count >= _LEAST_ROWS)]
    places = {name: place for place, name in enumerate(names)}
    given = np.zeros((len(rows), len(names)))
    given[:, 0] = 1
    for place, row in enumerate(found):
        for name, count in row.items():
            if name in places:
                given[place, places[name]] = count
    wanted = np.eye(len(SENTIMENTS))[[SENTIMENTS.index(sentiment) for _, sentiment in rows]]
    weights, step = np.zeros((len(names), len(SENTIMENTS))), np.zeros((len(names), len(SENTIMENTS)))
    for _ in range(steps):
        likely = np.exp(given @ weights)
        likely /= likely.sum(1, keepdims=True)
        step = 0.9 * step - rate * (given.T @ (likely - wanted) + decay * weights) / len(rows)
        weights += step
    return {name: [round(float(value), 2) for value in weights[place]] for name, place in places.items()}


def right(rows: Sequence[Row], weights: Weights) -> float:
    """Return how often the likeliest sentiment is the row's own."""
    return sum(_likeliest(features(text), weights) == sentiment for text, sentiment in rows) / len(rows)


def _likeliest(found: Mapping[str, int], weights: Weights) -> str:
    sums = np.array(weights[ALWAYS])
    for name, count in found.items():
        sums = sums + count * np.array(weights.get(name, (0.0, 0.0, 0.0)))
    return SENTIMENTS[int(sums.argmax())]


def _comments(file: Path) -> list[Row]:
    rows = map(json.loads, file.read_text("utf-8").splitlines())
    return [(row["comment"], row["sentiment"]) for row in rows]


def main() -> None:
    """Write the weights, and print how often they are right."""
    roasts = (*repertoire().learned, *repertoire().reserve)
    rows = [(roast.context, roast.sentiment) for roast in roasts] + _comments(COMMENTS)
    random.Random(0).shuffle(rows)
    folds = [rows[start::_FOLDS] for start in range(_FOLDS)]
    scores = [right(fold, fit([row for other in folds if other is not fold for row in other])) for fold in folds]
    print(f"right on {sum(scores) / _FOLDS:.1%} of {len(rows)} rows, each left out once")
    weights = {name: row for name, row in fit(rows).items() if max(map(abs, row)) >= _LEAST_WEIGHT}
    print(f"right on {right(_comments(UNSEEN), weights):.1%} of {UNSEEN.name}")
    table = {"(sentiments)": SENTIMENTS, **weights}
    lines = (f"{json.dumps(name)}: {json.dumps(row)}" for name, row in table.items())
    (FOLDER / WEIGHTS).write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
