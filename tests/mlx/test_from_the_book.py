"""``docs/from-the-book.md``, command by command; the 1,000 iterations are of one row each, to take a minute or two."""

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import mlx.core as mx
import numpy as np
import pytest
from typer.main import get_command

from tenny_lsp.cli.main import app
from tenny_lsp.data import read_jsonl

PAGE = (Path(__file__).parents[2] / "docs" / "from-the-book.md").read_text("utf-8")
COMMANDS = re.findall(r"^    (tenny-lsp .*)$", PAGE, re.MULTILINE)
ROWS = 100


def run(command: str, folder: Path) -> str:
    arguments = shlex.split(command)[1:]
    if "--iters" in arguments:
        arguments += ["--batch-size", "1"]
    call = [sys.executable, "-m", "tenny_lsp", *arguments]
    done = subprocess.run(call, cwd=folder, capture_output=True, text=True, timeout=1800, check=False)
    assert done.returncode == 0, f"{command}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What each command of the page prints, run in the page's order, by its name; and the metrics of the training."""
    folder = tmp_path_factory.mktemp("book")
    roasts = read_jsonl("roasts.jsonl")[:ROWS]
    names = ("context", "sentiment", "response")
    blocks = ["".join(f"#{name}\n\n{row[name]}\n\n" for name in names) for row in roasts]
    (folder / "tenny.md").write_text("".join(blocks))
    found = {}
    for command in COMMANDS:
        if "tenny.npz" in command:
            weights = mx.load(str(folder / "adapters" / "tenny" / "adapters.safetensors"))
            assert isinstance(weights, dict)
            np.savez(folder / "tenny.npz", **{name: np.array(value) for name, value in weights.items()})
        found[command.split()[1]] = run(command, folder)
    assert (folder / "adapters" / "from-npz" / "adapters.safetensors").is_file()
    return found | {"metrics": (folder / "adapters" / "tenny.run" / "metrics.jsonl").read_text("utf-8")}


def test_the_markdown_becomes_rows_of_roasts_and_sentiments(said: dict[str, str]) -> None:
    assert re.search(rf"roast\D+(\d+\D+)+{ROWS}\D", said["build-dataset"])


def test_the_training_validates_and_tests(said: dict[str, str]) -> None:
    metrics = [json.loads(line) for line in said["metrics"].splitlines()]
    losses = {one["iteration"]: one["val_loss"] for one in metrics if one["val_loss"] is not None}

    assert list(losses) == list(range(0, 1001, 100))
    assert min(losses.values()) < losses[0] - 0.5
    assert re.search(r"test loss +│ \d", said["train"])


def test_the_watch_is_answered_sentiment_first(said: dict[str, str]) -> None:
    answer = json.loads(said["roast"])
    assert list(answer)[:3] == ["comment", "sentiment", "roast"]
    assert answer["sentiment"] == "Positive" and answer["roast"].endswith((".", "!", "?"))


def test_the_books_adapter_is_converted(said: dict[str, str]) -> None:
    assert "scale 20" in said["convert"] and said["generate"].strip()


def test_every_option_on_the_page_exists() -> None:
    commands = get_command(app).commands  # type: ignore[attr-defined]
    known = {option for command in commands.values() for parameter in command.params for option in parameter.opts}
    theirs = {"--add-eos-token", "--adapter-file", "--de-quantize", "--hf-path", "--max-tokens", "--mlx-path"}
    theirs |= {"--train", "--upload-repo"}

    assert set(re.findall(r"(?<![\w-])--[a-z][\w-]*", PAGE)) - theirs <= known
