"""Make the shipped adapter from the installed MLX: dataset, training, scores in its card.

Run from the repository's root::

    python -m tools.build_adapter adapters/mlx-docs --iters 600

Every documented name is trained on, so its scores are of questions in unseen words, not of unseen names. What an
adapter makes of names it has not seen is measured with ``build-dataset``, ``train`` and ``evaluate --data``.
"""

import argparse
import json
from pathlib import Path

from rich.console import Console

from tenny_lsp.cli.tables import TrainingView, evaluation_table
from tenny_lsp.evaluation.evaluate import EvaluateOptions, evaluate
from tenny_lsp.learning.dataset import DatasetOptions, build_dataset
from tenny_lsp.learning.options import TrainOptions
from tenny_lsp.learning.train import train
from tenny_lsp.mlx_api.index import load_index
from tenny_lsp.model.adapter_files import CARD_FILE
from tenny_lsp.wiring import worker_model


def main() -> None:
    """Train and measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("adapter", type=Path, help="the adapter's folder, such as adapters/mlx-docs")
    parser.add_argument("--iters", type=int, help="iterations of training; without, the adapter is there already")
    parser.add_argument("--code", type=Path, help="held-out source, written by tools.held_out")
    parser.add_argument("--work", type=Path, default=Path(".work/adapter"), help="folder for the dataset")
    arguments = parser.parse_args()
    console, index = Console(), load_index()
    if arguments.iters:
        build_dataset(arguments.work, DatasetOptions(test_size=0, valid_size=0))
        options = TrainOptions(arguments.work, arguments.adapter, iters=arguments.iters)
        with TrainingView(console) as view:
            train(options, view.show)
    scores = evaluate(
        EvaluateOptions(adapter=arguments.adapter, code=arguments.code),
        index,
        worker_model("", arguments.adapter),
        lambda *_: None,
    )
    card = arguments.adapter / CARD_FILE
    values = json.loads(card.read_text(encoding="utf-8"))
    values["dataset"]["path"] = "build-dataset --test-size 0 --valid-size 0"
    values["evaluation"] = scores.to_json()
    values["evaluation"]["adapter"] = arguments.adapter.name
    card.write_text(json.dumps(values, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    console.print(evaluation_table(scores))


if __name__ == "__main__":
    main()
