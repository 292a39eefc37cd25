"""Make the embedded base model from scratch: corpus, tokenizer, training, export.

Run from the repository's root, in an environment with the ``dev`` and ``pretrain`` groups installed::

    python -m tools.pretrain_base corpus
    python -m tools.pretrain_base tokenizer
    python -m tools.pretrain_base train                      # until stopped
    python -m tools.pretrain_base train --decay-steps 1500   # end it
    python -m tools.pretrain_base export tenny_lsp/base
"""

import argparse
from pathlib import Path


def main() -> None:
    """Run one stage of the pretraining; each imports only what it needs: a GPU machine need not have the rest."""
    arguments = _parser().parse_args()
    work: Path = arguments.work
    if arguments.stage == "corpus":
        from tools import corpus

        corpus.build(work / "corpus")
    elif arguments.stage in ("tokenizer", "encode"):
        from tools import tokenizer

        if arguments.stage == "tokenizer":
            tokenizer.train(work / "corpus", work / "tokenizer")
        tokenizer.encode(work / "corpus", work / "tokenizer")
    elif arguments.stage == "train":
        _train(arguments)
    else:
        from tools import export

        export.export(work, arguments.target, arguments.mlx_python)


def _train(arguments: argparse.Namespace) -> None:
    import torch

    from tools.gpu_training import GpuTrainer
    from tools.training import Trainer, TrainingConfig, append_to

    config = TrainingConfig(
        decay_steps=arguments.decay_steps,
        decay_from=arguments.decay_from,
        batch_size=arguments.batch_size,
        sequence_length=arguments.sequence_length,
        learning_rate=arguments.learning_rate,
        workers=arguments.threads,
        hidden_size=arguments.hidden_size,
    )
    folder = arguments.work / "pretrain"
    folder.mkdir(parents=True, exist_ok=True)
    trainer = GpuTrainer if torch.cuda.is_available() else Trainer
    trainer(arguments.work / "corpus", folder, config).run(append_to(folder / "log.jsonl"))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, default=Path(".work"), help="folder for everything in between")
    stages = parser.add_subparsers(dest="stage", required=True)
    stages.add_parser("corpus", help="fetch the named packages and write the texts, part by part")
    stages.add_parser("tokenizer", help="train the tokenizer on the texts and encode them")
    stages.add_parser("encode", help="encode the texts with the tokenizer that is there")
    train = stages.add_parser(
        "train",
        help="train until SIGTERM, which writes a checkpoint; the same command resumes it",
    )
    train.add_argument("--decay-steps", type=int, default=0, help="end the run: let the rate fall over so many steps")
    train.add_argument("--decay-from", type=int, default=0, help="the step at which that begins; else at once")
    train.add_argument("--batch-size", type=int, default=16, help="sequences a step")
    train.add_argument("--sequence-length", type=int, default=256, help="tokens a sequence")
    train.add_argument("--learning-rate", type=float, default=3e-3, help="learning rate after the warm-up")
    train.add_argument("--hidden-size", type=int, default=320, help="width of the model")
    train.add_argument("--threads", type=int, default=2, help="CPU threads, a micro-batch each")
    finish = stages.add_parser("export", help="write the checkpoint as a Hugging Face folder and verify it")
    finish.add_argument("target", type=Path, help="the folder, such as tenny_lsp/base")
    finish.add_argument("--mlx-python", help="an interpreter with mlx-lm, to compare its next tokens too")
    return parser


if __name__ == "__main__":
    main()
