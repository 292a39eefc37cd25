"""What Tenny says to sixty comments that no training has seen: whether it may be said, fits, is its own, and how fast.

    python -m benchmarks.roasts
    python -m benchmarks.roasts --model smollm2 --write --blind .work/blind

Whether it is funny is for you to judge: all pairs are printed.
"""

import argparse
import asyncio
import json
import statistics
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.blind import write_blind
from benchmarks.machine import machine, today
from tenny_lsp import locations
from tenny_lsp.features.decency import MOST_WORDS, fault_of, finished
from tenny_lsp.features.repertoire import NEAR_COPY, repertoire
from tenny_lsp.features.roast import LEAST_LIKELIHOOD, SAMPLING, roast, subject_of, why_not
from tenny_lsp.features.subject import content_words
from tenny_lsp.model.client import WorkerModel, WorkerOptions
from tenny_lsp.model.prompts import roast_prompt
from tenny_lsp.model.protocol import Sampling
from tenny_lsp.wiring import abilities

UNSEEN = Path(__file__).parents[1] / "tests" / "data" / "unseen_comments.jsonl"
RESULTS = Path(__file__).parent / "results"


async def measure(model: WorkerModel, rows: list[dict[str, str]], sampling: Sampling) -> list[dict[str, Any]]:
    """Return what is said to each comment, and what is measured on it."""
    found = []
    # The model is loaded, and the adapter on.
    await roast(rows[0]["comment"], model, sampling=sampling)
    for row in rows:
        start_s = time.monotonic()
        said = await roast(row["comment"], model, seed=sampling.seed, sampling=sampling)
        seconds = time.monotonic() - start_s
        about = content_words(said.remark)
        found.append(
            {
                **row,
                "said_sentiment": said.sentiment,
                "remark": said.remark,
                "seconds": round(seconds, 3),
                "generated": said.is_generated,
                "finished": bool(said.remark) and finished(said.remark) == said.remark,
                "short": len(said.remark.split()) <= MOST_WORDS,
                "safe": fault_of(said.remark) is None,
                "on subject": bool(about & content_words(row["comment"])),
                "a training response": repertoire().has(said.remark),
                "near copy": said.is_generated and repertoire().likeness(said.remark) >= NEAR_COPY,
                "sentiment right": said.sentiment == row["sentiment"],
            }
        )
    return found


async def refused(model: WorkerModel, rows: list[dict[str, str]], sampling: Sampling) -> Counter[str]:
    """Return how many of all candidates may be shown, and why the others may not."""
    reasons: Counter[str] = Counter()
    for row in rows:
        text = subject_of(row["comment"])
        async for candidate in model.candidates(roast_prompt(text), sampling):
            reason = why_not(finished(candidate.text), text)
            if reason is None and candidate.likelihood < LEAST_LIKELIHOOD:
                reason = "babble"
            reasons[reason or "may be shown"] += 1
    return reasons


def scores(found: list[dict[str, Any]]) -> dict[str, float]:
    """Return shares of all comments, and seconds."""
    names = [name for name, value in found[0].items() if isinstance(value, bool)]
    shares = {name: sum(row[name] for row in found) / len(found) for name in names}
    seconds = sorted(row["seconds"] for row in found)
    return shares | {"seconds, median": statistics.median(seconds), "seconds, slowest": seconds[-1]}


async def run(arguments: argparse.Namespace) -> dict[str, Any]:
    """Return all that was measured."""
    rows = [json.loads(line) for line in UNSEEN.read_text("utf-8").splitlines()][: arguments.comments]
    sampling = replace(
        SAMPLING,
        count=arguments.count,
        temperature=arguments.temperature,
        top_p=arguments.top_p,
        seed=arguments.seed,
    )
    adapter = arguments.adapter_path or locations.find_adapter(arguments.model, locations.CYNIC)
    can = replace(abilities(arguments.model), write=arguments.write)
    model = WorkerModel(WorkerOptions(locations.base_folder(arguments.model), adapter, can, deadline_s=600))
    try:
        found = await measure(model, rows, sampling)
        reasons = await refused(model, rows, sampling)
        if arguments.blind:
            print(await write_blind(arguments.blind, model, [row["comment"] for row in rows], sampling))
    finally:
        await model.close()
    return {
        "date": today(),
        "machine": machine(),
        "base": arguments.model or locations.EMBEDDED,
        "adapter": adapter.name if adapter else None,
        "writes": arguments.write,
        "sampling": {name: getattr(sampling, name) for name in ("count", "temperature", "top_p", "seed", "max_tokens")},
        "scores": scores(found),
        "candidates": dict(reasons.most_common()),
        "pairs": found,
    }


def main() -> None:
    """Print the scores and every pair, and write them to a file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--adapter-path", type=Path, help="default: the trained cynic adapter")
    parser.add_argument("--model", default="", help="default: the embedded base")
    parser.add_argument("--write", action="store_true", help="let the model write, as a large one does")
    parser.add_argument("--count", type=int, default=SAMPLING.count)
    parser.add_argument("--temperature", type=float, default=SAMPLING.temperature)
    parser.add_argument("--top-p", type=float, default=SAMPLING.top_p)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--comments", type=int, default=60, help="how many of them")
    parser.add_argument("--output", type=Path, help="default: results/roasts.json, or roasts-BASE.json")
    parser.add_argument("--blind", type=Path, help="a folder for a file of both remarks without names, and its key")
    arguments = parser.parse_args()
    results = asyncio.run(run(arguments))
    for row in results["pairs"]:
        marks = "".join(mark for mark, name in (("·", "generated"), ("≈", "on subject")) if row[name])
        wrong = "" if row["sentiment right"] else f" ({row['said_sentiment']}, is {row['sentiment']})"
        print(f"{row['comment']}{wrong}\n    {marks:2} {row['remark']}")
    for name, value in results["scores"].items():
        print(f"{name:18} {value:.2f} s" if name.startswith("seconds") else f"{name:18} {value:.0%}")
    print(", ".join(f"{reason}: {count}" for reason, count in results["candidates"].items()))
    name = f"roasts-{Path(arguments.model).name}.json" if arguments.model else "roasts.json"
    output = arguments.output or RESULTS / name
    output.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
