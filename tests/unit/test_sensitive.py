"""What no joke is made of, and what only sounds like it."""

import json
import time
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from tenny_lsp.data import read_jsonl
from tenny_lsp.features.decency import fault_of
from tenny_lsp.features.roast import roast
from tenny_lsp.features.sensitive import kind_sentences, sensitive
from tenny_lsp.model.protocol import ALL_ABILITIES, Sampled, Sampling

ROWS = [
    json.loads(line)
    for line in (Path(__file__).parents[1] / "data" / "sensitive_comments.jsonl").read_text("utf-8").splitlines()
]


def kind_of(comment: str) -> str | None:
    found = sensitive(comment)
    return found.kind if found is not None else None


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["comment"][:40])
def test_a_comment_is_read_for_what_it_says_and_not_for_its_words(row: dict[str, str | None]) -> None:
    assert kind_of(str(row["comment"])) == row["kind"]


def test_there_are_as_many_of_both() -> None:
    kinds = [row["kind"] for row in ROWS]

    assert len(kinds) - kinds.count(None) >= 60 and kinds.count(None) >= 60
    assert {"death", "illness", "self-harm", "harassment", "groups", "layoffs"} <= set(kinds)


def test_nothing_that_remarks_were_written_for_is_one() -> None:
    rows = [*read_jsonl("roasts.jsonl"), *read_jsonl("remarks.jsonl")]

    assert [row["context"] for row in rows if sensitive(row["context"])] == []


@pytest.mark.parametrize("row", [row for row in ROWS if row["kind"]], ids=lambda row: row["comment"][:40])
async def test_it_gets_a_plain_sentence_and_no_joke_is_asked_for(row: dict[str, str]) -> None:
    class Joker:
        can = ALL_ABILITIES

        async def candidates(self, prompt: str, sampling: Sampling) -> AsyncIterator[Sampled]:
            pytest.fail("a joke was asked for")
            yield Sampled("")

        async def choose(self, prompt: str, answers: Sequence[str]) -> list[float]:
            pytest.fail("its sentiment is known")

    said = await roast(row["comment"], Joker())  # type: ignore[arg-type]
    again = await roast(row["comment"], None, avoid=[said.remark])

    assert {said.remark, again.remark} <= kind_sentences() and again.remark != said.remark
    assert not said.is_joke and not said.is_generated
    assert said.sentiment == again.sentiment == ("Neutral" if row["kind"] == "grave" else "Negative")


async def test_what_stands_behind_the_first_thought_of_a_long_comment_counts_too() -> None:
    said = await roast("# " + "some words about the parser " * 40 + "\n# my father died while I wrote this", None)

    assert not said.is_joke


def test_a_dozen_sentences_and_each_may_be_read_out() -> None:
    assert len(kind_sentences()) >= 12
    assert {sentence for sentence in kind_sentences() if fault_of(sentence)} == set()


@pytest.mark.parametrize("part", ["my dear ", "died ", "they ", "the ", "he a ", "\n# ", "Tom ", "i just "])
def test_a_long_text_is_read_in_time(part: str) -> None:
    start_s = time.process_time()

    assert sensitive(part * 4000) is None
    assert time.process_time() - start_s < 5
