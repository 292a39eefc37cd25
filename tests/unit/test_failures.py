"""Going on without the model: what is swallowed, what is logged, and what is not."""

import logging

import pytest

from tenny_lsp.errors import AdapterError, ModelUnavailable, TennyError
from tenny_lsp.model.failures import Failures


async def answer(error: Exception | None = None) -> str:
    if error:
        raise error
    return "42"


async def test_an_error_is_none_and_logged_once_until_the_next_success(caplog: pytest.LogCaptureFixture) -> None:
    failures, gone = Failures("The documentation answers alone"), ModelUnavailable("It is gone", "Wait.")
    with caplog.at_level(logging.WARNING):
        assert [await failures.or_none(answer(gone)) for _ in range(3)] == [None] * 3
        assert await failures.or_none(answer(AdapterError("It is torn", "Mend it."))) is None
        assert caplog.messages == [
            "The documentation answers alone: It is gone. Wait.",
            "The documentation answers alone: It is torn. Mend it.",
        ]
        assert await failures.or_none(answer()) == "42"
        assert await failures.or_none(answer(gone)) is None
    assert len(caplog.messages) == 3


async def test_each_end_is_reported() -> None:
    ends: list[TennyError | None] = []
    failures, gone = Failures(on_end=ends.append), ModelUnavailable("It is gone", "Wait.")
    await failures.or_none(answer())
    await failures.or_none(answer(gone))
    assert ends == [None, gone]


async def test_a_bug_is_raised() -> None:
    with pytest.raises(ZeroDivisionError):
        await Failures().or_none(answer(ZeroDivisionError()))
