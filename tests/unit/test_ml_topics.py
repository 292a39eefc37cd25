"""What a comment on machine learning is about, and what is said to it."""

from collections import Counter

import pytest

from tenny_lsp.data import read_toml
from tenny_lsp.features.decency import fault_of
from tenny_lsp.features.ml_topics import is_machine_learning, ml_topics, same_sense, topic_line
from tenny_lsp.features.repertoire import NEAR, repertoire
from tenny_lsp.features.roast import roast
from tools.check_roasts import REMARKS, ROASTS, near_duplicates, read_roasts


def lines() -> list[str]:
    return [line for topic in read_toml("ml_topics.toml")["topic"] for line in topic["lines"]]


@pytest.mark.parametrize(
    ("comment", "topic"),
    [
        ("# quantise the KV cache to 8 bits", "quantised kv cache"),
        ("# one KV cache for each layer", "kv cache"),
        ("# reuse the prompt cache between turns", "prompt cache"),
        ("# the validation split overlaps with train", "leak between splits"),
        ("# loss is NaN after step 812", "nan"),
        ("# keep 10% of the rows as the test set", "test set"),
        ("# mask the padded tokens before the softmax", "attention mask"),
        ("# freeze all layers but the last", "frozen"),
        ("# temporary: batch size 1 until we fix padding", "batch size"),
        ("# divide the logits by the temperature", "temperature"),
        ("# warm-up for 500 steps", "warm-up"),
        ("# PyTorch conv weights are OIHW", "weight layout"),
        ("# shard the attention heads over two machines", "sharding"),
        ("# why does this batch have NaNs in one head?", "nan"),
    ],
)
def test_the_narrowest_topic_comes_first(comment: str, topic: str) -> None:
    assert ml_topics(comment)[0].name == topic


@pytest.mark.parametrize(
    "comment",
    [
        "# the cache is never cleared",
        "# seed the database with three users",
        "# mask the credit card number",
        "# the head of the linked list",
        "# refresh the token when it expires",
        "# seconds since the Unix epoch",
        "# freeze all deployments before the holidays",
        "# warm up the cache at startup",
        "# the temperature of the sensor in Celsius",
        "# send the emails in one batch",
        "# fourteen positional arguments",
        "# export the report as PDF",
        "# check the weight of the parcel",
        "# logs are rotated and the old ones trimmed",
        "My train was late again.",
        "The kernel panics when the USB stick is removed.",
    ],
)
def test_a_word_of_another_trade_is_none_of_this_one(comment: str) -> None:
    assert ml_topics(comment) == () and topic_line(comment) is None


def test_a_word_of_several_trades_counts_beside_another() -> None:
    assert not is_machine_learning("# freeze it")
    assert is_machine_learning("# freeze the first layers")
    assert is_machine_learning("# the logits")


def test_what_was_written_about_another_sense_is_not_said() -> None:
    web = ("# cache the response for an hour", "A cache remembers what the server has forgotten.")
    kv = ("# kv cache", "A KV cache remembers everything.")

    assert same_sense("# the KV cache of each layer", *kv) and not same_sense("# the KV cache of each layer", *web)
    assert same_sense("# cache the page", *web) and not same_sense("# cache the page", *kv)


@pytest.mark.parametrize(
    "comment", ["# trim the KV cache to the last 2048 positions", "# half of the test set is mislabeled"]
)
def test_a_remark_is_about_the_narrowest_topic(comment: str) -> None:
    topic = ml_topics(comment)[0].name

    for row, _ in repertoire().fitting(comment, (), NEAR):
        assert topic in {one.name for text in (row.context, row.response) for one in ml_topics(text)}


async def test_a_line_about_the_topic_is_said_where_no_remark_fits() -> None:
    comment = "# trim the KV cache to the last 2048 positions"

    said = (await roast(comment, None)).remark
    again = (await roast(comment, None, seed=1, avoid=[said])).remark

    own = ml_topics(comment)[0].lines
    assert said in own and again in own and again != said


async def test_a_line_that_was_said_lately_rests_where_a_broader_topic_has_another() -> None:
    comment = "# trim the KV cache to the last 2048 positions"
    first, second = ml_topics(comment)[:2]

    assert (await roast(comment, None, tired=first.lines)).remark in second.lines


async def test_the_line_that_shares_most_words_is_said_first() -> None:
    assert "65,504" in (topic_line("# fp16 overflows at 65504") or "")


async def test_thanks_are_thanks_whatever_they_are_for() -> None:
    said = (await roast("# thanks to Awni for the quantised matmul", None)).remark

    assert said not in lines()


def test_every_line_may_be_shown_and_stands_once() -> None:
    every = lines()

    assert len(every) >= 480
    assert [line for line in every if fault_of(line) is not None or not line.isascii()] == []
    assert [line for line in every if len(line.split()) > 32] == []
    assert [line for line, count in Counter(every).items() if count > 1] == []


def test_no_line_repeats_a_remark_or_another_line() -> None:
    remarks = [row.response for row in (*read_roasts(ROASTS), *read_roasts(REMARKS))]
    floor = [line for kind in read_toml("floor.toml")["kind"] for line in kind["lines"]]
    own = lines()
    alike = near_duplicates([*own, *remarks, *floor], 0.2)

    assert [pair for pair in alike if {pair[1], pair[2]} & set(own)] == []
