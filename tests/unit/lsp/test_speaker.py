"""The model of a session: made, replaced, unloaded, brought back."""

import asyncio
from pathlib import Path

import pytest

from tenny_lsp.errors import AdapterError, ModelUnavailable, TennyError
from tenny_lsp.lsp.settings import ModelSettings, RoastSettings
from tenny_lsp.lsp.speaker import Speaker
from tests.unit.lsp.fakes import FakeModel

DEFAULT, ROAST = ModelSettings(), RoastSettings()


class Factory:
    """Makes a new model each time, or fails."""

    def __init__(self, *results: FakeModel | TennyError | None) -> None:
        self.results = list(results)
        self.asked: list[ModelSettings] = []

    def __call__(self, settings: ModelSettings) -> FakeModel | None:
        self.asked.append(settings)
        result = self.results.pop(0)
        if isinstance(result, TennyError):
            raise result
        return result


def speaker(*results: FakeModel | TennyError | None) -> tuple[Speaker, Factory, list[TennyError | None]]:
    changes: list[TennyError | None] = []
    factory = Factory(*results)
    return Speaker(factory, changes.append), factory, changes  # type: ignore[arg-type]


async def test_other_settings_make_another_model_and_close_the_first() -> None:
    first, second = FakeModel(), FakeModel()
    kept, factory, _ = speaker(first, second)

    kept.configure(DEFAULT, ROAST)
    kept.configure(DEFAULT, RoastSettings(enabled=False))
    assert kept.model is first, "what its settings do not change goes on undisturbed"
    kept.configure(ModelSettings(path="/other"), ROAST)
    await kept.close()

    assert [settings.path for settings in factory.asked] == ["", "/other"]
    assert first.is_closed and second.is_closed and kept.model is None


async def test_why_there_is_none() -> None:
    kept, _, changes = speaker(AdapterError("It is torn", "Train it."), None)

    kept.configure(DEFAULT, ROAST)
    assert kept.model is None and kept.why_none == "It is torn. Train it."
    kept.configure(ModelSettings(enabled=False), ROAST)
    assert kept.why_none == "It is switched off: tenny.model.enabled."
    assert changes == [None, None]


async def test_what_is_unloaded_comes_back_by_load_alone() -> None:
    first, second = FakeModel(), FakeModel()
    kept, factory, changes = speaker(first, second)
    kept.configure(DEFAULT, ROAST)

    kept.unload()
    kept.configure(ModelSettings(path="/other"), ROAST)
    assert kept.model is None and "Load Model" in kept.why_none
    await kept.load()
    await asyncio.sleep(0)

    assert kept.model is second and second.state.phase == "ready" and first.is_closed
    assert len(factory.asked) == 2 and len(changes) >= 3


async def test_a_model_that_was_given_up_is_made_again() -> None:
    first, second = FakeModel(), FakeModel()
    kept, _, _ = speaker(first, second)
    kept.configure(DEFAULT, ROAST)
    first.becomes("failed", "Five times.")

    await kept.load()

    assert kept.model is second


async def test_loading_says_why_it_failed() -> None:
    kept, _, _ = speaker(FakeModel(ModelUnavailable("It is gone", "Call it back.")))
    kept.configure(DEFAULT, ROAST)

    with pytest.raises(ModelUnavailable):
        await kept.load()


async def test_the_cynic_speaks_through_the_adapter_of_the_settings(tmp_path: Path) -> None:
    model = FakeModel()
    kept, _, _ = speaker(model)
    assert kept.cynic is None

    kept.configure(DEFAULT, RoastSettings(adapter_path=str(tmp_path)))

    assert kept.cynic is model and model.adapter == tmp_path


async def test_a_base_without_a_cynic_makes_no_remarks() -> None:
    kept, _, _ = speaker(FakeModel())
    kept.configure(ModelSettings(path="/a/base"), ROAST)

    assert kept.model is not None and kept.cynic is None
