"""What is said where no remark was written for a comment."""

from collections import Counter
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenny_lsp.data import read_toml
from tenny_lsp.features.decency import fault_of
from tenny_lsp.features.floor import act_of, floor_line, is_telling, kinds_of
from tenny_lsp.features.measures import measures
from tenny_lsp.features.roast import roast

TODAY = date(2026, 11, 28)
FILLED = {"number": "7", "words": "50", "years": "two years", "topic": "the parser", "name": "run_it", "parts": "5"}


def kind_of(comment: str) -> str:
    """Returns the kind whose lines are said first."""
    return next(kinds_of(comment, measures(comment, TODAY))).name


@pytest.mark.parametrize(
    ("comment", "kind"),
    [
        ("#", "empty"),
        ("# ----", "empty"),
        ("# 🚀 🎉", "emoji"),
        ("# ???", "question marks"),
        ("# 42", "number"),
        ("# https://example.com/x", "link"),
        ("# Copyright 2015 Somebody", "licence"),
        ("# das ist nicht gut", "another language"),
        ("# 这里需要修改", "another language"),
        ("# asdf", "keyboard"),
        ("# TODO", "todo without a subject"),
        ("# TODO(2019-02): port it", "years old"),
        ("# TODO: port it", "todo"),
        ("# sorry about that", "apology"),
        ("# do not touch this", "do not touch"),
        ("# why is that so?", "question"),
        ("# faster now, great", "speed"),
        ("# an ugly hack", "workaround"),
        ("# nobody knows why", "nobody knows"),
        ("# returns early because of x", "because"),
        ('"""Does it."""', "docstring"),
        ("def f(x):", "function"),
        ("class AbstractSingletonProxyFactoryBean:", "long name"),
        ("import os", "import"),
        ("x = 1", "code"),
        ("# sort by name", "sort"),
        ("# bananas", "one word"),
        ("My cat is asleep.", "animals"),
        ("# THE VERY LAST LINE", "shouting"),
        ("# this scheduler outperforms every alternative", "boast"),
        ("# provably correct, I proved it on paper", "boast"),
        ("# future-proof: supports any feature", "boast"),
        ("# zero dependencies, take that", "boast"),
        ("# whoever wrote this switch owes me a beer", "blame"),
        ("# git blame says it was me", "blame"),
        ("# HF changed the key names again", "others change"),
        ("# default port, override with PORT", "configuration"),
        ("# this lock-free queue saves a copy", "smaller"),
        ("# user.send_welcome_email()", "commented-out code"),
        ("// console.log('here 3', response)", "commented-out code"),
        ("# x = 1", "commented-out code"),
        ("# return early if the cache is empty", "cache"),
        ("# thanks to Priya for the review", "thanks"),
        ("# Gary wrote this on his last day", "blame"),
        ("# close the file handle", "file handles"),
        ("# the whole 7B model runs in 5 GB now, so good", "smaller"),
        ("# ---------- HELPERS ----------", "banner"),
        ("# JIRA-4821", "ticket"),
        ("# see issue #482", "ticket"),
        ("# ISO-8601", "anything"),
        ("# Last modified 2009-02-17", "date"),
        ("# the loss should never be nan here", "should never"),
        ("# teh size", "typos"),
        ("# num_heads must divide hidden size!!!", "insisting"),
        ("# this is a masterpiece of clean code", "boast"),
        ("# 4-bit is good enough, nobody will notice", "nobody noticed"),
    ],
)
def test_the_kind_of_a_comment(comment: str, kind: str) -> None:
    assert kind_of(comment) == kind


def test_every_line_may_be_shown_and_stands_once() -> None:
    lines = [line for name in ("floor.toml", "findings.toml") for line in lines_of(name)]

    assert len(lines) >= 60
    assert {line for line in lines if fault_of(line.format_map(FILLED))} == set()
    assert [line for line, count in Counter(lines).items() if count > 1] == []


def lines_of(name: str) -> list[str]:
    table = read_toml(name)
    kinds = table["kind"] if "kind" in table else table.values()
    return [line for kind in kinds for line in kind["lines"]]


@given(st.text(max_size=300))
def test_there_is_something_to_say_to_everything(text: str) -> None:
    line = floor_line(text, measures(text, TODAY))

    assert line is not None and fault_of(line) is None and "{" not in line


def test_another_seed_and_what_was_said_make_another_line() -> None:
    said: list[str] = []
    for seed in range(8):
        line = floor_line("# sort by name", measures("# sort by name", TODAY), seed=seed, avoid=said)
        assert line is not None and line not in said
        said.append(line)


def test_when_everything_has_been_said_it_is_said_again() -> None:
    comment, said = "# sort by name", list[str]()
    for _ in range(40):
        line = floor_line(comment, measures(comment, TODAY), avoid=said)
        assert line is not None
        said.append(line)


@pytest.mark.parametrize(
    ("comment", "measured"),
    [
        ("# TODO(2019-03-01): port", {"years": "seven years"}),
        ("# TODO(2018): port", {"years": "seven years"}),  # since December 2018, perhaps
        ("# remove in 2025", {}),
        ("# TODO(2014): remove", {"years": "twelve years"}),  # as people count
        ("# raise the limit to 2000 items", {"number": "2000", "topic": "the limit"}),
        ("def parse_invoice(path):", {"name": "parse_invoice", "parts": "2"}),
        ("# the edit distance between 2 strings", {"topic": "the edit distance", "number": "2"}),
        ("# for my meetings", {"topic": "your meetings"}),
    ],
)
def test_facts_are_only_what_is_measured(comment: str, measured: dict[str, str]) -> None:
    found = dict(measures(comment, TODAY))
    found.pop("words")

    assert measured.items() <= found.items()
    assert ("years" in found) == ("years" in measured)


async def test_the_age_of_a_line_is_said_where_it_is_known() -> None:
    assert "four years" in (await roast("# TODO: port it", None, age_years=4)).remark.lower()
    assert "years" not in (await roast("# TODO: port it", None)).remark


@pytest.mark.parametrize("comment", ["# sorry", "# this is broken", "# why?", "# TODO: port it", "# elegant"])
def test_what_tells_something(comment: str) -> None:
    assert is_telling(comment)


@pytest.mark.parametrize("comment", ["", "# sort by name", "# bananas", "# the second of them", "x = 1"])
def test_what_only_says_what_happens(comment: str) -> None:
    assert not is_telling(comment)


def test_a_banner_comes_before_a_word_that_it_shares_with_a_remark() -> None:
    comment = "# ---------- HELPERS ----------"

    assert floor_line(comment, measures(comment, TODAY), first=True) is not None


@pytest.mark.parametrize(
    ("comment", "act"),
    [
        ("# sorry, this reshape makes no sense but it works", "apology"),
        ("# thanks to Awni for the trick", "thanks"),
        ("# thanks @ivan for finding the leak", "thanks"),
        ("# DON'T TOUCH the mask", "do not touch"),
        ("# will switch to mx.compile once it is stable", "puts off"),
        ("# TODO: we'll add proper auth in v2", "puts off"),
        ("# temporary: batch size 1 until we fix padding", "puts off"),
        ("# gradients can't be empty at this point", "rules out"),
        ("# the fastest attention in the world, a masterpiece", "boast"),
        ("# the callback will be called once for each batch", ""),
        ("# released once the lock is free", ""),
        ("# reshape to (B, T, D)", ""),
    ],
)
def test_what_a_comment_does(comment: str, act: str) -> None:
    assert act_of(comment) == act


@pytest.mark.parametrize(
    "comment",
    [
        "# does this even converge?",
        "# the loss is at 0.1, is that better?",
        "# probably leaking the test set",
        "# half of the test set is mislabeled",
    ],
)
def test_words_of_another_sense_and_questions_are_no_sign_of_a_kind(comment: str) -> None:
    names = [found.name for found in kinds_of(comment, {})]

    assert not {"memory", "tests", "result", "works now"} & set(names)
