"""Models that are made as settings say: what their base can do, and which adapter is theirs."""

import json
from pathlib import Path

import pytest

from tenny_lsp import locations, wiring
from tenny_lsp.errors import AdapterError, BaseModelError
from tenny_lsp.lsp.settings import ModelSettings, RoastSettings
from tenny_lsp.lsp.speaker import Speaker
from tenny_lsp.model.bases import BaseCard
from tenny_lsp.model.client import WorkerModel
from tenny_lsp.model.endpoint import EndpointModel
from tenny_lsp.model.protocol import EMBEDDED_ABILITIES, Abilities

CAN = Abilities(write=False, complete=False, judge=True, chat=True)
ON = ModelSettings()


@pytest.fixture(autouse=True)
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Tenny's own folder, with an adapter for the embedded base."""
    monkeypatch.setattr(locations, "user_data_path", lambda *_, **__: tmp_path / "data")
    monkeypatch.setattr(locations, "_PACKAGE", tmp_path / "package" / "tenny_lsp")
    carried(tmp_path / "package" / "adapters" / "mlx-docs")
    return tmp_path / "package"


def carried(adapter: Path) -> Path:
    adapter.mkdir(parents=True)
    (adapter / "adapters.safetensors").touch()
    return adapter


def fetched_smollm2() -> Path:
    folder = locations.fetched_folder("smollm2")
    folder.mkdir(parents=True)
    (folder / "config.json").write_text("{}")
    (folder / "card.json").write_text(json.dumps(BaseCard("smollm2", "x", "y", "z", CAN).values()))
    return folder


async def test_each_model_has_the_adapter_of_its_base(package: Path) -> None:
    fetched_smollm2()
    own = carried(package / "adapters" / "smollm2" / "mlx-docs")
    model, writer = wiring._model_of(ON), wiring._writer_of(ON)

    assert isinstance(model, WorkerModel) and isinstance(writer, WorkerModel)
    assert (model.can, writer.can) == (EMBEDDED_ABILITIES, CAN)
    assert (model._adapter, writer._adapter) == (str(package / "adapters" / "mlx-docs"), str(own))
    await model.close()
    await writer.close()


async def test_a_base_without_an_adapter_may_write_bare() -> None:
    fetched_smollm2()
    writer = wiring._writer_of(ON)

    assert isinstance(writer, WorkerModel)
    assert (writer.can, writer._adapter) == (CAN, None)
    await writer.close()


async def test_a_fetched_base_whose_card_is_broken_leaves_the_embedded_one() -> None:
    (fetched_smollm2() / "card.json").write_text("{")
    speaker = Speaker(wiring._model_of, lambda error: None, wiring._writer_of)

    speaker.configure(ON, speaker._roast_settings)

    assert speaker.base == "embedded" and speaker.writer is speaker.model
    assert "card.json" in speaker.why_no_writer
    await speaker.close()


def test_the_embedded_base_may_not_be_bare(package: Path) -> None:
    (package / "adapters" / "mlx-docs" / "adapters.safetensors").unlink()

    for path in ("", "embedded", "smollm2"):
        with pytest.raises(AdapterError, match="no trained adapter"):
            wiring._model_of(ModelSettings(path=path))


def test_no_base_makes_remarks_without_a_cynic() -> None:
    fetched_smollm2()
    for base in ("", "smollm2"):
        with pytest.raises(AdapterError, match="cynic"):
            wiring.worker_model(base, None, name=locations.CYNIC)


async def test_an_endpoint_writes_beside_the_base_that_ranks(package: Path) -> None:
    fetched_smollm2()
    settings = ModelSettings(endpoint="http://localhost:8080#tiny", adapter_path="mlx-docs")
    speaker = Speaker(wiring._model_of, lambda error: None, wiring._writer_of)

    speaker.configure(settings, RoastSettings())

    model, writer = speaker.model, speaker.writer
    assert isinstance(model, WorkerModel) and model._adapter == str(package / "adapters" / "mlx-docs")
    assert isinstance(writer, EndpointModel) and writer._adapter == Path("mlx-docs")
    assert speaker.author is writer and speaker.base == "http://localhost:8080#tiny"
    assert speaker.cynic is not None and speaker.cynic.can.follow
    speaker.configure(settings, RoastSettings(adapter_path="cynic"))
    assert isinstance(speaker.cynic, EndpointModel) and not speaker.cynic.can.follow
    await speaker.close()


async def test_a_wrong_endpoint_is_said_and_leaves_the_base(package: Path) -> None:
    speaker = Speaker(wiring._model_of, lambda error: None, wiring._writer_of)

    speaker.configure(ModelSettings(endpoint="http://me:sesame@localhost"), RoastSettings())

    assert speaker.writer is speaker.model is not None and speaker.base == "embedded"
    assert "TENNY_API_KEY" in speaker.why_no_writer and "sesame" not in speaker.why_no_writer
    await speaker.close()


def test_no_endpoint_is_asked_where_models_are_switched_off() -> None:
    assert wiring._writer_of(ModelSettings(enabled=False, endpoint="http://localhost:8080")) is None


def test_the_command_line_takes_an_address_for_a_model() -> None:
    speaker = wiring.speaking_model("http://localhost:8080#tiny", None, name=locations.CYNIC, deadline_s=1)

    assert isinstance(speaker, EndpointModel)
    with pytest.raises(BaseModelError, match=r"tenny\.model\.endpoint"):
        wiring._model_of(ModelSettings(path="http://localhost:8080"))
