"""Train, and keep what was reported."""

from tenny_lsp.learning.options import Progress, TrainOptions, TrainResult
from tenny_lsp.learning.train import train


def run(options: TrainOptions) -> tuple[TrainResult, list[Progress]]:
    reports: list[Progress] = []
    return train(options, reports.append), reports
