"""The rows of a training from Markdown, from tables with columns of any name, and from datasets of the hub."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import datasets
import pytest

from tenny_lsp.cli.main import main
from tenny_lsp.errors import DatasetError, StorageError
from tenny_lsp.learning.dataset_files import read_dataset
from tenny_lsp.learning.formats import Columns, Conversation, Row, read_rows
from tenny_lsp.learning.options import HubDataset, TrainOptions
from tests.mlx.training import run

ROAST = "#context\n\nI love my watch.\n\n#sentiment\n\nPositive\n\n#response\n\nIt counts your steps.\n\n"
LOADS = datasets.load_dataset, datasets.get_dataset_split_names


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A hub in a folder: ``owner/name`` is the folder of that name in it, read by the library itself."""
    folder = tmp_path / "hub"
    load, split_names = LOADS
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")

    def place(name: str) -> str:
        return str(folder / name) if (folder / name).is_dir() else name

    monkeypatch.setattr(
        datasets, "load_dataset", lambda name, *rest, **more: load(place(name), *rest, cache_dir=tmp_path / "c", **more)
    )
    monkeypatch.setattr(datasets, "get_dataset_split_names", lambda name, *rest: split_names(place(name), *rest))
    return folder


def write(folder: Path, split: str, rows: list[dict[str, Any]]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    datasets.Dataset.from_list(rows).to_parquet(folder / f"{split}-00000-of-00001.parquet")


def pairs(count: int) -> list[dict[str, Any]]:
    return [{"question": f"Q: {number}?\nA:", "answer": f" {number * number}."} for number in range(count)]


def test_markdown_of_roasts_is_trained_on(options: TrainOptions, tmp_path: Path) -> None:
    folder = tmp_path / "book"
    folder.mkdir()
    (folder / "train.md").write_text(ROAST * 3)
    result, _ = run(replace(options, data=folder, iters=2))

    assert result.iterations == 2
    card = json.loads((options.adapter_path / "card.json").read_text())
    assert list(card["dataset"]["sha256"]) == ["train.md"]


def test_wrong_markdown_is_named_by_its_line(options: TrainOptions, tmp_path: Path) -> None:
    (tmp_path / "train.md").write_text("#context\n\nI love it.\n")
    with pytest.raises(DatasetError, match=r"train\.md, line 1: the response is missing"):
        read_dataset(replace(options, data=tmp_path))


def test_the_prompt_of_a_text_ends_with_the_books_heading_too(tmp_path: Path) -> None:
    roast, question = "#context\n\nHi.\n\n#response\n\nBye.", "Q: a\nA: b"
    file = tmp_path / "train.jsonl"
    file.write_text("".join(json.dumps({"text": text}) + "\n" for text in (roast, question)))

    assert read_rows(file) == [Row("#context\n\nHi.\n\n#response\n\n", "Bye."), Row("Q: a\nA:", " b")]
    assert read_rows(file, "Q:")[0] == Row("", roast)


def test_columns_may_be_called_anything(tmp_path: Path) -> None:
    (tmp_path / "train.csv").write_text("question,answer\nWhat?,That.\n")
    assert read_rows(tmp_path / "train.csv", columns=Columns("question", "answer")) == [Row("What?", "That.")]
    with pytest.raises(DatasetError, match=r"line 1 names no columns prompt and completion, or text.*--prompt-feature"):
        read_rows(tmp_path / "train.csv")


def test_a_dataset_of_the_hub_is_trained_on(hub: Path, options: TrainOptions) -> None:
    write(hub / "owner/name", "train", pairs(8))
    write(hub / "owner/name", "validation", pairs(3))
    chosen = replace(
        options, data=Path("owner/name"), prompt_feature="question", completion_feature="answer", save_every=2, iters=2
    )
    result, _ = run(chosen)

    assert result.val_loss is not None, "the validation split is found under its own name"
    dataset = json.loads((options.adapter_path / "card.json").read_text())["dataset"]
    assert dataset["path"] == "owner/name" and list(dataset["sha256"]) == ["train.train", "valid.validation"]

    write(hub / "owner/name", "train", pairs(9))
    with pytest.raises(StorageError, match="another training: dataset"):
        run(replace(chosen, resume=True))


def test_its_splits_may_be_chosen(hub: Path, options: TrainOptions) -> None:
    write(hub / "plain", "train", [{"text": f"Q: {number}\nA: {number}"} for number in range(10)])
    dataset = HubDataset("plain", train_split="train[:6]", valid_split="train[-3:]", test_split="train[6:7]")
    found = read_dataset(replace(options, hf_dataset=dataset, test=True))
    assert {name: len(rows) for name, rows in found.rows.items()} == {"train": 6, "valid": 3, "test": 1}
    assert "valid" not in read_dataset(replace(options, hf_dataset=HubDataset("plain"))).rows


def test_a_tables_empty_cells_are_no_keys_of_a_message(hub: Path, options: TrainOptions) -> None:
    call = {"function": {"name": "f", "arguments": "{}"}}
    answers = [{"role": "assistant", "content": "Hi."}, {"role": "assistant", "tool_calls": [call]}]
    write(hub / "a/chat", "train", [{"messages": [{"role": "user", "content": "Hello"}, answer]} for answer in answers])
    first, second = read_dataset(replace(options, data=Path("a/chat"))).rows["train"]
    assert isinstance(first, Conversation) and first.messages[1] == answers[0]
    assert isinstance(second, Conversation) and second.messages[1] == answers[1]


def test_what_the_hub_has_not_is_named(hub: Path, options: TrainOptions, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(DatasetError, match=r"The dataset owner/nothing cannot be loaded.*folder, or of the hub"):
        read_dataset(replace(options, data=Path("owner/nothing")))
    write(hub / "owner/name", "train", pairs(2))
    with pytest.raises(DatasetError, match=r"owner/name, train, row 1 has no text under prompt and completion"):
        read_dataset(replace(options, data=Path("owner/name")))
    monkeypatch.setattr("tenny_lsp.learning.dataset_files.find_spec", lambda name: None)
    with pytest.raises(DatasetError, match=r"owner/name is no folder, and .* install tenny-lsp\[hub\]"):
        read_dataset(replace(options, data=Path("owner/name")))


def test_a_folder_of_two_parts_that_is_there_is_a_folder(
    hub: Path, options: TrainOptions, rows: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(rows.parent.parent)
    assert read_dataset(replace(options, data=rows.relative_to(rows.parent.parent))).path.endswith("rows")


def test_a_folder_on_the_command_line_goes_before_the_files_dataset(
    options: TrainOptions, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "lora.yaml"
    config.write_text("hf_dataset: {path: owner/nothing}\n")
    given = ["train", "-c", str(config), "--data", str(options.data), "--model", str(options.model), "--iters", "1"]
    with pytest.raises(SystemExit) as ended:
        main([*given, "--adapter-path", str(tmp_path / "new")])
    assert ended.value.code == 0, capsys.readouterr().err
