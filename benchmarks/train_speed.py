"""LoRA training speed: `mlx_lm.lora` as it comes and with Tenny's BLAS, PyTorch with PEFT, and Tenny.

    python -m benchmarks.train_speed --torch-python PYTHON

The same rows, base, adapter, optimizer and loss, see training_sides.py; each run is a process of its own, and the sides
take turns. Without ``--torch-python``, a Python that has torch, transformers and peft, PEFT is left out.
"""

import argparse
import json
import platform
import statistics
import subprocess
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.machine import machine, today
from benchmarks.training_sides import Job

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results" / "train_speed.json"
SIDES = {
    "stock": "mlx_lm.lora as it comes",
    "stock_with_blas": "mlx_lm.lora with Tenny's BLAS, float32",
    "peft": "PyTorch and PEFT",
    "tenny": "tenny-lsp train",
}


def main() -> None:
    """Run the sides in turn, print a Markdown table and write the results."""
    options = _arguments()
    sides = [side for side in SIDES if side != "peft" or options.torch_python]
    with tempfile.TemporaryDirectory() as workplace:
        data = _rows(options.data, Path(workplace))
        runs: dict[str, list[dict[str, Any]]] = {side: [] for side in sides}
        for repeat in range(options.repeats):
            for side in sides if repeat % 2 == 0 else reversed(sides):
                runs[side].append(_run(side, options, data))
                print(f"{side}: {runs[side][-1]}", file=sys.stderr)
    _report(options, runs)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--model", help="base model's folder; the embedded one by default")
    parser.add_argument("--data", type=Path, help="folder of rows; built from the installed MLX by default")
    parser.add_argument("--iters", type=int, default=40, help="iterations (40)")
    parser.add_argument("--stock-iters", type=int, default=8, help="iterations of mlx_lm.lora as it comes (8)")
    parser.add_argument("--repeats", type=int, default=2)
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--rank", type=int, default=32)
    parser.add_argument("--torch-python", help="a Python with torch, transformers and peft")
    parser.add_argument("--output", type=Path, default=RESULTS)
    options = parser.parse_args()
    if options.model is None:
        from tenny_lsp.locations import embedded_base

        options.model = str(embedded_base())
    return options


def _rows(data: Path | None, workplace: Path) -> Path:
    """Return a folder of prompts and completions to train on, and of as many to test on as fill four batches."""
    if data is None:
        from tenny_lsp.learning.dataset import DatasetOptions, build_dataset

        data = build_dataset(workplace / "built", DatasetOptions()).folder
    folder = workplace / "rows"
    folder.mkdir()
    for split, most in (("train", None), ("test", 64)):
        lines = (data / f"{split}.jsonl").read_text(encoding="utf-8").splitlines()
        rows = [json.loads(line) for line in lines if line.strip()]
        pairs = [{"prompt": row["prompt"], "completion": row["completion"]} for row in rows[:most]]
        (folder / f"{split}.jsonl").write_text("".join(json.dumps(pair) + "\n" for pair in pairs), encoding="utf-8")
    return folder


def _run(side: str, options: argparse.Namespace, data: Path) -> dict[str, Any]:
    iters = options.stock_iters if side == "stock" else options.iters
    with tempfile.TemporaryDirectory() as folder:
        job = Job(options.model, str(data), iters, options.batch_size, options.rank, folder)
        python = options.torch_python if side == "peft" else sys.executable
        command = [python, str(ROOT / "benchmarks" / "training_sides.py"), side, json.dumps(asdict(job))]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


def _report(options: argparse.Namespace, runs: dict[str, list[dict[str, Any]]]) -> None:
    keys = ("tokens_per_s", "tokens_per_cpu_s", "peak_mib", "mlx_peak_mib", "test_loss")
    medians = {
        side: {key: statistics.median(run[key] for run in part) for key in keys if key in part[0]}
        for side, part in runs.items()
    }
    results = {
        "date": today(),
        "machine": machine(),
        "versions": _versions(options.torch_python),
        "settings": {
            "base": Path(options.model).name,
            "batch_size": options.batch_size,
            "rank": options.rank,
            "iters": {side: options.stock_iters if side == "stock" else options.iters for side in runs},
        },
        "runs": runs,
        "medians": medians,
    }
    options.output.parent.mkdir(parents=True, exist_ok=True)
    options.output.write_text(json.dumps(results, indent=2) + "\n")
    print("{cpu}, {cores} cores, {system}\n".format(**machine()))
    print("| LoRA training, medians | tokens/s | tokens per CPU-second | peak MiB | by MLX's count | loss |")
    print("|---|---:|---:|---:|---:|---:|")
    for side, found in medians.items():
        cells = [f"{found[key]:.{3 if key == 'test_loss' else 0}f}" if key in found else "" for key in keys]
        print(f"| {SIDES[side]} | {' | '.join(cells)} |")


def _versions(torch_python: str | None) -> dict[str, str | None]:
    from tenny_lsp.model.runtime import package_version

    names = ("tenny-lsp", "mlx", "mlx-lm", "transformers", "scipy-openblas32")
    found = {"python": platform.python_version()} | {name: package_version(name) for name in names}
    if torch_python:
        script = "from importlib.metadata import version as v; print(v('torch'), v('peft'), v('transformers'))"
        done = subprocess.run([torch_python, "-c", script], check=True, stdout=subprocess.PIPE, text=True)
        found |= dict(zip(("torch", "peft", "torch's transformers"), done.stdout.split(), strict=True))
    return found


if __name__ == "__main__":
    main()
