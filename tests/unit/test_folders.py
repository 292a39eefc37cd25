"""Which adapter is taken when none is named."""

from pathlib import Path

import pytest

from tenny_lsp import folders


@pytest.fixture(autouse=True)
def nothing_trained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folders, "user_data_path", lambda *_, **__: tmp_path / "data")
    monkeypatch.setattr(folders, "_PACKAGE", tmp_path / "package")


def make(adapter: Path) -> Path:
    adapter.mkdir(parents=True)
    (adapter / "adapters.safetensors").touch()
    return adapter


def test_nothing_trained() -> None:
    assert folders.find_adapter() is None


def test_the_users_own_adapter_comes_before_the_carried_one(tmp_path: Path) -> None:
    carried = make(tmp_path / "package" / "adapters" / "mlx-docs")
    assert folders.find_adapter() == carried

    own = make(folders.trained_adapter())
    assert folders.find_adapter() == own


def test_each_base_has_an_adapter_of_its_own(tmp_path: Path) -> None:
    make(tmp_path / "package" / "adapters" / "mlx-docs")
    make(folders.trained_adapter())
    assert folders.find_adapter("models/qwen") is None

    own = make(folders.trained_adapter("models/qwen"))
    assert folders.find_adapter("models/qwen") == folders.find_adapter("~/models/qwen/") == own


def test_each_purpose_has_an_adapter_of_its_own(tmp_path: Path) -> None:
    make(tmp_path / "package" / "adapters" / "mlx-docs")
    assert folders.find_adapter("", folders.CYNIC) is None

    carried = make(tmp_path / "package" / "adapters" / "cynic")
    assert folders.find_adapter("", folders.CYNIC) == carried
    own = make(folders.trained_adapter("", folders.CYNIC))
    assert folders.find_adapter("", folders.CYNIC) == own
