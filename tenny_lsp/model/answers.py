"""Ask the model in the background, within a deadline, and cache its answers."""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from platformdirs import user_cache_path

from tenny_lsp.errors import TennyError
from tenny_lsp.model.answer_file import AnswerFile
from tenny_lsp.model.failures import Failures
from tenny_lsp.model.protocol import TextModel

LOGGER = logging.getLogger(__name__)

#: The most questions that wait while one is being answered. The newest is asked first.
MAX_WAITING = 2


@dataclass(frozen=True, slots=True)
class Question:
    """A question that waits for the model.

    ``answer`` is resolved with None when the model fails, or the question is dropped.
    """

    prompt: str
    model: TextModel
    max_tokens: int
    answer: "asyncio.Future[str | None]"


class Answers:
    """Asks a model one question at a time, each once.

    Args:
        path (Path | None): The file of the cache. ``None``: ``answers.jsonl`` in the user's cache folder.
        on_end (Callable): Called at each question's end, with the error, or None after an answer.
    """

    def __init__(self, path: Path | None = None, on_end: Callable[[TennyError | None], None] = lambda _: None) -> None:
        self._cache = AnswerFile(path or user_cache_path("tenny-lsp", appauthor=False) / "answers.jsonl")
        self._waiting: OrderedDict[str, Question] = OrderedDict()
        self._asked: tuple[str, Question] | None = None
        self._asking: asyncio.Task[str | None] | None = None
        self._failures = Failures(on_end=on_end)
        self._closed = False

    async def within(self, prompt: str, model: TextModel, deadline_s: float, *, max_tokens: int = 96) -> str | None:
        """Return the answer to a prompt, None when it takes longer than ``deadline_s`` seconds.

        A late answer is cached for the next call. Returns None at once when the model fails, or when two newer
        questions have taken this one's place; such a question may be asked again.
        """
        try:
            key = _key(model.identity, prompt, max_tokens)
        except TennyError as error:
            self._failures.log(error)
            return None
        cached = self._cache.get(key)
        if cached is not None or self._closed:
            return cached
        answer = self._ask(key, prompt, model, max_tokens)
        await asyncio.wait({answer}, timeout=deadline_s)
        return answer.result() if answer.done() else None

    async def close(self) -> None:
        """Drop every question; from now on ``within`` answers from the cache alone."""
        self._closed = True
        for question in self._waiting.values():
            question.answer.set_result(None)
        self._waiting.clear()
        if self._asking:
            self._asking.cancel()
            await asyncio.wait({self._asking})

    def _ask(self, key: str, prompt: str, model: TextModel, max_tokens: int) -> "asyncio.Future[str | None]":
        """Return the future answer, having queued the question unless it is being asked already."""
        if self._asked and self._asked[0] == key:
            return self._asked[1].answer
        if key not in self._waiting:
            future: asyncio.Future[str | None] = asyncio.get_running_loop().create_future()
            self._waiting[key] = Question(prompt, model, max_tokens, future)
        self._waiting.move_to_end(key)
        answer = self._waiting[key].answer
        self._ask_next()
        while len(self._waiting) > MAX_WAITING:
            _, oldest = self._waiting.popitem(last=False)
            oldest.answer.set_result(None)
        return answer

    def _ask_next(self) -> None:
        if self._asked is None and self._waiting and not self._closed:
            key, question = self._asked = self._waiting.popitem()
            self._asking = asyncio.create_task(self._complete(key, question), name="background question")
            self._asking.add_done_callback(self._resolve)

    async def _complete(self, key: str, question: Question) -> str | None:
        answer = await self._failures.or_none(question.model.complete(question.prompt, max_tokens=question.max_tokens))
        if answer is not None:
            self._cache.put(key, answer)
        return answer

    def _resolve(self, task: "asyncio.Task[str | None]") -> None:
        """Resolve the question that has ended, also by an error, and ask the next one."""
        assert self._asked is not None
        question, self._asked, self._asking = self._asked[1], None, None
        bug = None if task.cancelled() else task.exception()
        if bug:
            LOGGER.error("A background question failed", exc_info=bug)
        question.answer.set_result(None if bug or task.cancelled() else task.result())
        self._ask_next()


def _key(identity: str, prompt: str, max_tokens: int) -> str:
    text = f"{identity}\0{max_tokens}\0{prompt}"
    return sha256(text.encode(errors="surrogatepass")).hexdigest()
