"""What is remembered of what was said, and that nothing depends on it."""

import json
from pathlib import Path

import pytest

from tenny_lsp.features.history import History


def test_what_was_said_to_a_comment_is_known_to_whoever_reads_the_same_file(tmp_path: Path) -> None:
    History(tmp_path / "deep" / "said.json").note("# a  b", "One.")
    History(tmp_path / "deep" / "said.json").note("# a b", "Two.")

    assert History(tmp_path / "deep" / "said.json").said("# a b") == ["One.", "Two."]
    assert History(tmp_path / "deep" / "said.json").said("# c") == []


def test_what_was_said_to_others_lately_is_tired(tmp_path: Path) -> None:
    history = History(tmp_path / "said.json")
    history.note("# a", "One.")
    history.note("# b", "Two.")

    assert set(history.tired("# a")) == {"Two."} and set(history.tired("# c")) == {"One.", "Two."}


def test_no_comment_is_kept_and_only_the_last_ones_count(tmp_path: Path) -> None:
    history = History(tmp_path / "said.json")
    for number in range(300):
        history.note(f"# secret {number}", f"Remark {number}.")
    for number in range(30):
        history.note("# secret", f"Another {number}.")

    text = (tmp_path / "said.json").read_text("utf-8")
    assert "secret" not in text and len(json.loads(text)) == 200
    assert history.said("# secret 0") == [] and len(history.said("# secret")) == 12
    assert len(set(history.tired("# x"))) <= 40


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b'{"a": 1, "b": ["x", 2]}', b"\xff"])
def test_a_broken_file_is_an_empty_one(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "said.json").write_bytes(content)
    history = History(tmp_path / "said.json")

    assert history.said("# a") == []
    history.note("# a", "One.")
    assert history.said("# a") == ["One."]


def test_where_nothing_can_be_written_nothing_is_remembered(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    history = History(tmp_path / "file" / "said.json")

    history.note("# a", "One.")

    assert history.said("# a") == [] and list(tmp_path.iterdir()) == [tmp_path / "file"]


def test_nothing_is_left_beside_the_file(tmp_path: Path) -> None:
    History(tmp_path / "said.json").note("# \ud800", "One.")

    assert [path.name for path in tmp_path.iterdir()] == ["said.json"]
