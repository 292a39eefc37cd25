from hypothesis import given
from hypothesis import strategies as st

from tenny_lsp.worker.stopping import StopFilter

STOPS = ("\nQ:", "##")


def heard(pieces: list[str], stop: tuple[str, ...]) -> str:
    words = StopFilter(stop)
    return "".join(words.feed(piece) for piece in pieces) + words.finish()


def test_what_may_become_a_stop_string_is_held_back() -> None:
    words = StopFilter(STOPS)
    assert [words.feed(piece) for piece in (" yes\n", "Q", "uite", "\n", "Q", ": next")] == [
        " yes",
        "",
        "\nQuite",
        "",
        "",
        "",
    ]
    assert words.stopped
    assert words.finish() == ""


def test_what_is_held_back_at_the_end_is_said() -> None:
    words = StopFilter(STOPS)
    assert words.feed("end\nQ") == "end"
    assert words.finish() == "\nQ"
    assert not words.stopped


def test_without_stop_strings_everything_passes() -> None:
    assert StopFilter(("",)).feed("\nQ: a") == "\nQ: a"


@given(st.text("\nQ:# a", max_size=20), st.lists(st.integers(1, 3), max_size=20))
def test_however_the_text_is_cut_the_answer_is_the_same(text: str, sizes: list[int]) -> None:
    pieces, rest = [], text
    for size in sizes:
        pieces.append(rest[:size])
        rest = rest[size:]
    ends = [place for place in (text.find(stop) for stop in STOPS) if place >= 0]
    assert heard([*pieces, rest], STOPS) == text[: min(ends, default=len(text))]
