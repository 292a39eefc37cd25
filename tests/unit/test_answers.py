import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tenny_lsp.errors import BaseModelError, ModelUnavailable
from tenny_lsp.model import answer_file
from tenny_lsp.model.answer_file import AnswerFile
from tenny_lsp.model.answers import Answers


class Model:
    """A TextModel that answers a prompt when it is told to."""

    def __init__(self, identity: str = "base") -> None:
        self.identity = identity
        self.asked: list[str] = []
        self.cancelled: list[str] = []
        self.gates: dict[str, asyncio.Future[str]] = {}

    async def complete(self, prompt: str, *, max_tokens: int = 96) -> str:
        self.asked.append(prompt)
        try:
            return await self.gate(prompt)
        except asyncio.CancelledError:
            self.cancelled.append(prompt)
            raise

    def gate(self, prompt: str) -> "asyncio.Future[str]":
        return self.gates.setdefault(prompt, asyncio.get_running_loop().create_future())


class Ready(Model):
    """A TextModel that answers at once."""

    def gate(self, prompt: str) -> "asyncio.Future[str]":
        future = super().gate(prompt)
        if not future.done():
            future.set_result(prompt.upper())
        return future


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "answers.jsonl"


@pytest.fixture
async def answers(path: Path) -> AsyncIterator[Answers]:
    answers = Answers(path)
    yield answers
    await answers.close()


async def turns() -> None:
    """Lets everything run that can run."""
    for _ in range(10):
        await asyncio.sleep(0)


async def test_an_answer_in_time_is_returned_and_asked_for_once(answers: Answers) -> None:
    model = Ready()
    assert await answers.within("what", model, 5) == "WHAT"
    assert await answers.within("what", model, 0) == "WHAT"
    assert model.asked == ["what"]


async def test_a_late_answer_is_none_now_and_there_the_next_time(answers: Answers) -> None:
    model = Model()
    assert await answers.within("what", model, 0) is None
    await turns()
    model.gate("what").set_result("late")
    await turns()
    assert await answers.within("what", model, 0) == "late"
    assert model.asked == ["what"]


async def test_an_answer_outlives_the_process(answers: Answers, path: Path) -> None:
    await answers.within("what", Ready(), 5)
    other = Model()
    assert await Answers(path).within("what", other, 0) == "WHAT"
    assert other.asked == []


async def test_another_model_prompt_or_limit_is_another_question(answers: Answers) -> None:
    model, other = Ready("one"), Ready("two")
    await answers.within("what", model, 5)
    await answers.within("what", other, 5)
    await answers.within("why", model, 5)
    await answers.within("why", model, 5, max_tokens=7)
    assert (model.asked, other.asked) == (["what", "why", "why"], ["what"])


async def test_the_same_question_twice_is_asked_once(answers: Answers) -> None:
    model = Model()
    both = [asyncio.create_task(answers.within("what", model, 5)) for _ in range(2)]
    await turns()
    model.gate("what").set_result("answer")
    assert await asyncio.gather(*both) == ["answer", "answer"]
    assert model.asked == ["what"]


async def test_one_question_at_a_time_the_newest_first_and_the_oldest_dropped(answers: Answers) -> None:
    model = Model()
    tasks = [asyncio.create_task(answers.within(name, model, 5)) for name in "abcdef"]
    await turns()
    assert model.asked == ["a"]
    # Only two wait behind it; the others know at once that nothing comes.
    assert [task.done() for task in tasks] == [False, True, True, True, False, False]
    for name in "afe":
        model.gate(name).set_result(name)
        await turns()
    assert model.asked == ["a", "f", "e"]
    assert await asyncio.gather(*tasks) == ["a", None, None, None, "e", "f"]


async def test_a_question_asked_again_becomes_the_newest(answers: Answers) -> None:
    model = Model()
    tasks = [asyncio.create_task(answers.within(name, model, 5)) for name in "abcb"]
    await turns()
    for name in "abc":
        model.gate(name).set_result(name)
        await turns()
    assert model.asked == ["a", "b", "c"]
    assert await asyncio.gather(*tasks) == ["a", "b", "c", "b"]


async def test_a_cancelled_hover_does_not_cancel_the_question(answers: Answers) -> None:
    model = Model()
    task = asyncio.create_task(answers.within("what", model, 5))
    await turns()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    model.gate("what").set_result("answer")
    await turns()
    assert await answers.within("what", model, 0) == "answer"


async def test_a_failure_is_none_logged_once_and_asked_again(
    answers: Answers, caplog: pytest.LogCaptureFixture
) -> None:
    model = Model()
    for name in "abc":
        model.gate(name).set_exception(ModelUnavailable("The worker ended", "Wait."))
        assert await answers.within(name, model, 5) is None
    assert caplog.text.count("The worker ended") == 1
    del model.gates["a"]
    model.gate("a").set_result("mended")
    assert await answers.within("a", model, 5) == "mended"


async def test_a_model_without_an_identity_is_none(answers: Answers, caplog: pytest.LogCaptureFixture) -> None:
    class Broken(Model):
        @property
        def identity(self) -> str:
            raise BaseModelError("No weights", "Fetch them.")

        @identity.setter
        def identity(self, value: str) -> None:
            pass

    assert await answers.within("what", Broken(), 5) is None
    assert await answers.within("why", Broken(), 5) is None
    assert caplog.text.count("No weights") == 1


async def test_a_bug_in_a_model_does_not_stop_the_questions(answers: Answers, caplog: pytest.LogCaptureFixture) -> None:
    model = Model()
    model.gate("a").set_exception(ZeroDivisionError("a bug"))
    assert await answers.within("a", model, 5) is None
    assert "a bug" in caplog.text
    assert await answers.within("b", Ready(), 5) == "B"


async def test_close_drops_what_waits(path: Path) -> None:
    answers, model = Answers(path), Model()
    await answers.within("kept", Ready(), 5)
    tasks = [asyncio.create_task(answers.within(name, model, 5)) for name in "abc"]
    await turns()
    await answers.close()
    assert await asyncio.gather(*tasks) == [None, None, None]
    assert model.cancelled == ["a"]
    assert await answers.within("kept", Ready(), 0) == "KEPT"
    assert await answers.within("new", model, 0) is None
    assert "new" not in model.asked


async def test_close_right_after_a_question(path: Path) -> None:
    answers, model = Answers(path), Model()
    task = asyncio.create_task(answers.within("a", model, 5))
    await asyncio.sleep(0)
    await answers.close()
    assert await task is None


def test_corrupt_lines_are_passed_over(path: Path) -> None:
    path.parent.mkdir()
    good = json.dumps({"key": "k", "answer": "früher"}).encode()
    bad = [b"{", b"[]", b"null", b'{"key": 1, "answer": 2}', b'{"key": "x"}', b"\xff\xfe\x00", b"[" * 9000]
    path.write_bytes(b"\n".join([*bad, good, b'{"key": "half']))
    answers = AnswerFile(path)
    assert answers.get("k") == "früher"
    answers.put("next", "später")
    assert AnswerFile(path).get("next") == "später"


def test_two_processes_may_write_at_once(path: Path) -> None:
    one, two = AnswerFile(path), AnswerFile(path)
    for number in range(20):
        one.put(f"one{number}", "1")
        two.put(f"two{number}", "2")
    third = AnswerFile(path)
    assert all(third.get(f"one{n}") == "1" and third.get(f"two{n}") == "2" for n in range(20))


def test_a_long_file_is_rewritten_with_the_newest(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answer_file, "MAX_LINES", 10)
    monkeypatch.setattr(answer_file, "_LINES_AFTER_COMPACTION", 6)
    one, two = AnswerFile(path), AnswerFile(path)
    assert two.get("x") is None
    for number in range(9):
        one.put(str(number), "one")
    two.put("other", "two")
    one.put("9", "one")
    one.put("10", "one")
    assert len(path.read_text().split()) < 12 * 4
    assert [AnswerFile(path).get(key) for key in ("0", "8", "other", "10")] == [None, "one", "two", "one"]
    assert [file.name for file in path.parent.iterdir()] == ["answers.jsonl"]


def test_what_cannot_be_written_is_logged_and_kept_in_memory(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "file").write_text("in the way")
    answers = AnswerFile(tmp_path / "file" / "answers.jsonl")
    answers.put("k", "v")
    assert answers.get("k") == "v"
    assert "not kept" in caplog.text


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs Linux's full device")
def test_a_full_disk_is_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "answers.jsonl").symlink_to("/dev/full")
    answers = AnswerFile(tmp_path / "answers.jsonl")
    answers._answers = {}
    answers.put("k", "v")
    assert answers.get("k") == "v"
    assert "No space left" in caplog.text


def test_nobody_else_may_read_the_answers(path: Path) -> None:
    AnswerFile(path).put("k", "v")
    assert path.stat().st_mode & 0o077 == 0
