"""What a model knows of comments: which remark was written for one, and how one feels.

    python -m benchmarks.choosing
    python -m benchmarks.choosing --model smollm2

A hundred comments whose remarks no training has seen; each remark stands among the seven others that are nearest by
words, and what its comment was is hidden from the words. Chance finds the right one of eight in 12.5 %.
"""

import argparse
import asyncio
import json
import random
from dataclasses import replace
from pathlib import Path

from benchmarks.machine import machine, today
from tenny_lsp import locations
from tenny_lsp.features.repertoire import NEAR, Repertoire, repertoire
from tenny_lsp.features.roast import fitness, gains, sentiment, subject_of
from tenny_lsp.model.client import WorkerModel, WorkerOptions
from tenny_lsp.model.protocol import TextModel
from tenny_lsp.wiring import abilities
from tools.roast_rows import KNOWN

UNSEEN = Path(__file__).parents[1] / "tests" / "data" / "unseen_feelings.jsonl"
RESULTS = Path(__file__).parent / "results"


async def chosen(model: TextModel, count: int, seed: int) -> dict[str, float]:
    """Return how often each way of ranking puts the right remark first."""
    learned, reserve = repertoire().learned, repertoire().reserve[:KNOWN]
    drawn = set(random.Random(seed).sample(range(len(reserve)), count))
    hidden = [replace(roast, context="") if place in drawn else roast for place, roast in enumerate(reserve)]
    known = Repertoire(learned, hidden)
    right = {"words": 0, "gain": 0, "shipped": 0}
    for place in sorted(drawn):
        text, own = subject_of(reserve[place].context), reserve[place].response
        near = {roast.response: weight for roast, weight in known.near(text, (), len(reserve))}
        others = [remark for remark in near if remark != own][: NEAR - 1]
        remarks = [own, *others]
        words = [near.get(remark, 0.0) for remark in remarks]
        for name, ranks in (
            ("words", words),
            ("gain", await gains(text, remarks, model)),
            ("shipped", await fitness(text, remarks, words, model)),
        ):
            right[name] += all(ranks[0] > other for other in ranks[1:])
    return {name: number / count for name, number in right.items()}


async def felt(model: TextModel) -> dict[str, float]:
    """Return how often a sentiment is right, by words alone and with the model's opinion as a large one's counts."""
    rows = [json.loads(line) for line in UNSEEN.read_text("utf-8").splitlines()]
    ways = {"words": None, "words and model": model}
    return {
        name: sum([await sentiment(subject_of(row["comment"]), who) == row["sentiment"] for row in rows]) / len(rows)
        for name, who in ways.items()
    }


async def run(count: int, seed: int, base: str, adapter: Path | None) -> dict[str, object]:
    """Return all that was measured."""
    model = WorkerModel(WorkerOptions(locations.base_folder(base), adapter, abilities(base), deadline_s=600))
    try:
        return {"remarks": await chosen(model, count, seed), "sentiments": await felt(model)}
    finally:
        await model.close()


def main() -> None:
    """Print what was measured and write it to ``results/choosing.json``, or ``choosing-BASE.json``."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--comments", type=int, default=100, help="how many")
    parser.add_argument("--seed", type=int, default=0, help="which")
    parser.add_argument("--bare", action="store_true", help="the base without the cynic adapter; writes nothing")
    parser.add_argument("--model", default=locations.EMBEDDED, help="the base; default: the embedded one")
    parser.add_argument("--adapter-path", type=Path, help="default: the base's cynic")
    arguments = parser.parse_args()
    base = arguments.model
    adapter = None if arguments.bare else arguments.adapter_path or locations.find_adapter(base, locations.CYNIC)
    measured = asyncio.run(run(arguments.comments, arguments.seed, base, adapter))
    print(json.dumps(measured, indent=1))
    if not arguments.bare:
        name = "choosing" if base == locations.EMBEDDED else f"choosing-{Path(base).name}"
        about = {"date": today(), "machine": machine(), "comments": arguments.comments, "seed": arguments.seed}
        (RESULTS / f"{name}.json").write_text(json.dumps(about | measured, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
