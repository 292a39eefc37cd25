"""Which adapter is taken when none is named."""

from pathlib import Path

import pytest

from tenny_lsp import locations


@pytest.fixture(autouse=True)
def nothing_trained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locations, "user_data_path", lambda *_, **__: tmp_path / "data")
    monkeypatch.setattr(locations, "_PACKAGE", tmp_path / "package")


def make(adapter: Path) -> Path:
    adapter.mkdir(parents=True)
    (adapter / "adapters.safetensors").touch()
    return adapter


def test_nothing_trained() -> None:
    assert locations.find_adapter() is None


def test_the_users_own_adapter_comes_before_the_carried_one(tmp_path: Path) -> None:
    carried = make(tmp_path / "package" / "adapters" / "mlx-docs")
    assert locations.find_adapter() == carried

    own = make(locations.trained_adapter())
    assert locations.find_adapter() == own


def test_each_base_has_an_adapter_of_its_own(tmp_path: Path) -> None:
    make(tmp_path / "package" / "adapters" / "mlx-docs")
    make(locations.trained_adapter())
    assert locations.find_adapter("models/qwen") is None

    own = make(locations.trained_adapter("models/qwen"))
    assert locations.find_adapter("models/qwen") == locations.find_adapter("~/models/qwen/") == own


def test_each_purpose_has_an_adapter_of_its_own(tmp_path: Path) -> None:
    make(tmp_path / "package" / "adapters" / "mlx-docs")
    assert locations.find_adapter("", locations.CYNIC) is None

    carried = make(tmp_path / "package" / "adapters" / "cynic")
    assert locations.find_adapter("", locations.CYNIC) == carried
    own = make(locations.trained_adapter("", locations.CYNIC))
    assert locations.find_adapter("", locations.CYNIC) == own
