"""Review: a file → a remark on each comment, TODO, habit and pitfall in it. Facts come from the analysis."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, replace

from tenny_lsp.features.repertoire import repertoire
from tenny_lsp.features.roast import SAMPLING, remark_on, subject_of
from tenny_lsp.model.protocol import TextModel
from tenny_lsp.pitfalls.rule import Pitfall
from tenny_lsp.source.buffer import Buffer
from tenny_lsp.source.comments import passages
from tenny_lsp.source.habits import habits

#: A review of more remarks is not read.
MOST_REMARKS = 20
#: What there is to be said about, the most telling first.
_TELLING = (
    *("pitfall", "bare-except", "mutable-default", "long-function"),
    *("commented-out", "todo", "magic-number", "comment"),
)
#: So many of a kind come before those of the kinds below.
_IN_A_ROW = 4
_SAMPLING = replace(SAMPLING, count=4, max_tokens=40)


@dataclass(frozen=True, slots=True)
class Subject:
    """Something in a file that a remark is made on.

    Args:
        kind (str): What it is: ``pitfall``, ``bare-except``, ``comment`` …
        fact (str): What is so, in a sentence; empty where there is only something to say to it.
        context (str): What the model is shown.
        start (int): Where it starts, in code points.
        end (int): Where it ends.
    """

    kind: str
    fact: str
    context: str
    start: int
    end: int


def subjects(buffer: Buffer, start: int, end: int, pitfalls: Iterable[Subject] = ()) -> list[Subject]:
    """Returns the most telling things in a part of a file, in its order.

    Args:
        buffer (Buffer): The file.
        start (int): Where the part starts, in code points.
        end (int): Where it ends.
        pitfalls (Iterable[Subject]): What is wrong in the file, as far as others have found it out.
    """
    found = list(pitfalls)
    found += [Subject(habit.kind, habit.fact, habit.text, habit.start, habit.end) for habit in habits(buffer)]
    for passage in passages(buffer):
        if passage.kind != "docstring":
            fact = "Code that was commented out." if passage.kind == "commented-out" else ""
            found.append(Subject(passage.kind, fact, passage.context, passage.start, passage.end))
    inside = sorted((s for s in found if s.start < end and s.end > start), key=lambda subject: subject.start)
    before: Counter[str] = Counter()
    ranked = []
    lines: set[tuple[str, int]] = set()
    for subject in inside:
        line = subject.kind, buffer.text.count("\n", 0, subject.start)
        if line in lines:
            continue
        lines.add(line)
        ranked.append((before[subject.kind] // _IN_A_ROW, _TELLING.index(subject.kind), subject.start, subject))
        before[subject.kind] += 1
    chosen = [subject for *_, subject in sorted(ranked, key=lambda row: row[:3])[:MOST_REMARKS]]
    return sorted(chosen, key=lambda subject: subject.start)


def of_pitfall(pitfall: Pitfall, text: str) -> Subject:
    """Returns something that is wrong in a text as something to talk about."""
    return Subject("pitfall", pitfall.message, text[pitfall.start : pitfall.end], pitfall.start, pitfall.end)


async def review(
    found: Iterable[Subject], model: TextModel | None, *, seed: int = 0, may_write: bool = True
) -> AsyncIterator[tuple[Subject, str]]:
    """Yields each subject with what is said about it: the fact, and a remark, no two alike.

    Args:
        found (Iterable[Subject]): What is talked about.
        model (TextModel | None): Who speaks. ``None``: remarks that were written by hand are made.
        seed (int): Another seed draws other remarks.
        may_write (bool): Whether the model writes remarks, or only chooses among those that were written by hand.

    Raises:
        BaseModelError: The base model cannot be loaded.
        AdapterError: The adapter cannot be loaded, or was made for another base.
        ModelUnavailable: The model is not running and could not be started, or was late.
    """
    made: set[str] = set()
    await asyncio.to_thread(repertoire)  # its words are read once, beside what else the process does
    for subject in found:
        text = subject_of(subject.context)
        remark, _ = await remark_on(text, model, seed=seed, avoid=made, sampling=_SAMPLING, may_write=may_write)
        made.add(remark)
        yield subject, f"{subject.fact} {remark}".strip()
