"""A GGUF file becomes a base that speaks, with its licence, or nothing at all."""

from pathlib import Path

import pytest

from tenny_lsp import locations
from tenny_lsp.errors import BaseModelError
from tenny_lsp.learning.fetch import FetchOptions, fetch
from tenny_lsp.wiring import worker_model
from tests.mlx.gguf_writer import write_gguf
from tests.mlx.test_gguf import tiny


@pytest.fixture(autouse=True)
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(locations, "user_data_path", lambda *_, **__: tmp_path / "data")
    return tmp_path / "data"


def nothing(done: int, total: int) -> None: ...


def file_of(base: Path, folder: Path, **changes: str) -> Path:
    metadata, tensors = tiny(base)
    return write_gguf(folder / "my tiny.gguf", metadata | {"general.license": ""} | changes, tensors)


async def test_a_file_becomes_a_base_under_its_own_name(tiny_base: Path, tmp_path: Path) -> None:
    file = file_of(tiny_base, tmp_path, **{"general.license": "mit"})

    card = fetch(FetchOptions(file=file), nothing)

    assert (card.name, card.licence) == ("my-tiny", "mit")
    assert card.origin.startswith("the file my tiny.gguf (sha256 ")
    folder = locations.fetched_folder("my-tiny")
    assert {"config.json", "tokenizer.json", "model.safetensors", "card.json"} <= {
        path.name for path in folder.iterdir()
    }
    speakers = [worker_model(name, None) for name in ("my-tiny", str(tiny_base))]
    try:
        said, expected = [await speaker.complete("Q: What is tanh?\nA:", max_tokens=8) for speaker in speakers]
    finally:
        for speaker in speakers:
            await speaker.close()
    assert said == expected


def test_without_a_licence_there_is_no_base(tiny_base: Path, tmp_path: Path, data: Path) -> None:
    file = file_of(tiny_base, tmp_path)

    with pytest.raises(BaseModelError, match="does not say under which licence") as caught:
        fetch(FetchOptions(file=file), nothing)
    assert "LICENSE" in caught.value.next_step
    assert locations.fetched_bases() == {} and not list(data.rglob("*"))[1:]

    (tmp_path / "LICENSE").write_text("Do as you please.")
    assert fetch(FetchOptions(file=file), nothing).licence == "see LICENSE"
    assert (locations.fetched_folder("my-tiny") / "LICENSE").read_text() == "Do as you please."


def test_a_file_that_is_cut_short_leaves_nothing(tiny_base: Path, tmp_path: Path) -> None:
    file = file_of(tiny_base, tmp_path)
    file.write_bytes(file.read_bytes()[:-100])

    with pytest.raises(BaseModelError, match="incomplete"):
        fetch(FetchOptions(file=file), nothing)
    assert locations.fetched_bases() == {}


def test_an_interruption_while_it_is_converted_leaves_nothing(
    tiny_base: Path, tmp_path: Path, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(file: Path, folder: Path, **_: object) -> None:
        (folder / "config.json").write_text("{}")
        raise KeyboardInterrupt

    monkeypatch.setattr("tenny_lsp.learning.convert.gguf.convert_gguf", interrupted)
    with pytest.raises(KeyboardInterrupt):
        fetch(FetchOptions(file=file_of(tiny_base, tmp_path)), nothing)

    assert [path.name for path in data.rglob("*")] == ["bases"]


@pytest.mark.parametrize(("name", "file"), [("", "my tiny.gguf"), ("mine", "nowhere/x.gguf"), ("mine", ".")])
def test_a_file_that_is_not_there(name: str, file: str, tmp_path: Path) -> None:
    with pytest.raises(BaseModelError, match="does not exist"):
        fetch(FetchOptions(name, tmp_path / file), nothing)
    assert locations.fetched_bases() == {}


def test_a_file_is_not_converted_twice(tiny_base: Path, tmp_path: Path) -> None:
    file = file_of(tiny_base, tmp_path, **{"general.license": "mit"})
    card = fetch(FetchOptions("mine", file), nothing)
    written = (locations.fetched_folder("mine") / "model.safetensors").stat().st_mtime_ns

    file.unlink()
    assert fetch(FetchOptions("mine", file), nothing) == card
    assert (locations.fetched_folder("mine") / "model.safetensors").stat().st_mtime_ns == written
    assert not card.can.chat and card.can.write
