"""How somebody feels about what they write, told by words alone."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenny_lsp.features.feeling import chances, features
from tenny_lsp.model.prompts import SENTIMENTS

UNSEEN = Path(__file__).parents[1] / "data" / "unseen_feelings.jsonl"


def likeliest(text: str) -> str:
    return max(zip(chances(text), SENTIMENTS, strict=True))[1]


@pytest.mark.parametrize(
    ("text", "sentiment"),
    [
        ("# I love this function", "Positive"),
        ("# FIXME: this is broken again, sorry", "Negative"),
        ("# not great, not fast", "Negative"),
        ('"""Returns the mean of an array."""', "Neutral"),
        ("My new phone is wonderful!", "Positive"),
        ("# STOP adding parameters to this function, for the love of god", "Negative"),
        ("# written out for clarity's sake", "Neutral"),
    ],
)
def test_plain_cases(text: str, sentiment: str) -> None:
    assert likeliest(text) == sentiment


def test_a_negation_turns_a_word_around() -> None:
    assert features("it works, great")["(well)"] == 1
    assert features("it isn't great")["(badly)"] == 1
    assert features("never broken")["(well)"] == 1
    assert "(unmoved)" in features("adds two numbers")


@pytest.mark.parametrize(
    ("text", "mark"),
    [
        ("# whoever chose rank 3", "(blame)"),
        ("# do not rename this", "(forbidden)"),
        ("# batch size 1 for now", "(provisional)"),
        ("# why would a date be a string", "(why)"),
        ("# it loads but says nothing", "(but)"),
        ("# from 18 GB to 5 GB", "(from to)"),
    ],
)
def test_what_a_comment_does_is_a_sign_as_well(text: str, mark: str) -> None:
    assert mark in features(text)
    assert mark not in features("# returns the mean of the rows")


@pytest.mark.parametrize(
    ("text", "sentiment"),
    [
        ("# confusion matrix of the dev set", "Neutral"),
        ("# stop the gradient through the frozen network", "Neutral"),
        ("# the KV cache keeps growing until the process dies", "Negative"),
        ("# tokens per second doubled, amazing", "Positive"),
    ],
)
def test_words_of_machine_learning_feel_nothing_by_themselves(text: str, sentiment: str) -> None:
    assert likeliest(text) == sentiment


@given(st.text(max_size=200))
def test_every_text_has_chances(text: str) -> None:
    found = chances(text)

    assert len(found) == len(SENTIMENTS) and sum(found) == pytest.approx(1) and min(found) >= 0


def test_comments_that_no_one_has_learned_from() -> None:
    rows = [json.loads(line) for line in UNSEEN.read_text("utf-8").splitlines()]

    assert sum(likeliest(row["comment"]) == row["sentiment"] for row in rows) / len(rows) >= 0.8
