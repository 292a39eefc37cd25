"""The model of a session: made, replaced, unloaded, brought back."""

import asyncio
from pathlib import Path

import pytest

from tenny_lsp import locations
from tenny_lsp.errors import AdapterError, BaseModelError, ModelUnavailable, TennyError
from tenny_lsp.lsp.settings import ModelSettings, RoastSettings
from tenny_lsp.lsp.speaker import Speaker
from tenny_lsp.model.protocol import ModelState
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


class TestWriter:
    """A model of its own for answers and remarks, beside the one that ranks completions."""

    @staticmethod
    def speaker(*results: FakeModel | TennyError) -> tuple[Speaker, FakeModel, list[TennyError | None]]:
        changes: list[TennyError | None] = []
        model = FakeModel()
        kept = Speaker(Factory(model), changes.append, Factory(*results))  # type: ignore[arg-type]
        kept.configure(DEFAULT, ROAST)
        return kept, model, changes

    async def test_it_answers_and_the_other_ranks(self) -> None:
        writer = FakeModel()
        kept, model, _ = self.speaker(writer)

        assert (kept.model, kept.writer, kept.base) == (model, writer, "smollm2")
        await kept.close()
        assert model.is_closed and writer.is_closed and kept.writer is None

    async def test_what_it_does_is_the_state_once_it_has_been_asked(self) -> None:
        writer = FakeModel()
        kept, model, changes = self.speaker(writer)
        model.becomes("ready")
        assert kept.state == model.state
        writer.becomes("loading")
        assert kept.state == writer.state and len(changes) == 3

    async def test_one_that_cannot_be_made_leaves_the_other(self) -> None:
        kept, model, changes = self.speaker(BaseModelError("It is not there", "Fetch it."))

        assert kept.writer is kept.model is model
        assert (kept.base, kept.why_no_writer, changes) == ("embedded", "It is not there. Fetch it.", [None])

    async def test_loading_finds_one_that_was_fetched_since(self) -> None:
        writer = FakeModel()
        kept, model, _ = self.speaker(BaseModelError("It is not there", "Fetch it."), writer)

        await kept.load()

        assert kept.model is model and kept.writer is writer and writer.state.phase == "ready"
        assert kept.why_no_writer == "" and not model.is_closed

    async def test_a_cynic_is_of_its_own_base(self, tmp_path: Path) -> None:
        writer = FakeModel()
        kept, model, _ = self.speaker(writer)
        for base, speaks in (("smollm2", writer), ("embedded", model)):
            (tmp_path / base).mkdir()
            (tmp_path / base / "card.json").write_text(f'{{"base": {{"name": "{base}"}}}}')
            kept.configure(DEFAULT, RoastSettings(adapter_path=str(tmp_path / base)))
            assert kept.cynic is speaks and speaks.adapter == tmp_path / base

    async def test_loading_loads_both(self) -> None:
        writer = FakeModel()
        kept, model, _ = self.speaker(writer)
        await kept.load()
        assert (model.state.phase, writer.state.phase) == ("ready", "ready")

    async def test_loading_brings_back_one_that_was_given_up(self) -> None:
        first, second = FakeModel(), FakeModel()
        models, writers = Factory(FakeModel(), FakeModel()), Factory(first, second)
        kept = Speaker(models, lambda error: None, writers)  # type: ignore[arg-type]
        kept.configure(DEFAULT, ROAST)
        first.becomes("failed", "Five times.")

        await kept.load()

        assert kept.writer is second and second.state.phase == "ready"

    async def test_both_are_unloaded(self) -> None:
        writer = FakeModel()
        kept, model, _ = self.speaker(writer)

        kept.unload()
        await kept.close()

        assert model.is_closed and writer.is_closed
        assert kept.model is None and kept.writer is None and kept.state is None and kept.base == "embedded"

    async def test_one_that_has_crashed_is_the_state(self) -> None:
        writer = FakeModel()
        kept, model, _ = self.speaker(writer)
        model.becomes("ready")

        writer.becomes("failed", "Five times.")

        assert kept.state == ModelState("failed", "Five times.")

    async def test_without_a_model_there_is_none(self) -> None:
        writers = Factory(FakeModel())
        kept = Speaker(Factory(AdapterError("It is torn", "Train it.")), lambda error: None, writers)  # type: ignore[arg-type]

        kept.configure(DEFAULT, ROAST)

        assert kept.writer is None and writers.asked == []

    async def test_the_cynic_of_the_base_that_writes_is_found(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Not that of the other, which would be refused."""
        monkeypatch.setattr(locations, "find_adapter", lambda base, name: Path("/adapters", base, name))
        writer = FakeModel()
        kept, model, _ = self.speaker(writer)
        assert kept.cynic is writer and writer.adapter == Path("/adapters/smollm2/cynic")

        alone, model, _ = self.speaker(BaseModelError("It is not there", "Fetch it."))
        assert alone.cynic is model and model.adapter == Path("/adapters/embedded/cynic")

    async def test_the_base_that_speaks_is_not_the_one_that_was_asked_for(self) -> None:
        model = FakeModel()
        missing = Factory(BaseModelError("It is not there", "Fetch it."))
        kept = Speaker(Factory(model), lambda error: None, missing)  # type: ignore[arg-type]

        kept.configure(ModelSettings(path="smollm2"), ROAST)

        assert (kept.writer, kept.base) == (model, "embedded")
