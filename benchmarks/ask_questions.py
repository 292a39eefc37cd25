"""Whether `tenny-lsp ask` finds the right source: questions from public issues, forums and documentation.

    python -m benchmarks.ask_questions --before COMMIT

The search was tuned with the questions "tune" and "tune, later"; those "held out" were not looked at before the end.
"known" are those that were answered wrongly when this was begun. No model is asked.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.machine import machine, today

ROOT = Path(__file__).parents[1]
QUESTIONS = Path(__file__).with_name("questions.jsonl")
RESULTS = Path(__file__).parent / "results" / "ask_questions.json"
HALVES = ("tune", "tune, later", "held out", "known")
#: Answers the questions on stdin in the tree that PYTHONPATH names; that of another commit may lack `search_in`.
_ANSWER = """
import asyncio, json, sys
from tenny_lsp.features import ask
from tenny_lsp.mlx_api.index import load_mlx_index
from tenny_lsp.mlx_api.search import Search
search = getattr(ask, "search_in", Search)(load_mlx_index())
for line in sys.stdin:
    answer = ask.answer_values(asyncio.run(ask.ask(json.loads(line), search, None)))
    print(json.dumps([source["name"] for source in answer["sources"]]))
"""


def read_questions() -> list[dict[str, Any]]:
    """Return the questions, each with its accepted first sources, where its kind comes from, and its half."""
    return [json.loads(line) for line in QUESTIONS.read_text("utf-8").splitlines()]


def main() -> None:
    """Ask all questions here and, with ``--before``, at another commit; print a table and write the results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--before", help="a commit to compare with")
    parser.add_argument("--missed", choices=HALVES, help="print the questions of this half that are missed")
    parser.add_argument("--output", type=Path, default=RESULTS)
    options = parser.parse_args()
    questions = read_questions()
    sources = {"after": _asked(questions, ROOT)}
    if options.before:
        with tempfile.TemporaryDirectory() as folder:
            archive = subprocess.run(["git", "archive", options.before], cwd=ROOT, capture_output=True, check=True)
            subprocess.run(["tar", "x", "-C", folder], input=archive.stdout, check=True)
            sources = {"before": _asked(questions, Path(folder)), **sources}
    _report(questions, sources)
    for question, found in zip(questions, sources["after"], strict=True):
        if question["half"] == options.missed and not set(found[:1]) & set(question["accepted"]):
            print(f"missed: {question['question']}\n    {question['accepted']} → {found[:3]}", file=sys.stderr)
    rows = [
        {**question, **{when: found[place] for when, found in sources.items()}}
        for place, question in enumerate(questions)
    ]
    values = {"machine": machine(), "date": today(), "shares": _shares(questions, sources), "questions": rows}
    options.output.write_text(json.dumps(values, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _asked(questions: list[dict[str, Any]], tree: Path) -> list[list[str]]:
    """Return the names of the sources of each question, found by the code in a tree."""
    lines = "\n".join(json.dumps(question["question"]) for question in questions)
    command, environment = [sys.executable, "-c", _ANSWER], {**os.environ, "PYTHONPATH": str(tree)}
    ran = subprocess.run(command, input=lines, cwd=tree, env=environment, capture_output=True, text=True, check=True)
    return [json.loads(line) for line in ran.stdout.splitlines()]


def _shares(questions: list[dict[str, Any]], sources: dict[str, list[list[str]]]) -> dict[str, Any]:
    """Return for each time and half how many questions have a right source first, and among the first three."""
    shares: dict[str, Any] = {}
    for when, found in sources.items():
        for half in HALVES:
            asked = [pair for pair in zip(questions, found, strict=True) if pair[0]["half"] == half]
            hits = {most: sum(bool(set(names[:most]) & set(q["accepted"])) for q, names in asked) for most in (1, 3)}
            shares.setdefault(when, {})[half] = {"questions": len(asked), "first": hits[1], "first three": hits[3]}
    return shares


def _report(questions: list[dict[str, Any]], sources: dict[str, list[list[str]]]) -> None:
    print("| | half | questions | first | among three |\n|---|---|---|---|---|")
    for when, halves in _shares(questions, sources).items():
        for half, row in halves.items():
            print(f"| {when} | {half} | {row['questions']} | {row['first']} | {row['first three']} |")


if __name__ == "__main__":
    main()
