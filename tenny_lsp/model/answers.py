"""A model's answers without the wait: what was answered once is there, what is late is there next time."""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from platformdirs import user_cache_path

from tenny_lsp.errors import TennyError
from tenny_lsp.model.answer_file import KeptAnswers
from tenny_lsp.model.protocol import TextModel

LOGGER = logging.getLogger(__name__)

#: One question is with the model; no more than this many wait behind it, the newest first.
MAX_WAITING = 2


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked in the background, and who is told: the answer, or None when there will be none."""

    prompt: str
    model: TextModel
    max_tokens: int
    answer: "asyncio.Future[str | None]"


class Answers:
    """Asks a model each question once, and one at a time.

    Args:
        path (Path | None): Where answers are kept. ``None``: ``answers.jsonl`` in the user's cache folder.
        on_end (Callable): Told how each question ended: the error, or None.
    """

    def __init__(self, path: Path | None = None, on_end: Callable[[TennyError | None], None] = lambda _: None) -> None:
        self._on_end = on_end
        self._kept = KeptAnswers(path or user_cache_path("tenny-lsp", appauthor=False) / "answers.jsonl")
        self._waiting: OrderedDict[str, Question] = OrderedDict()
        self._asked: tuple[str, Question] | None = None
        self._asking: asyncio.Task[str | None] | None = None
        self._failures_logged: set[str] = set()
        self._closed = False

    async def within(self, prompt: str, model: TextModel, deadline_s: float, *, max_tokens: int = 96) -> str | None:
        """Returns the answer to a prompt, None when it is not there after ``deadline_s``.

        A late answer is kept when it comes. A question that is pushed out by two newer ones, and one that
        the model fails on, is answered by None at once and may be asked again.
        """
        try:
            key = _key(model.identity, prompt, max_tokens)
        except TennyError as error:
            self._log_once(error)
            return None
        kept = self._kept.get(key)
        if kept is not None or self._closed:
            return kept
        answer = self._ask(key, prompt, model, max_tokens)
        await asyncio.wait({answer}, timeout=deadline_s)
        return answer.result() if answer.done() else None

    async def close(self) -> None:
        """Drops every question; only what is already kept is answered from now on."""
        self._closed = True
        for question in self._waiting.values():
            question.answer.set_result(None)
        self._waiting.clear()
        if self._asking:
            self._asking.cancel()
            await asyncio.wait({self._asking})

    def _ask(self, key: str, prompt: str, model: TextModel, max_tokens: int) -> "asyncio.Future[str | None]":
        """Returns the coming answer, having queued the question unless it is with the model already."""
        if self._asked and self._asked[0] == key:
            return self._asked[1].answer
        if key not in self._waiting:
            future: asyncio.Future[str | None] = asyncio.get_running_loop().create_future()
            self._waiting[key] = Question(prompt, model, max_tokens, future)
        self._waiting.move_to_end(key)
        answer = self._waiting[key].answer
        self._go_on()
        while len(self._waiting) > MAX_WAITING:
            _, oldest = self._waiting.popitem(last=False)
            oldest.answer.set_result(None)
        return answer

    def _go_on(self) -> None:
        if self._asked is None and self._waiting and not self._closed:
            key, question = self._asked = self._waiting.popitem()
            self._asking = asyncio.create_task(self._put(key, question), name="background question")
            self._asking.add_done_callback(self._settle)

    async def _put(self, key: str, question: Question) -> str | None:
        try:
            answer = await question.model.complete(question.prompt, max_tokens=question.max_tokens)
        except TennyError as error:
            self._log_once(error)
            return None
        self._kept.put(key, answer)
        self._failures_logged.clear()
        self._on_end(None)
        return answer

    def _settle(self, task: "asyncio.Task[str | None]") -> None:
        """Tells those who wait, and asks the next question, however the last one ended."""
        assert self._asked is not None
        question, self._asked, self._asking = self._asked[1], None, None
        bug = None if task.cancelled() else task.exception()
        if bug:
            LOGGER.error("A background question failed", exc_info=bug)
        question.answer.set_result(None if bug or task.cancelled() else task.result())
        self._go_on()

    def _log_once(self, error: TennyError) -> None:
        self._on_end(error)
        kind = type(error).__name__
        if kind not in self._failures_logged:
            self._failures_logged.add(kind)
            LOGGER.warning("%s", error)


def _key(identity: str, prompt: str, max_tokens: int) -> str:
    text = f"{identity}\0{max_tokens}\0{prompt}"
    return sha256(text.encode(errors="surrogatepass")).hexdigest()
