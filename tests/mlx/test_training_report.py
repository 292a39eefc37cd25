"""The report of a training, written beside its adapter."""

from pathlib import Path

import pytest

from tenny_lsp.cli.main import main
from tenny_lsp.errors import StorageError
from tenny_lsp.evaluation.training_report import write_training_report
from tenny_lsp.learning.options import TrainOptions, TrainResult
from tenny_lsp.learning.train import train


@pytest.fixture
def result(tiny_base: Path, rows: Path, tmp_path: Path) -> TrainResult:
    options = TrainOptions(rows, tmp_path / "mine", str(tiny_base), iters=6, steps_per_report=2, steps_per_eval=3)
    return train(options, lambda _: None)


def test_it_has_the_losses_the_options_and_the_curves(result: TrainResult) -> None:
    page = write_training_report(result)

    text = page.read_text()
    assert f"| validation loss | {result.start_val_loss:.4f} → {result.val_loss:.4f} |" in text
    assert "| learning_rate | 0.0005 |" in text and "![Loss" in text
    assert (page.parent / "curves.png").read_bytes().startswith(b"\x89PNG")


def test_without_matplotlib_there_is_the_page_alone(result: TrainResult, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tenny_lsp.evaluation.training_report.find_spec", lambda name: None)

    assert "![" not in write_training_report(result).read_text()


def test_metrics_that_are_gone_are_an_error_that_says_so(result: TrainResult) -> None:
    (result.run_path / "metrics.jsonl").unlink()
    with pytest.raises(StorageError, match=r"metrics\.jsonl"):
        write_training_report(result)


def test_every_option_is_one_row_of_the_table(tiny_base: Path, rows: Path, tmp_path: Path) -> None:
    for file in rows.glob("*.jsonl"):
        file.write_text('{"text": "Q: a\\nA: | tags b"}\n')
    options = TrainOptions(rows, tmp_path / "mine", str(tiny_base), iters=1, batch_size=1, separator="\nA: | tags")
    text = write_training_report(train(options, lambda _: None)).read_text()

    assert r"| separator | \nA: \| tags |" in text
    assert all(line.startswith("|") for line in text.split("## Options\n\n")[1].splitlines())


def test_metrics_that_are_none_are_an_error_that_says_so(result: TrainResult) -> None:
    (result.run_path / "metrics.jsonl").write_text("5\n{}\n")
    with pytest.raises(StorageError, match="its report cannot be written"):
        write_training_report(result)


def test_the_result_is_shown_though_there_is_no_report(
    tiny_base: Path, rows: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "mine.run" / "report.md").mkdir(parents=True)
    paths = ["--data", str(rows), "--model", str(tiny_base), "--adapter-path", str(tmp_path / "mine")]
    with pytest.raises(SystemExit) as ended:
        main(["train", *paths, "--iters", "1"])

    shown = capsys.readouterr()
    assert ended.value.code == 1 and "validation loss" in shown.out
    assert "The training is done, but its report cannot be written" in shown.err
