"""What a review talks about, and what it says."""

from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from tenny_lsp.data import read_toml
from tenny_lsp.features.repertoire import NEAR, repertoire
from tenny_lsp.features.review import MOST_REMARKS, Topic, remark_on_topic, topics
from tenny_lsp.model.prompts import roast_prompt
from tenny_lsp.model.protocol import ALL_ABILITIES, EMBEDDED_ABILITIES, Sampled, Sampling
from tenny_lsp.source.buffer import Buffer

CODE = '''\
"""A docstring is left alone."""
# temporary
x = 1
# y = f(x)
# TODO: clean up
def f(items=[]):
    return items[3] * 0.7978 + 0.33  # per frame
'''


class Model:
    """Says the next of its lines to every prompt."""

    can = ALL_ABILITIES

    def __init__(self, *lines: list[str]) -> None:
        self.lines = list(lines)

    async def candidates(self, prompt: str, sampling: Sampling) -> AsyncIterator[Sampled]:
        for line in self.lines.pop(0):
            yield Sampled(line)


async def remarks(found: list[Topic], model: Any) -> list[str]:
    made: set[str] = set()
    return [await remark_on_topic(topic, model, made=made) for topic in found]


def found(text: str, *pitfalls: Topic, start: int = 0, end: int | None = None) -> list[tuple[str, str]]:
    chosen = topics(Buffer(text), start, len(text) if end is None else end, pitfalls)
    return [(topic.kind, text[topic.start : topic.end]) for topic in chosen]


def test_everything_that_tells_once_a_line_in_the_order_of_the_text() -> None:
    pitfall = Topic("pitfall", "Arrays are lazy.", "x = 1", CODE.index("x = 1"), CODE.index("x = 1") + 5)

    assert found(CODE, pitfall) == [
        ("comment", "# temporary"),
        ("pitfall", "x = 1"),
        ("comment", "# y = f(x)\n# TODO: clean up"),
        ("mutable-default", "items=[]"),
        ("magic-number", "0.7978"),
    ]


def test_a_part_is_reviewed_alone() -> None:
    start = CODE.index("# temporary")

    assert found(CODE, start=start, end=start + 3) == [("comment", "# temporary")]
    assert found(CODE, start=CODE.index("x = 1"), end=CODE.index("x = 1") + 5) == []


def test_of_many_the_most_telling_are_chosen_and_no_kind_takes_all() -> None:
    text = "".join(f"x = {n}  # sorry for x number {n}\n" for n in range(60))
    text += "".join(f"def f{n}(a{n}=[]):\n    return a{n} * 37.{n}7\n" for n in range(12))

    kinds = [kind for kind, _ in found(text)]

    assert len(kinds) == MOST_REMARKS
    assert {kind: kinds.count(kind) for kind in set(kinds)} == {"mutable-default": 8, "magic-number": 8, "comment": 4}


def test_equal_findings_are_one_with_a_count() -> None:
    text = "try: pass\nexcept: pass\n" * 3 + "# sorry\nx = 1\n# sorry\n" + "def f(a=[]): pass\ndef g(b=[]): pass\n"

    chosen = topics(Buffer(text), 0, len(text))

    assert [(topic.kind, topic.count) for topic in chosen] == [
        *(("bare-except", 3), ("comment", 2), ("mutable-default", 1), ("mutable-default", 1)),
    ]


def test_a_review_is_not_filled_with_comments_that_only_say_what_happens() -> None:
    steps = ("# bananas", "# the second of them", "# a note", "# and so on", "# as it says above")

    assert found("".join(f"{step}\nx = {n}\n" for n, step in enumerate(steps))) == []


@pytest.mark.parametrize(
    "comment",
    [
        "# Copyright 2019 Somebody. All rights reserved.",
        "# SPDX-License-Identifier: MIT",
        "# sorry, my father died on Monday",
        "# TODO: hand this over, I got laid off this morning",
    ],
)
def test_licences_and_what_is_nothing_to_joke_about_are_passed_over_in_silence(comment: str) -> None:
    assert found(f"{comment}\nx = 1\n") == []


async def test_the_fact_is_the_analysis_the_rest_the_models_and_nothing_is_said_twice() -> None:
    text = "# sorry for the cache\ny = 1\n# sorry for the queue\ndef f(a=[]): pass\n"
    twice = "The cache is full, and so am I."
    model = Model([twice], [twice, "A second queue for the second thought."])

    first, second, habit = await remarks(topics(Buffer(text), 0, len(text)), model)

    assert (first, second) == (twice, "A second queue for the second thought.")
    fact = "The default of a is made once and shared by every call. "
    assert habit.startswith(fact) and habit.removeprefix(fact) in written_for("mutable-default")


async def test_a_finding_gets_what_was_written_for_its_kind_and_what_is_measured_in_it() -> None:
    text = "def f(x):\n    return x * 37\n" * 2 + "def g():" + "\n    pass" * 70 + "\ntry: pass\nexcept: pass\n"

    number, function, bare = await remarks(topics(Buffer(text), 0, len(text)), None)

    assert number.startswith("37 stands here without a name. (2 times.) ")
    assert function.startswith("g has 71 lines. ") and "71" in function.removeprefix("g has 71 lines. ")
    assert bare.removeprefix("A bare except catches KeyboardInterrupt and SystemExit too. ") in written_for(
        "bare-except"
    )


async def test_when_all_has_been_said_the_fact_stands_alone() -> None:
    topic = Topic("bare-except", "A bare except.", "except:", 0, 7)

    assert await remark_on_topic(topic, None, made=set(written_for("bare-except"))) == "A bare except."


async def test_a_todo_is_told_its_age() -> None:
    topic = Topic("todo", "", "# TODO: clean up", 0, 16)

    assert "seven years" in (await remark_on_topic(topic, None, made=set(), age_years=7)).lower()
    assert "year" not in await remark_on_topic(topic, None, made=set(written_for("todo")[1:6]))


async def test_what_was_said_elsewhere_lately_rests() -> None:
    topic = Topic("bare-except", "A bare except.", "except:", 0, 7)
    tired = written_for("bare-except")[1:]

    assert (await remark_on_topic(topic, None, made=set(), tired=tired)).endswith(written_for("bare-except")[0])


def written_for(kind: str) -> list[str]:
    lines: list[str] = read_toml("findings.toml")[kind]["lines"]
    return lines


async def test_a_whole_package_is_reviewed_without_a_mistake() -> None:
    for file in sorted((Path(__file__).parents[2] / "tenny_lsp" / "source").glob("*.py")):
        text = file.read_text("utf-8")
        for topic in topics(Buffer(text), 0, len(text)):
            assert text[topic.start : topic.end] == text[topic.start : topic.end].strip() != ""


async def test_a_model_that_may_not_write_chooses_each_remark() -> None:
    class Chooser:
        can = EMBEDDED_ABILITIES

        async def choose(self, prompt: str, answers: Sequence[str]) -> list[float]:
            last = len(answers) - 1
            return [
                1.0 if place == last and prompt != roast_prompt("# note") else 1e-9 for place in range(len(answers))
            ]

    comment = "# greedy decoding, temperature 0"
    found = topics(Buffer(f"{comment}\ny = 1\n"), 0, 100)
    model: Any = Chooser()

    (chosen,) = await remarks(found, model)

    near = [roast.response for roast, _ in repertoire().fitting(comment, (), NEAR)]
    assert chosen == near[-1] != near[0]
    assert await remarks(found, None) == [near[0]]
