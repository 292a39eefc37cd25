"""Models by their hub names: found where an earlier download lies, and never downloaded to be served."""

from pathlib import Path

import pytest

from tenny_lsp import locations
from tenny_lsp.errors import BaseModelError
from tenny_lsp.model.protocol import ALL_ABILITIES
from tenny_lsp.wiring import worker_model


@pytest.fixture
def downloads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where Hugging Face's tools would keep what they download."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    return tmp_path / "hub"


async def test_what_has_been_downloaded_speaks(downloads: Path, tiny_base: Path) -> None:
    repository = downloads / "models--somebody--tiny"
    (repository / "refs").mkdir(parents=True)
    (repository / "refs" / "main").write_text("0123abcd")
    (repository / "snapshots").mkdir()
    (repository / "snapshots" / "0123abcd").symlink_to(tiny_base)

    speaker = worker_model("somebody/tiny", None)
    assert speaker.can == ALL_ABILITIES
    try:
        await speaker.load()
        assert speaker.state.phase == "ready"
        assert await speaker.complete("Q: What is tanh in mlx?\nA:") == await by_folder(tiny_base)
    finally:
        await speaker.close()


async def by_folder(base: Path) -> str:
    speaker = worker_model(str(base), None)
    try:
        return await speaker.complete("Q: What is tanh in mlx?\nA:")
    finally:
        await speaker.close()


@pytest.mark.usefixtures("downloads")
def test_what_has_not_been_downloaded_is_named_with_what_to_do() -> None:
    with pytest.raises(BaseModelError, match="somebody/large is neither a folder nor a model") as caught:
        worker_model("somebody/large", None)
    assert "tenny-lsp fetch somebody/large" in caught.value.next_step


def test_a_folder_that_looks_like_a_hub_name_is_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "models" / "phi").mkdir(parents=True)

    assert not locations.is_hub_name("models/phi")
    assert locations.is_hub_name("models/qwen")
    assert not locations.is_hub_name("/models/phi") and not locations.is_hub_name("phi")
