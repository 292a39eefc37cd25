"""Train a LoRA adapter on a dataset: ``tenny-lsp train``.

Importing this module imports no MLX. The training does, once the runtime is prepared and the rows have been read.
"""

import logging
import os
from pathlib import Path
from typing import Any

from tenny_lsp.errors import TrainingError
from tenny_lsp.learning.adapter import check_replaceable
from tenny_lsp.learning.checkpoint import check_run_folder, run_folder
from tenny_lsp.learning.dataset_files import TrainingRows, read_dataset
from tenny_lsp.learning.encoding import encode_rows
from tenny_lsp.learning.options import Progress, TrainOptions, TrainResult
from tenny_lsp.learning.record import OnProgress
from tenny_lsp.learning.trackers import Tracking, check_tracker
from tenny_lsp.locations import EMBEDDED, embedded_base
from tenny_lsp.model.bases import read_base_card
from tenny_lsp.model.identity import base_sha256
from tenny_lsp.model.runtime import package_version, prepare

LOGGER = logging.getLogger(__name__)

#: OpenBLAS's idle threads spin for 2 to the power of this many cycles, then sleep. By its own 26 they spin through
#: everything between two products, and beside another busy process training takes half as long again.
_SPIN_CYCLES_LOG2 = "16"


def train(options: TrainOptions, on_progress: OnProgress) -> TrainResult:
    """Train an adapter and return the result; the folder holds the weights with the best validation loss.

    Ctrl-C (a KeyboardInterrupt, also one raised by ``on_progress``) ends the training early: the best
    adapter so far is kept, or the present one where none was validated.

    Args:
        options (TrainOptions): How to train.
        on_progress (Callable[[Progress], None]): Called at every report and every validation.

    Raises:
        TrainingError: An option makes no sense, a loss is not a number or MLX failed.
        DatasetError: A file of rows is missing, empty or unreadable.
        BaseModelError: The base is incomplete or cannot be loaded.
        AdapterError: The adapter to resume from was made for another base or with another rank.
        StorageError: The adapter cannot be written; the one that was there is untouched. Or there is no state to
            resume from.
        KeyboardInterrupt: Ctrl-C came before the first iteration was done.
    """
    options.check()
    check_replaceable(options.adapter_path)
    check_run_folder(options.adapter_path)
    check_tracker(options.report_to)
    dataset = read_dataset(options)
    os.environ.setdefault("OPENBLAS_THREAD_TIMEOUT", _SPIN_CYCLES_LOG2)
    prepare()
    # These import MLX, which must not happen before prepare().
    from tenny_lsp.learning.loop import TrainingLoop
    from tenny_lsp.learning.lora import add_adapter, load_base

    base, model, tokenizer = load_base(options.model)
    examples = {
        name: encode_rows(
            part,
            tokenizer,
            max_seq_length=options.max_seq_length,
            mask_prompt=options.mask_prompt,
            prompt_format=options.prompt_format,
            answers=options.answers,
        )
        for name, part in dataset.rows.items()
    }
    updates = options.updates(options.iterations(len(examples["train"])))
    for sentence in options.without_effect(updates, has_validation="valid" in examples):
        LOGGER.warning("%s", sentence)
    parameters = add_adapter(model, options, base)
    tracking = Tracking(options, run_folder(options.adapter_path.resolve())) if options.report_to else None
    note = on_progress if tracking is None else _both(tracking.note, on_progress)
    loop = TrainingLoop(options, model, examples, parameters, _origin(options, base, dataset), note)
    try:
        return loop.run()
    except RuntimeError as error:
        raise TrainingError(
            f"MLX could not go on: {error}", "Try a smaller --batch-size or --max-seq-length."
        ) from error
    finally:
        if tracking is not None:
            tracking.close()


def _both(one: OnProgress, other: OnProgress) -> OnProgress:
    """Return what calls both."""

    def note(progress: Progress) -> None:
        one(progress)
        other(progress)

    return note


def _origin(options: TrainOptions, base: Path, dataset: TrainingRows) -> dict[str, Any]:
    """Return the part of the card that is known before the training."""
    card = read_base_card(base)
    name = EMBEDDED if base.resolve() == embedded_base().resolve() else card.name if card else options.model
    return {
        "base": {"name": name, "sha256": base_sha256(base)},
        "dataset": {"path": dataset.path, "sha256": dataset.sha256},
        "versions": {name: package_version(name) for name in ("tenny-lsp", "mlx", "mlx-lm")},
        "seed": options.seed,
        "prompt_format": options.prompt_format,
    }
