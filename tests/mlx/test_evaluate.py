"""An evaluation of a tiny model, from its files to the report."""

import json
import math
from pathlib import Path

import mlx.core as mx
import mlx.nn as nn
import pytest
from mlx_lm import load

from tenny_lsp.cli.main import main
from tenny_lsp.errors import DatasetError
from tenny_lsp.evaluation.evaluate import EvaluateOptions, evaluate
from tenny_lsp.evaluation.measures import CODE_WINDOW_TOKENS, Measures
from tenny_lsp.learning.options import TrainOptions
from tenny_lsp.learning.train import train
from tenny_lsp.mlx_api.index import load_mlx_index
from tenny_lsp.wiring import worker_model

VOCABULARY = 384


@pytest.fixture
def adapter(rows: Path, tiny_base: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "adapter"
    train(TrainOptions(rows, folder, model=str(tiny_base), iters=30, learning_rate=1e-2), lambda _: None)
    return folder


@pytest.fixture
def code(tmp_path: Path) -> Path:
    (tmp_path / "code" / "pack" / "inner").mkdir(parents=True)
    (tmp_path / "code" / "pack" / "inner" / "net.py").write_text("import mlx.core as mx\nx = mx.abs(y)\n" * 200)
    return tmp_path / "code"


def test_perplexity_is_what_mlx_lm_says_token_by_token(tiny_base: Path) -> None:
    text = "x = mx.abs(y)\n" * 20
    model, tokenizer = load(str(tiny_base))
    model.set_dtype(mx.float32)
    tokens = mx.array(tokenizer.encode(text))
    logits = model(tokens[None, :-1])[0]
    expected = mx.exp(nn.losses.cross_entropy(logits, tokens[1:], reduction="mean")).item()

    assert Measures(str(tiny_base)).perplexity_of_code([text]) == pytest.approx(expected, rel=1e-3)


def test_long_source_is_read_in_windows(tiny_base: Path) -> None:
    measures = Measures(str(tiny_base))
    window = "x" * (CODE_WINDOW_TOKENS + 1)

    assert measures.perplexity_of_code([window * 3]) == pytest.approx(measures.perplexity_of_code([window]), rel=0.2)


def test_speed_is_measured_on_a_full_answer(tiny_base: Path) -> None:
    speed = Measures(str(tiny_base)).speed("Q: What is mx.abs?\nA:")

    assert math.isfinite(speed.decode_tokens_per_s) and speed.decode_tokens_per_s > 0
    assert speed.prefill_tokens_per_s > 0


def test_the_command_measures_base_and_adapter_and_writes_a_report(
    tiny_base: Path, adapter: Path, rows: Path, code: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    for file in rows.glob("*.jsonl"):  # rows say what they are about
        lines = [json.loads(line) | {"source": "mlx.core.abs"} for line in file.read_text().splitlines()]
        file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    report = tmp_path / "report"
    options = ["--model", str(tiny_base), "--adapter-path", str(adapter), "--data", str(rows), "--code", str(code)]

    main_returns(["evaluate", *options, "--most", "5", "--output", str(report), "--json"])

    scores = json.loads(capfd.readouterr().out)
    assert scores["answers"]["count"] >= 5 and scores["answers"]["shown_unfounded"] == 0
    assert scores["rows_perplexity"]["adapted"] < scores["rows_perplexity"]["base"]
    assert set(scores["code"]) == {"pack"}
    assert scores["first_answer_s"] > 0
    assert 0 < scores["names"] < 1
    assert {file.name for file in report.iterdir()} == {
        "README.md",
        "scores.json",
        "answers.jsonl",
        "examples.jsonl",
        "modules.png",
        "losses.png",
    }
    assert (report / "losses.png").read_bytes().startswith(b"\x89PNG")
    assert json.loads((report / "scores.json").read_text()) == scores
    assert len((report / "answers.jsonl").read_text().splitlines()) == scores["answers"]["count"]


def test_a_folder_without_source_is_named(tiny_base: Path, tmp_path: Path) -> None:
    options = EvaluateOptions(model=str(tiny_base), code=tmp_path, max_entries=0)
    speaker = worker_model(str(tiny_base), None)

    with pytest.raises(DatasetError, match="holds no Python source"):
        evaluate(options, load_mlx_index(), speaker, lambda *_: None)


def main_returns(arguments: list[str]) -> None:
    """Runs the command line in this process; it must end well."""
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 0
