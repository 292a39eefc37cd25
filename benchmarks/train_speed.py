"""LoRA training speed: `mlx_lm.lora` as it comes against Tenny, on the same rows, base, rank and batch size.

    python -m benchmarks.train_speed

Each run is a process of its own and the two sides take turns. What is compared is tokens per second of
training, prompts included and padding not counted; loading, validation and the first report (which holds
compilation) are left out on both sides. The two do not do the same work for a token: by default `mlx_lm.lora`
takes its loss on prompts too, Tenny on completions only. That is part of what is compared.
"""

import argparse
import json
import platform
import statistics
import subprocess
import sys
import tempfile
import types
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from benchmarks.machine import machine, today

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results" / "train_speed.json"
SIDES = {"stock": "mlx_lm.lora", "tenny": "tenny-lsp train"}


def main() -> None:
    """Run both sides in turn, prints a Markdown table and writes the results."""
    options = _arguments()
    if options.side is not None:
        print(json.dumps(_stock(options) if options.side == "stock" else _tenny(options)))
        return
    with tempfile.TemporaryDirectory() as workplace:
        _write_rows(options.data, Path(workplace))
        runs: dict[str, list[dict[str, Any]]] = {side: [] for side in SIDES}
        for repeat in range(options.repeats):
            for side in SIDES if repeat % 2 == 0 else reversed(SIDES):
                runs[side].append(_run(side, options, Path(workplace)))
                print(f"{side}: {runs[side][-1]['tokens_per_s']:.0f} tokens/s", file=sys.stderr)
    _report(options, runs)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--model", help="base model's folder; the embedded one by default")
    parser.add_argument("--data", type=Path, help="folder of rows; built from the installed MLX by default")
    parser.add_argument("--iters", type=int, default=8, help="iterations of mlx_lm.lora (8)")
    parser.add_argument("--tenny-iters", type=int, default=80, help="iterations of Tenny (80)")
    parser.add_argument("--repeats", type=int, default=2)
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--rank", type=int, default=32)
    parser.add_argument("--output", type=Path, default=RESULTS)
    parser.add_argument("--side", choices=SIDES, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.model is None:
        from tenny_lsp.locations import embedded_base

        options.model = str(embedded_base())
    return options


def _write_rows(data: Path | None, workplace: Path) -> None:
    """Write the rows twice: as Tenny reads them, and as text for mlx_lm.lora.

    Prompts and completions would need a chat template there, which a base model does not have.
    """
    tenny, stock = workplace / "tenny", workplace / "stock"
    tenny.mkdir()
    stock.mkdir()
    if data is None:
        from tenny_lsp.learning.dataset import DatasetOptions, build_dataset

        data = build_dataset(workplace / "built", DatasetOptions()).folder
    for split in ("train", "valid"):
        lines = (data / f"{split}.jsonl").read_text(encoding="utf-8").splitlines()
        rows = [json.loads(line) for line in lines if line.strip()]
        texts = [{"text": row["prompt"] + row["completion"]} for row in rows]
        for folder, content in ((tenny, rows), (stock, texts)):
            (folder / f"{split}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in content))


def _run(side: str, options: argparse.Namespace, workplace: Path) -> dict[str, Any]:
    iters = options.iters if side == "stock" else options.tenny_iters
    command = [sys.executable, "-m", "benchmarks.train_speed", "--side", side, "--data", str(workplace / side)]
    command += ["--model", options.model, "--iters", str(iters)]
    command += ["--batch-size", str(options.batch_size), "--rank", str(options.rank)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


def _stock(options: argparse.Namespace) -> dict[str, Any]:
    """Train as the `mlx_lm.lora` command does, step by step with its own functions and defaults."""
    from mlx_lm import load, lora

    settings = lora.CONFIG_DEFAULTS | {
        "model": options.model,
        "data": str(options.data),
        "train": True,
        "num_layers": -1,
        "batch_size": options.batch_size,
        "iters": options.iters,
        "val_batches": 1,
        "steps_per_report": _window(options.iters),
        "steps_per_eval": 10**9,
        "save_every": 10**9,
        "adapter_path": str(options.data.parent / "stock-adapter"),
        "lora_parameters": {"rank": options.rank, "dropout": 0.0, "scale": 20.0},
    }
    arguments = types.SimpleNamespace(**settings)
    reports: list[dict[str, float]] = []
    callback = lora.TrainingCallback()
    callback.on_train_loss_report = reports.append
    model, tokenizer = load(options.model)
    train_set, valid_set, _ = lora.load_dataset(arguments, tokenizer)
    lora.train_model(arguments, model, train_set, valid_set, callback)
    return _speed([(report["trained_tokens"], report["tokens_per_second"]) for report in reports])


def _tenny(options: argparse.Namespace) -> dict[str, Any]:
    from tenny_lsp.learning.options import Progress, TrainOptions
    from tenny_lsp.model.runtime import prepare

    runtime = prepare()
    from tenny_lsp.learning.train import train

    reports: list[Progress] = []
    train(
        TrainOptions(
            data=options.data,
            adapter_path=options.data.parent / "tenny-adapter",
            model=options.model,
            iters=options.iters,
            batch_size=options.batch_size,
            rank=options.rank,
            val_batches=1,
            steps_per_report=_window(options.iters),
            steps_per_eval=10**9,
        ),
        reports.append,
    )
    counts = [(report.trained_tokens, report.tokens_per_s) for report in reports if report.train_loss is not None]
    return _speed(counts) | {"blas": runtime.blas}


def _window(iters: int) -> int:
    """Return the iterations of a report; the first of four is left out."""
    return max(1, iters // 4)


def _speed(reports: Sequence[tuple[float, float]]) -> dict[str, Any]:
    """Return the speed from reports of (tokens so far, tokens per second), without the first."""
    tokens = [after - before for (before, _), (after, _) in pairwise(reports)]
    seconds = [count / speed for count, (_, speed) in zip(tokens, reports[1:], strict=True)]
    return {"tokens": sum(tokens), "seconds": sum(seconds), "tokens_per_s": sum(tokens) / sum(seconds)}


def _report(options: argparse.Namespace, runs: dict[str, list[dict[str, Any]]]) -> None:
    speeds = {side: [run["tokens_per_s"] for run in part] for side, part in runs.items()}
    medians = {side: statistics.median(part) for side, part in speeds.items()}
    ratio = medians["tenny"] / medians["stock"]
    results = {
        "date": today(),
        "machine": machine(),
        "versions": _versions(),
        "blas": runs["tenny"][0]["blas"],
        "settings": {
            "base": Path(options.model).name,
            "batch_size": options.batch_size,
            "rank": options.rank,
            "iters": {"stock": options.iters, "tenny": options.tenny_iters},
        },
        "runs": runs,
        "median_tokens_per_s": medians,
        "ratio": ratio,
    }
    options.output.parent.mkdir(parents=True, exist_ok=True)
    options.output.write_text(json.dumps(results, indent=2) + "\n")
    print("{cpu}, {cores} cores, {system}\n".format(**machine()))
    print("| LoRA training | tokens/s (median) | lowest – highest | ratio |\n|---|---:|---:|---:|")
    for side, name in SIDES.items():
        lowest, highest = min(speeds[side]), max(speeds[side])
        print(
            f"| {name} | {medians[side]:.0f} | {lowest:.0f} – {highest:.0f} | {medians[side] / medians['stock']:.1f}× |"
        )


def _versions() -> dict[str, str | None]:
    from tenny_lsp.model.runtime import package_version

    names = ("tenny-lsp", "mlx", "mlx-lm", "transformers", "scipy-openblas32")
    return {"python": platform.python_version()} | {name: package_version(name) for name in names}


if __name__ == "__main__":
    main()
