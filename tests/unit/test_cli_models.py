"""``tenny-lsp fetch`` and ``models``, and which base ``ask`` and ``roast`` take, as a shell sees them."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tenny_lsp import locations
from tenny_lsp.cli.main import main
from tenny_lsp.errors import StorageError
from tenny_lsp.learning.fetch import FetchOptions
from tenny_lsp.model.bases import BaseCard
from tenny_lsp.model.protocol import Abilities

Fetching = Callable[..., list[FetchOptions]]


def in_process(*arguments: str) -> int:
    with pytest.raises(SystemExit) as raised:
        main(arguments)
    return int(raised.value.code or 0)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keeps every command in folders of its own, without any base or adapter."""
    monkeypatch.setattr(locations, "_PACKAGE", tmp_path / "package" / "tenny_lsp")
    monkeypatch.setattr(locations, "user_data_path", lambda *_, **__: tmp_path / "data")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def fetching(monkeypatch: pytest.MonkeyPatch) -> Fetching:
    """Has fetching end as it is told."""

    def prepare(result: BaseCard | BaseException) -> list[FetchOptions]:
        asked: list[FetchOptions] = []

        def fetch(options: FetchOptions, on_bytes: Callable[[int, int], None]) -> BaseCard:
            asked.append(options)
            on_bytes(1_000_000, 93_000_000)
            if isinstance(result, BaseException):
                raise result
            return result

        monkeypatch.setattr("tenny_lsp.learning.fetch.fetch", fetch)
        return asked

    return prepare


def base(name: str, **can: bool) -> Path:
    folder = locations.fetched_folder(name)
    folder.mkdir(parents=True)
    (folder / "config.json").write_text("{}")
    (folder / "model.safetensors").write_bytes(bytes(3_000_000))
    card = BaseCard(name, f"the origin of {name}", "apache-2.0", "12ab" * 16, Abilities(**can))
    (folder / "card.json").write_text(json.dumps(card.values()))
    return folder


@pytest.mark.parametrize(
    ("arguments", "options"),
    [
        ([], FetchOptions()),
        (["owner/name"], FetchOptions("owner/name")),
        (["--from", "x.gguf"], FetchOptions("", Path("x.gguf"))),
        (["mine", "--from", "x.gguf", "--tokenizer", "t"], FetchOptions("mine", Path("x.gguf"), Path("t"))),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_fetch_says_where_the_base_is_and_its_licence(
    arguments: list[str], options: FetchOptions, fetching: Fetching, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = fetching(BaseCard("owner/name", "x", "apache-2.0", "y"))

    assert in_process("fetch", *arguments) == 0

    out, err = capsys.readouterr()
    assert (out, err) == (f"owner/name (apache-2.0) is in {locations.fetched_folder('owner/name')}\n", "")
    assert asked == [options]


@pytest.mark.parametrize(
    ("error", "status", "said"),
    [(StorageError("The disk is full", "Free some space."), 1, "The disk is full. Free some space.\n")],
)
def test_fetch_that_fails_is_one_line_on_stderr(
    error: BaseException, status: int, said: str, fetching: Fetching, capsys: pytest.CaptureFixture[str]
) -> None:
    fetching(error)

    assert in_process("fetch") == status
    assert capsys.readouterr() == ("", said)


def test_control_c_while_fetching_is_130(fetching: Fetching, capfd: pytest.CaptureFixture[str]) -> None:
    fetching(KeyboardInterrupt())

    assert in_process("fetch") == 130
    assert "Traceback" not in capfd.readouterr().err


@pytest.mark.parametrize("arguments", [["fetch", "a", "b"], ["fetch", "--from"], ["models", "x"], ["fetch", "--json"]])
def test_bad_usage_is_2(arguments: list[str], fetching: Fetching) -> None:
    asked = fetching(BaseCard("x", "x", "x", "x"))

    assert in_process(*arguments) == 2
    assert asked == []


def models(capsys: pytest.CaptureFixture[str]) -> dict[str, dict[str, Any]]:
    assert in_process("models", "--json") == 0
    return {found["name"]: found for found in json.loads(capsys.readouterr().out)}


def test_models_lists_what_each_base_is_and_can(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = base("smollm2", write=False, judge=True, chat=True)
    for adapter in ("mlx-docs-smollm2", "cynic"):
        (home / "data" / "adapters" / adapter).mkdir(parents=True)
        (home / "data" / "adapters" / adapter / "adapters.safetensors").touch()

    found = models(capsys)

    assert list(found) == ["embedded", "smollm2"]
    assert found["embedded"]["adapters"] == [str(home / "data" / "adapters" / "cynic")]
    assert found["smollm2"] == {
        "name": "smollm2",
        "folder": str(folder),
        "bytes": 3_000_000,
        "adapters": [str(home / "data" / "adapters" / "mlx-docs-smollm2")],
        "origin": "the origin of smollm2",
        "licence": "apache-2.0",
        "sha256": "12ab" * 16,
        "can": {"write": False, "complete": True, "judge": True, "chat": True, "score": True, "follow": False},
    }


def test_models_as_a_table_says_when_smollm2_is_not_there(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tenny_lsp.cli.models.out.width", 160, raising=False)
    base("owner/large")

    assert in_process("models") == 0
    out = capsys.readouterr().out
    assert "owner/large: the origin of owner/large\n" in out
    assert "smollm2 is not here: `tenny-lsp fetch smollm2`\n" in out

    base("smollm2")
    assert in_process("models") == 0
    assert "smollm2 is not here" not in capsys.readouterr().out


def test_a_folder_that_is_no_base_is_not_listed(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in (".smollm2.new-123", "empty"):
        (home / "data" / "bases" / name).mkdir(parents=True)
    (home / "data" / "bases" / ".smollm2.new-123" / "config.json").write_text("{}")

    assert list(models(capsys)) == ["embedded"]


@pytest.mark.parametrize("command", ["ask", "roast"])
def test_an_adapter_for_smollm2_asks_for_smollm2(command: str, home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (home / "card.json").write_text(json.dumps({"base": {"name": "smollm2"}}))

    assert in_process(command, "# why?", "--adapter-path", str(home)) == 1
    assert "Run `tenny-lsp fetch smollm2`." in capsys.readouterr().err
