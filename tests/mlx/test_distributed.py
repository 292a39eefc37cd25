"""Two processes that train together, started by MLX's own launcher."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import mlx.core as mx
import pytest

LAUNCH = Path(sys.executable).with_name("mlx.launch")

pytestmark = pytest.mark.skipif(not LAUNCH.is_file() or sys.platform == "win32", reason="needs mlx.launch")


def trained(adapter: Path, rows: Path, base: Path, *launch: str) -> dict[str, Any]:
    options = {"data": rows, "model": base, "adapter-path": adapter, "iters": 6, "batch-size": 4, "rank": 4}
    options |= {"learning-rate": 1e-2, "steps-per-report": 2, "steps-per-eval": 3}
    command = [*launch, sys.executable, "-m", "tenny_lsp", "train"]
    command += [text for name, value in options.items() for text in (f"--{name}", str(value))]
    done = subprocess.run(command, capture_output=True, text=True, timeout=180, check=False)
    assert done.returncode == 0, done.stderr
    card: dict[str, Any] = json.loads((adapter / "card.json").read_text())
    return card | {"output": done.stdout}


def test_two_processes_of_two_rows_are_one_of_four(rows: Path, tiny_base: Path, tmp_path: Path) -> None:
    launch = (str(LAUNCH), "-n", "2", "--backend", "ring", "--")
    together = trained(tmp_path / "together", rows, tiny_base, *launch)
    alone = trained(tmp_path / "alone", rows, tiny_base)

    assert together["scores"]["val_loss"] == pytest.approx(alone["scores"]["val_loss"], rel=1e-4)
    assert together["scores"]["train_loss"] == pytest.approx(alone["scores"]["train_loss"], rel=1e-4)
    assert together["trained_tokens"] == alone["trained_tokens"]
    ours, theirs = (mx.load(str(tmp_path / name / "adapters.safetensors")) for name in ("together", "alone"))
    assert isinstance(ours, dict) and isinstance(theirs, dict)
    assert all(mx.allclose(value, theirs[name], atol=1e-3) for name, value in ours.items())
    assert together["output"].count("validation loss") == 1, "the first process alone prints"
