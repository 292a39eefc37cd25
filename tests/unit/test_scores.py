"""Scores without the wait, from a model that answers when the test says so."""

import asyncio
import logging
from collections.abc import Sequence

import pytest

from tenny_lsp.errors import ModelUnavailable
from tenny_lsp.model.name_scores import NameScores

NAMES = ("ones", "zeros")


class SlowModel:
    """Answers each text once it is let."""

    identity = "slow"

    def __init__(self, *, is_open: bool = True) -> None:
        self.open = asyncio.Event()
        self.asked: list[str] = []
        self.cancelled: list[str] = []
        self.error: Exception | None = None
        if is_open:
            self.open.set()

    async def score(self, text: str, names: Sequence[str]) -> list[float]:
        self.asked.append(text)
        try:
            await self.open.wait()
        except asyncio.CancelledError:
            self.cancelled.append(text)
            raise
        if self.error:
            raise self.error
        return [-float(place) for place in range(len(names))]


@pytest.fixture
def model() -> SlowModel:
    return SlowModel()


async def test_what_comes_in_time_is_answered_and_kept(model: SlowModel) -> None:
    scores = NameScores()

    assert await scores.within("mx.", NAMES, model, 5) == {"ones": 0.0, "zeros": -1.0}
    assert await scores.within("mx.", NAMES, model, 0) == {"ones": 0.0, "zeros": -1.0}
    assert model.asked == ["mx."]


async def test_what_is_late_is_there_the_next_time() -> None:
    model, scores = SlowModel(is_open=False), NameScores()

    assert await scores.within("mx.", NAMES, model, 0) is None
    assert await scores.within("mx.", NAMES, model, 0) is None
    model.open.set()

    assert await scores.within("mx.", NAMES, model, 5) is not None
    assert model.asked == ["mx."]


async def test_a_request_that_is_cancelled_leaves_its_question_alone() -> None:
    model, scores = SlowModel(is_open=False), NameScores()
    request = asyncio.create_task(scores.within("mx.", NAMES, model, 5))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    request.cancel()
    await asyncio.wait({request})
    model.open.set()

    assert await scores.within("mx.", NAMES, model, 5) is not None
    assert model.asked == ["mx."]


async def test_only_the_text_that_is_being_typed_is_asked_about() -> None:
    model, scores = SlowModel(is_open=False), NameScores()
    await scores.within("mx.", NAMES, model, 0)
    await asyncio.sleep(0)
    await scores.within("nn.", NAMES, model, 0)
    await asyncio.sleep(0)

    assert model.cancelled == ["mx."]
    await scores.close()
    assert model.cancelled == ["mx.", "nn."]


async def test_another_model_is_asked_anew(model: SlowModel) -> None:
    scores, other = NameScores(), SlowModel()
    await scores.within("mx.", NAMES, model, 5)

    assert await scores.within("mx.", NAMES, other, 5) is not None
    assert other.asked == ["mx."]


async def test_a_failure_is_said_once_and_tried_again(model: SlowModel, caplog: pytest.LogCaptureFixture) -> None:
    scores = NameScores()
    model.error = ModelUnavailable("It is gone", "Wait.")
    with caplog.at_level(logging.WARNING):
        assert await scores.within("mx.", NAMES, model, 5) is None
        assert await scores.within("mx.", NAMES, model, 5) is None
    model.error = None

    assert caplog.text.count("It is gone") == 1
    assert await scores.within("mx.", NAMES, model, 5) is not None
