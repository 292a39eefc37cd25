"""Pretrain on a GPU: the whole batch at once, compiled, with PyTorch's own attention."""

from pathlib import Path

import torch

from tools.training import Trainer, TrainingConfig


class GpuTrainer(Trainer):
    """A run of pretraining on a GPU; its checkpoints are those of a :class:`Trainer`.

    Args:
        corpus (Path): The folder with ``parts/*.npy``.
        folder (Path): Where ``log.jsonl`` and ``checkpoint.pt`` are kept; a checkpoint there is resumed.
        config (TrainingConfig): What decides the run; ``micro_batch`` and ``workers`` concern a CPU only.
    """

    def __init__(self, corpus: Path, folder: Path, config: TrainingConfig) -> None:
        super().__init__(corpus, folder, config)
        self.model.set_attn_implementation("sdpa")
        self._compiled = torch.compile(self._loss)

    def _backward(self, batch: torch.Tensor) -> torch.Tensor:
        loss: torch.Tensor = self._compiled(batch)
        loss.backward()  # type: ignore[no-untyped-call]
        return loss.detach()
