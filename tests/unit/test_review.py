"""What a review talks about, and what it says."""

from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

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
    return items[3] * 0.7978 + 0.33
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
    text = "".join(f"x = {n}  # note {n}\n" for n in range(60))
    text += "".join(f"def f{n}(a=[]):\n    try: pass\n    except: pass\n" for n in range(12))

    kinds = [kind for kind, _ in found(text)]

    assert len(kinds) == MOST_REMARKS
    assert {kind: kinds.count(kind) for kind in set(kinds)} == {"bare-except": 8, "mutable-default": 8, "comment": 4}


async def test_the_fact_is_the_analysis_the_rest_the_models_and_nothing_is_said_twice() -> None:
    text = "# cache one\ny = 1\n# cache two\ndef f(a=[]): pass\n"
    twice = "The cache is full, and so am I."
    model = Model([twice], [twice, "A second cache for the second thought."], ["Shared defaults build character."])

    said = await remarks(topics(Buffer(text), 0, len(text)), model)

    assert said == [
        twice,
        "A second cache for the second thought.",
        "The default of a is made once and shared by every call. Shared defaults build character.",
    ]


async def test_without_a_model_it_is_the_hand_written_remarks_that_fit() -> None:
    text = "# temporary\ny = 1\n# temporary\n"

    first, second = await remarks(topics(Buffer(text), 0, len(text)), None)

    assert {first, second} <= {roast.response for roast in repertoire().reserve} and first != second


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

    text = "# temporary\ny = 1\n# temporary\n"
    found = topics(Buffer(text), 0, len(text))
    model: Any = Chooser()

    chosen = await remarks(found, model)

    near = [roast.response for roast, _ in repertoire().near("temporary", (), NEAR)]
    assert chosen[0] == near[-1] != chosen[1]
    assert chosen != await remarks(found, None)
