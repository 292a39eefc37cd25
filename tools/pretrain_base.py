"""Makes the embedded base model from nothing: corpus, tokenizer, training, export.

Run from the repository's root, in an environment with the ``dev`` and ``pretrain`` groups installed::

    python -m tools.pretrain_base corpus
    python -m tools.pretrain_base tokenizer
    python -m tools.pretrain_base train                      # until stopped
    python -m tools.pretrain_base train --decay-steps 1500   # end it
    python -m tools.pretrain_base export tenny_lsp/base
"""

import argparse
from pathlib import Path

from tools import corpus, export, tokenizer
from tools.training import Trainer, TrainingConfig, append_to


def main() -> None:
    """Runs one stage of the pretraining."""
    arguments = _parser().parse_args()
    work: Path = arguments.work
    if arguments.stage == "corpus":
        corpus.build(work / "corpus")
    elif arguments.stage == "tokenizer":
        tokenizer.train(work / "corpus", work / "tokenizer")
        tokenizer.encode(work / "corpus", work / "tokenizer")
    elif arguments.stage == "train":
        config = TrainingConfig(
            decay_steps=arguments.decay_steps,
            batch_size=arguments.batch_size,
            sequence_length=arguments.sequence_length,
            learning_rate=arguments.learning_rate,
            workers=arguments.threads,
        )
        folder = work / "pretrain"
        folder.mkdir(parents=True, exist_ok=True)
        Trainer(work / "corpus", folder, config).run(append_to(folder / "log.jsonl"))
    else:
        export.export(work, arguments.target, arguments.mlx_python)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, default=Path(".work"), help="folder for everything in between")
    stages = parser.add_subparsers(dest="stage", required=True)
    stages.add_parser("corpus", help="fetch the named packages and write the texts, part by part")
    stages.add_parser("tokenizer", help="train the tokenizer on the texts and encode them")
    train = stages.add_parser(
        "train",
        help="train until SIGTERM, which writes a checkpoint; the same command resumes it",
    )
    train.add_argument("--decay-steps", type=int, default=0, help="end the run: let the rate fall over so many steps")
    train.add_argument("--batch-size", type=int, default=16, help="sequences a step")
    train.add_argument("--sequence-length", type=int, default=256, help="tokens a sequence")
    train.add_argument("--learning-rate", type=float, default=3e-3, help="learning rate after the warm-up")
    train.add_argument("--threads", type=int, default=2, help="CPU threads, a micro-batch each")
    finish = stages.add_parser("export", help="write the checkpoint as a Hugging Face folder and verify it")
    finish.add_argument("target", type=Path, help="the folder, such as tenny_lsp/base")
    finish.add_argument("--mlx-python", help="an interpreter with mlx-lm, to compare its next tokens too")
    return parser


if __name__ == "__main__":
    main()
