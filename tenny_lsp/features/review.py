"""Choose the topics of a review, comments, TODOs, habits and pitfalls, and remark on each."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace

from tenny_lsp.features.roast import SAMPLING, remark_on, subject_of
from tenny_lsp.model.protocol import TextModel
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
class Topic:
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


def topics(buffer: Buffer, start: int, end: int, pitfalls: Iterable[Topic] = ()) -> list[Topic]:
    """Return the most telling things in a part of a file, in its order.

    Args:
        buffer (Buffer): The file.
        start (int): Where the part starts, in code points.
        end (int): Where it ends.
        pitfalls (Iterable[Topic]): What is wrong in the file, as far as others have found it out.
    """
    found = list(pitfalls)
    found += [Topic(habit.kind, habit.fact, habit.text, habit.start, habit.end) for habit in habits(buffer)]
    for passage in passages(buffer):
        if passage.kind != "docstring":
            fact = "Code that was commented out." if passage.kind == "commented-out" else ""
            found.append(Topic(passage.kind, fact, passage.context, passage.start, passage.end))
    inside = sorted((s for s in found if s.start < end and s.end > start), key=lambda topic: topic.start)
    before: Counter[str] = Counter()
    ranked = []
    lines: set[tuple[str, int]] = set()
    for topic in inside:
        line = topic.kind, buffer.text.count("\n", 0, topic.start)
        if line in lines:
            continue
        lines.add(line)
        ranked.append((before[topic.kind] // _IN_A_ROW, _TELLING.index(topic.kind), topic.start, topic))
        before[topic.kind] += 1
    chosen = [topic for *_, topic in sorted(ranked, key=lambda row: row[:3])[:MOST_REMARKS]]
    return sorted(chosen, key=lambda topic: topic.start)


async def remark_on_topic(topic: Topic, model: TextModel | None, *, seed: int = 0, made: set[str]) -> str:
    """Return what is said about a topic: the fact, and a remark that has not been made yet.

    Args:
        topic (Topic): The topic.
        model (TextModel | None): Who makes the remark. ``None``: one that was written by hand is made.
        seed (int): Another seed draws another remark.
        made (set[str]): The remarks of the same review; this one is added.

    Raises:
        BaseModelError: The base model cannot be loaded.
        AdapterError: The adapter cannot be loaded, or was made for another base.
        ModelUnavailable: The model is not running and could not be started, or was late.
    """
    remark, _ = await remark_on(subject_of(topic.context), model, seed=seed, avoid=made, sampling=_SAMPLING)
    made.add(remark)
    return f"{topic.fact} {remark}".strip()
