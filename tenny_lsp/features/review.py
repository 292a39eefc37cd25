"""Choose the topics of a review, comments, TODOs, habits and pitfalls, and remark on each."""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace

from tenny_lsp.features.findings import finding_line
from tenny_lsp.features.floor import is_telling
from tenny_lsp.features.repertoire import repertoire
from tenny_lsp.features.roast import SAMPLING, Occasion, remark_on, subject_of
from tenny_lsp.features.sensitive import sensitive
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
#: What people have written, which may be nothing to joke about.
_WRITTEN = {"comment", "todo", "commented-out"}
#: So much of it is read for that.
_MOST_READ = 200
_SAMPLING = replace(SAMPLING, count=4, max_tokens=40)
_LICENCE = re.compile(r"\bcopyright\b|\blicen[sc]ed? under\b|\bSPDX\b|\ball rights reserved\b|\bpermission is\b", re.I)


@dataclass(frozen=True, slots=True)
class Topic:
    """Something in a file that a remark is made on.

    Args:
        kind (str): What it is: ``pitfall``, ``bare-except``, ``comment`` …
        fact (str): What is so, in a sentence; empty where there is only something to say to it.
        context (str): What the model is shown.
        start (int): Where it starts, in code points.
        end (int): Where it ends.
        count (int): How many there are of it; the others follow it in the file.
    """

    kind: str
    fact: str
    context: str
    start: int
    end: int
    count: int = 1


def topics(buffer: Buffer, start: int, end: int, pitfalls: Iterable[Topic] = ()) -> list[Topic]:
    """Return the most telling things in a part of a file, in its order.

    Equal ones are one topic. Comments are left out where they tell nothing and no remark fits them, and where they are
    nothing to joke about.

    Args:
        buffer (Buffer): The file.
        start (int): Where the part starts, in code points.
        end (int): Where it ends.
        pitfalls (Iterable[Topic]): What is wrong in the file, as far as others have found it out.
    """
    found = sorted((*pitfalls, *_habits(buffer), *_comments(buffer)), key=lambda topic: topic.start)
    inside = _grouped([topic for topic in found if topic.start < end and topic.end > start])
    before: Counter[str] = Counter()
    ranked = []
    for topic in _one_a_line(buffer, inside):
        ranked.append((before[topic.kind] // _IN_A_ROW, _TELLING.index(topic.kind), topic.start, topic))
        before[topic.kind] += 1
    chosen: list[Topic] = []
    read = 0
    for *_, topic in sorted(ranked, key=lambda row: row[:3]):
        if len(chosen) == MOST_REMARKS or read == _MOST_READ:
            break
        read += topic.kind in _WRITTEN
        if topic.kind not in _WRITTEN or _is_worth_it(topic):
            chosen.append(topic)
    return sorted(chosen, key=lambda topic: topic.start)


async def remark_on_topic(
    topic: Topic,
    model: TextModel | None,
    *,
    seed: int = 0,
    made: set[str],
    said: Collection[str] = (),
    tired: Collection[str] = (),
    age_years: int = 0,
) -> str:
    """Return what is said about a topic: the fact, and a remark that has not been made yet.

    What was written for its kind is said, to a comment what fits it; of a TODO its age, if that is a year or more.

    Args:
        topic (Topic): The topic.
        model (TextModel | None): Who makes the remark. ``None``: one that was written by hand is made.
        seed (int): Another seed draws another remark.
        made (set[str]): The remarks of the same review; this one is added.
        said (Collection[str]): What was said about the same topic before.
        tired (Collection[str]): What was said elsewhere lately: avoided where another is as good.
        age_years (int): How many whole years its line has stood there; 0 where that is not known.

    Raises:
        BaseModelError: The base model cannot be loaded.
        AdapterError: The adapter cannot be loaded, or was made for another base.
        ModelUnavailable: The model is not running and could not be started, or was late.
    """
    avoid = {*made, *said}
    if topic.kind == "comment" or (topic.kind == "todo" and _has_own(topic, avoid, age_years)):
        occasion = Occasion(seed, avoid, tired, age_years)
        remark, _ = await remark_on(subject_of(topic.context), model, occasion, sampling=_SAMPLING)
    else:
        remark = finding_line(topic.kind, topic.fact, avoid, tired, seed) or ""
    made.add(remark)
    often = f"({topic.count} times.)" if topic.count > 1 else ""
    return " ".join(filter(None, (topic.fact, often, remark) if topic.fact else (remark, often)))


def _is_worth_it(topic: Topic) -> bool:
    """Return whether there is something to say to what somebody has written, and it may be joked about."""
    if sensitive(topic.context) is not None:
        return False
    text = subject_of(topic.context)
    return topic.kind != "comment" or is_telling(text) or bool(repertoire().fitting(text, (), 1))


def _has_own(topic: Topic, avoid: Collection[str], age_years: int) -> bool:
    """Return whether there is more to say to a TODO than to any."""
    return age_years > 0 or bool(repertoire().fitting(subject_of(topic.context), avoid, 1))


def _habits(buffer: Buffer) -> Iterator[Topic]:
    for habit in habits(buffer):
        yield Topic(habit.kind, habit.fact, habit.text, habit.start, habit.end)


def _comments(buffer: Buffer) -> Iterator[Topic]:
    for passage in passages(buffer):
        if passage.kind == "docstring" or _LICENCE.search(passage.text):
            continue
        fact = "Code that was commented out." if passage.kind == "commented-out" else ""
        yield Topic(passage.kind, fact, passage.context, passage.start, passage.end)


def _grouped(found: list[Topic]) -> list[Topic]:
    """Return topics, those that are equal as one, where the first of them stands."""
    groups: dict[tuple[str, str], list[Topic]] = {}
    for topic in found:
        # Code that was commented out, and what is to be done, is another each time, though the fact is the same.
        what = topic.context if topic.kind in _WRITTEN else topic.fact
        groups.setdefault((topic.kind, what), []).append(topic)
    return [replace(group[0], count=len(group)) for group in groups.values()]


def _one_a_line(buffer: Buffer, found: list[Topic]) -> Iterator[Topic]:
    """Yield topics, of each kind the first on a line."""
    done: set[tuple[str, int]] = set()
    line, place = 0, 0
    for topic in sorted(found, key=lambda topic: topic.start):
        line, place = line + buffer.text.count("\n", place, topic.start), topic.start
        if (topic.kind, line) not in done:
            done.add((topic.kind, line))
            yield topic
