"""What a remark presumes of a comment, and where it may be made."""

import pytest

from tenny_lsp.data import read_jsonl
from tenny_lsp.features.numbers import numbers_in
from tenny_lsp.features.presumptions import is_so, presumptions
from tenny_lsp.features.repertoire import NEAR, Repertoire, WrittenRoast, repertoire


@pytest.mark.parametrize(
    ("remark", "context", "presumed"),
    [
        ("Vendors fix the bug, and then the workaround becomes the bug.", "# vendor bug", set()),
        ("Apology accepted; no one has been sorry in this file since line 300.", "# sorry", {"apology", "number 300"}),
        ("The wiki was last edited in 2017.", "# see wiki", {"link", "number 2017"}),
        ("The list has nine entries.", "# the list", {"number 9"}),
        ("It takes nine years to learn.", "# learn it", set()),
        ("Nine years are short.", "# took nine years", {"number 9"}),
        ("One of us has to go, or both.", "# one of us", set()),
        ("Hardcoded on Tuesday, shown in March.", "# hardcoded", {"tuesday", "march"}),
        ("Three question marks and a TODO.", "# TODO???", {"number 3", "question marks", "todo"}),
        ("Yes, but why?", "# is it?", {"a question"}),
        ("The regex knows.", "# a regex", {"regex"}),
        ("Green tests are not passing tests.", "# green", {"test"}),
        ("Rome had a MacBook too.", "# on a MacBook", {"macbook"}),
        ("You promised, said the intern to the boss.", "# later", {"promise", "intern", "boss"}),
    ],
)
def test_what_a_remark_mentions_that_is_not_general(remark: str, context: str, presumed: set[str]) -> None:
    found = presumptions(remark, context)

    assert presumed <= found
    assert not presumed or found - presumed <= {"boss"}
    assert presumed or not found


@pytest.mark.parametrize(
    ("presumed", "so", "not_so"),
    [
        ("number 300", "# line 300", "# line 301"),
        ("number 12", "# a dozen", "# some"),
        ("tuesday", "# every Tuesday", "# every day"),
        ("question marks", "# why?", "# why"),
        ("todo", "# FIXME later", "# do it later"),
        ("regex", "re.compile(x)", "# compile x"),
        ("link", "# see https://x.org", "# the site"),
        ("apology", "# sorry", "# alas"),
        ("who", "# his code", "# the code"),
        ("docstring", '"""Does it."""', "# does it"),
        ("function", "def f(x):", "# x"),
        ("any word", "# any word at all", "# another"),
    ],
)
def test_it_is_so_where_the_comment_has_it(presumed: str, so: str, not_so: str) -> None:
    assert is_so(presumed, so) and not is_so(presumed, not_so)


def test_numbers_are_read_in_digits_and_in_words() -> None:
    text = "1,024 and 0.5 of twenty-one, two thousand and one, 3x, a dozen; x2 is none"

    assert [value for value, _ in numbers_in(text)] == [1024, 0.5, 21, 2001, 3, 12]


def roasts(*rows: tuple[str, str], presumes: list[str] | None = None) -> Repertoire:
    filler = [WrittenRoast(f"# filler{n} word{n}", "Neutral", f"Filler{n} is word{n}.") for n in range(200)]
    return Repertoire([], [*(WrittenRoast(context, "Neutral", text, presumes) for context, text in rows), *filler])


def fits(comment: str, *rows: tuple[str, str], presumes: list[str] | None = None) -> bool:
    return bool(roasts(*rows, presumes=presumes).fitting(comment, (), NEAR))


def test_a_remark_competes_only_where_what_it_presumes_is_so() -> None:
    row = ("# pool of 8 threads", "Eight threads in one pool, and one of them swims.")

    assert fits("# a pool of 8 threads", row)
    assert not fits("# a pool of 16 threads", row)


def test_a_row_may_say_what_it_presumes() -> None:
    row = ("# thread pool", "Threads in a pool need a towel.")

    assert fits("# thread pool again", row)
    assert not fits("# thread pool again", row, presumes=["emoji"])
    assert fits("# thread pool with a test", ("# thread pool", "Thread pools pass the test."), presumes=[])


def test_one_common_word_is_no_subject() -> None:
    row = ("# squeeze the last dimension", "Squeeze works until a batch of one loses that dimension as well.")

    assert fits("# squeeze that dimension", row)
    assert not fits("# rotate both halves of the head dimension before the dot product", row)


def test_what_code_does_to_anything_is_no_subject() -> None:
    row = ("# convert the model weights", "Converting a model is mostly renaming.")

    assert fits("# convert the model", row)
    assert not fits('"""Convert Celsius to Fahrenheit."""', row)


def test_what_is_taken_up_must_be_there() -> None:
    row = ("# the retry logic is worse than the failure", "A retry worse than its failure automates the panic.")

    assert fits("# a retry that is worse than failure", row)
    assert not fits("# much worse", row)


def test_what_feels_otherwise_is_not_taken_up() -> None:
    row = ("# unfortunately legacy clients", "Unfortunately the legacy clients also need you.")

    assert fits("# legacy clients, unfortunately", row)
    assert not fits("# legacy clients, deleted", row)


def test_a_word_alone_does_not_cross_from_life_into_code() -> None:
    row = ("The pool was heated.", "Heated, said the sign, and heated the pool was, by the swimmers.")

    assert not fits("# a pool of workers", row)


def test_what_was_written_for_these_very_words_may_be_said_to_them_unless_it_counts() -> None:
    assert fits("# don't ask", ("# don't ask", "I was going to ask, but git blame has told me."))
    assert not fits("# don't ask", ("# don't ask", "The blame is from 02:47."))


def test_most_remarks_can_be_made_on_their_own_comments() -> None:
    rows = repertoire().reserve[::9]

    own = [row for row in rows if row in [other for other, _ in repertoire().fitting(row.context, (), NEAR)]]

    assert len(own) >= 0.85 * len(rows)


def test_rows_name_presumptions_in_a_list() -> None:
    for row in read_jsonl("remarks.jsonl"):
        assert isinstance(row.get("presumes", []), list)
