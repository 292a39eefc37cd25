"""Count how the MLX packages of the corpus use MLX, into tenny_lsp/data, and fit the weight of each kind of count.

Run from the repository's root, after ``python -m tools.pretrain_base corpus``::

    python -m tools.build_usage

What is kept out of the base's training is kept out of the counts too. The weights are learned on the packages in
``DEVELOPMENT`` with counts that leave those out; the counts that are shipped have them.
"""

import argparse
import json
import random
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import numpy as np
import numpy.typing as npt

from tenny_lsp.data import FOLDER
from tenny_lsp.mlx_api.index import load_mlx_index
from tenny_lsp.mlx_api.usage import DATA, FEATURES, Counted, Usage, key_of, members_of, to_bytes
from tenny_lsp.mlx_api.usage_contexts import ARRAY, Members, Use, uses
from tools.parts import HELD_OUT

TARGET = FOLDER / DATA
#: Packages the weights are learned on: of many authors, none of them large.
_DEVELOPMENT = """sillm-mlx mlx-llm mlx-audiocraft demucs-mlx mlx-transformers f5-tts-mlx parakeet-mlx mlx-kan
    rwkv-metal mlx-boosting mlx-arsenal e3nn-mlx textpolicy mlx-whisper mlx-lm-lora diffuse-mlx"""
DEVELOPMENT = frozenset(_DEVELOPMENT.split())
#: A file adds at most this much to a name's count in one context.
MOST_PER_FILE = 2
#: A context that came less often is not kept; nor is a name that came once where others came often.
LEAST = 2
LEAST_TO_DROP_SINGLES = 6
#: The size of the file; the contexts that came least often go first.
BUDGET_BYTES = 1_000_000
_EXAMPLES = 8000
_EPOCHS = 8
_BATCH = 64
_RATE = 0.05

_Matrix = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class File:
    """A file of a package and the uses of MLX in it."""

    package: str
    uses: list[Use]


@dataclass(frozen=True, slots=True)
class Example:
    """A use whose name is known: features × candidates, and which candidate was written."""

    features: _Matrix
    written: int


def main() -> None:
    """Build the counts; the same corpus gives the same bytes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, default=Path(".work"), help="the folder of tools.pretrain_base")
    parts = parser.parse_args().work / "corpus" / "parts"
    members = members_of(load_mlx_index())
    files = list(read(parts / "code.jsonl", members))
    untaught = usage_of([file for file in files if file.package not in DEVELOPMENT], {})
    held = [file for name in HELD_OUT for file in read(parts / f"valid_{name}.jsonl", members)]
    weights = {}
    for kind in ("modules", "arrays"):
        chosen = examples((file for file in files if file.package in DEVELOPMENT), untaught, members, kind)
        weights[kind] = learn(random.Random(0).sample(chosen, min(_EXAMPLES, len(chosen))))
        print(kind, {name: round(weight, 2) for name, weight in zip(FEATURES, weights[kind], strict=True)})
    usage = usage_of(files, weights)
    TARGET.write_bytes(usage)
    start = time.perf_counter()
    Usage(TARGET.read_bytes())
    print(f"{TARGET.name}: {len(usage)} bytes, loaded in {1000 * (time.perf_counter() - start):.1f} ms")
    for kind in ("modules", "arrays"):
        score = mean_reciprocal_rank(examples(held, usage, members, kind), weights[kind])
        print(f"mean reciprocal rank on {', '.join(HELD_OUT)}, {kind}: {score:.3f}")


def read(path: Path, members: Members) -> Iterator[File]:
    """Yield the files of one part of the corpus."""
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            yield File(row["package"], list(uses(row["text"], members)))


def usage_of(files: Iterable[File], weights: dict[str, tuple[float, ...]]) -> bytes:
    """Return the pruned counts of files, in the form they are shipped in."""
    frequencies: dict[str, Counter[str]] = defaultdict(Counter)
    contexts: dict[int, Counter[str]] = defaultdict(Counter)
    for file in files:
        frequent: Counter[tuple[int, str]] = Counter()
        for use in file.uses:
            frequencies[use.owner][use.name] += 1
            for kind, context in enumerate(use.contexts):
                frequent[key_of(use.owner, kind, context), use.name] += 1
        for (key, name), count in frequent.items():
            contexts[key][name] += min(count, MOST_PER_FILE)
    by_frequency = sorted(contexts.items(), key=lambda item: (-item[1].total(), item[0]))
    kept: dict[int, dict[str, int]] = {}
    size = 0
    counted = {owner: dict(sorted(names.items())) for owner, names in sorted(frequencies.items())}
    every_name: Counter[str] = sum(frequencies.values(), Counter())
    room = BUDGET_BYTES - len(to_bytes(Counted(counted, {0: every_name}, weights)))
    for key, names in by_frequency:
        often = names.total() >= LEAST_TO_DROP_SINGLES
        pairs = {name: count for name, count in names.items() if count > often}
        size += 8 + 3 * len(pairs)
        if names.total() < LEAST or size > room:
            break
        kept[key] = pairs
    return to_bytes(Counted(counted, kept, weights))


def examples(files: Iterable[File], data: bytes, members: Members, kind: str) -> list[Example]:
    """Return the uses of modules, or of arrays, as training examples."""
    usage = Usage(data)
    names = {owner: sorted(found) for owner, found in members.of.items()}
    found: list[Example] = []
    for file in files:
        for place, use in enumerate(file.uses):
            if (use.owner == ARRAY) == (kind == "arrays"):
                candidates = names[use.owner]
                frequency, votes = usage.votes(use, file.uses[:place], candidates)
                features = np.zeros((len(FEATURES), len(candidates)))
                features[0] = frequency
                for row, vote in enumerate(votes, 1):
                    features[row, list(vote)] = list(vote.values())
                found.append(Example(features, candidates.index(use.name)))
    return found


def learn(found: list[Example]) -> tuple[float, ...]:
    """Fit the weights under which the written names are likeliest: softmax regression, by AdaGrad."""
    weights = np.full(len(FEATURES), 0.1)
    weights[0] = 1.0
    squares = np.zeros(len(FEATURES))
    order = random.Random(0)
    for _ in range(_EPOCHS):
        shuffled = order.sample(found, len(found))
        for _, batch in groupby(enumerate(shuffled), key=lambda item: item[0] // _BATCH):
            gradient = np.zeros(len(FEATURES))
            for _, example in batch:
                scores = weights @ example.features
                likely = np.exp(scores - scores.max())
                gradient += example.features[:, example.written] - example.features @ (likely / likely.sum())
            squares += gradient**2
            weights += _RATE * gradient / (np.sqrt(squares) + 1e-8)
    return tuple(round(float(weight), 3) for weight in weights)


def mean_reciprocal_rank(found: list[Example], weights: tuple[float, ...]) -> float:
    """Return the mean reciprocal rank of the names that were written."""
    ranks = []
    for example in found:
        scores = np.array(weights) @ example.features
        ranks.append(1 + int((scores > scores[example.written]).sum()))
    return sum(1 / rank for rank in ranks) / len(ranks)


if __name__ == "__main__":
    main()
