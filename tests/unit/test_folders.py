"""Which adapter is taken when none is named."""

import json
from pathlib import Path

import pytest

from tenny_lsp import folders


@pytest.fixture
def trained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An adapter that the user trained on the embedded base."""
    monkeypatch.setattr(folders, "user_data_path", lambda *_, **__: tmp_path)
    folder = folders.trained_adapter()
    folder.mkdir(parents=True)
    (folder / "adapters.safetensors").touch()
    (folder / "card.json").write_text(json.dumps({"base": {"name": "embedded"}}))
    return folder


def test_the_users_own_adapter_comes_first(trained: Path) -> None:
    assert folders.find_adapter() == trained


def test_another_base_does_not_get_the_embedded_ones_adapter(trained: Path) -> None:
    assert folders.find_adapter("models/qwen") is None

    (trained / "card.json").write_text(json.dumps({"base": {"name": "models/qwen"}}))

    assert folders.find_adapter("models/qwen") == trained


@pytest.mark.parametrize("card", ["", "[]", '{"base": 3}', '{"base": {"name": 3}}'])
def test_a_broken_card_names_no_base(trained: Path, card: str) -> None:
    (trained / "card.json").write_text(card)

    assert folders.find_adapter("models/qwen") is None


def test_nothing_trained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folders, "user_data_path", lambda *_, **__: tmp_path)
    monkeypatch.setattr(folders, "_PACKAGE", tmp_path)

    assert folders.find_adapter() is None
