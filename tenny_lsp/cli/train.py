"""The command train."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from tenny_lsp import locations
from tenny_lsp.cli.app import AdapterPath, app, err, out, path_option
from tenny_lsp.learning.options import (
    DEFAULT_SCALE,
    EXCLUSIVE,
    Answers,
    OptimizerName,
    ScheduleName,
    TrackerName,
    TrainOptions,
    TrainType,
)

_DEFAULTS = TrainOptions(data=Path(), adapter_path=Path())


@app.command()
def train(
    context: typer.Context,
    config: Annotated[
        Path | None, path_option("--config", "-c", help="A YAML file with mlx_lm.lora's keys; options go before it.")
    ] = None,
    data: Annotated[
        Path, path_option(help="The folder that build-dataset wrote, or owner/name of the Hugging Face hub.")
    ] = Path("dataset"),
    prompt_feature: Annotated[str, typer.Option(help="The key or column of prompts.")] = _DEFAULTS.prompt_feature,
    completion_feature: Annotated[
        str, typer.Option(help="The key or column of completions.")
    ] = _DEFAULTS.completion_feature,
    text_feature: Annotated[str, typer.Option(help="The key or column of texts.")] = _DEFAULTS.text_feature,
    chat_feature: Annotated[str, typer.Option(help="The key or column of messages.")] = _DEFAULTS.chat_feature,
    model: Annotated[str, typer.Option(help="Folder or hub name of the base model. Default: the embedded one.")] = "",
    adapter_path: AdapterPath = None,
    iters: Annotated[int | None, typer.Option(help="Iterations, instead of epochs.")] = None,
    epochs: Annotated[float | None, typer.Option(help="How often every row is read. Default: 1.")] = None,
    batch_size: Annotated[int, typer.Option(help="Rows in a batch.")] = _DEFAULTS.batch_size,
    grad_accumulation_steps: Annotated[
        int, typer.Option(help="Batches of one update.")
    ] = _DEFAULTS.grad_accumulation_steps,
    learning_rate: Annotated[float, typer.Option(help="Its peak, after the warm-up.")] = _DEFAULTS.learning_rate,
    lr_schedule: Annotated[
        ScheduleName, typer.Option(help="cosine, linear: to a tenth of the peak.")
    ] = _DEFAULTS.lr_schedule,
    warmup: Annotated[int | None, typer.Option(help="Updates until the peak. Default: a twentieth of all.")] = None,
    train_type: Annotated[
        TrainType, typer.Option("--train-type", "--fine-tune-type", help="full: all weights, not an adapter.")
    ] = _DEFAULTS.train_type,
    num_layers: Annotated[
        int, typer.Option("--num-layers", "--lora-layers", help="Layers to adapt, from the last; -1: all.")
    ] = _DEFAULTS.num_layers,
    keys: Annotated[
        list[str] | None, typer.Option(help="A projection to adapt, such as q_proj; repeatable. Default: all.")
    ] = None,
    rank: Annotated[int, typer.Option(help="Rank of the adapter's matrices.")] = _DEFAULTS.rank,
    scale: Annotated[
        float | None, typer.Option(help=f"What the adapter's output is multiplied with. Default: {DEFAULT_SCALE:g}.")
    ] = None,
    alpha: Annotated[float | None, typer.Option(help="Scale times rank, instead of --scale.")] = None,
    scale_schedule: Annotated[
        str | None, typer.Option(help="doubling:0.125: an eighth of the scale in the first epoch, then twice as much.")
    ] = None,
    dropout: Annotated[
        float, typer.Option(help="Share of the adapter's inputs dropped in training.")
    ] = _DEFAULTS.dropout,
    optimizer: Annotated[OptimizerName, typer.Option(help="The optimizer.")] = _DEFAULTS.optimizer,
    weight_decay: Annotated[float, typer.Option(help="Of all but adam.")] = _DEFAULTS.weight_decay,
    betas: Annotated[
        tuple[float, float], typer.Option(help="Of adam and adamw; the first is sgd's and muon's momentum.")
    ] = _DEFAULTS.betas,
    bias_correction: Annotated[
        bool, typer.Option("--bias-correction", help="Correct adam's and adamw's moments, as PyTorch does.")
    ] = _DEFAULTS.bias_correction,
    max_grad_norm: Annotated[float, typer.Option(help="Longer gradients are scaled down.")] = _DEFAULTS.max_grad_norm,
    mask_prompt: Annotated[bool, typer.Option(help="Take the loss on completions only.")] = _DEFAULTS.mask_prompt,
    separator: Annotated[
        str | None,
        typer.Option(help="In plain text, what ends the prompt. Default: A: or #response on a line."),
    ] = None,
    answers: Annotated[Answers, typer.Option(help="Which answers of a conversation are learned.")] = _DEFAULTS.answers,
    prompt_format: Annotated[
        Literal["raw", "chat"], typer.Option(help="chat: prompts as messages in the base's chat template.")
    ] = _DEFAULTS.prompt_format,
    max_seq_length: Annotated[int, typer.Option(help="The longest row, in tokens.")] = _DEFAULTS.max_seq_length,
    grad_checkpoint: Annotated[bool, typer.Option(help="Less memory, more time.")] = _DEFAULTS.grad_checkpoint,
    steps_per_report: Annotated[int, typer.Option(help="Iterations between reports.")] = _DEFAULTS.steps_per_report,
    steps_per_eval: Annotated[int, typer.Option(help="Iterations between validations.")] = _DEFAULTS.steps_per_eval,
    val_batches: Annotated[int, typer.Option(help="Batches of a validation; -1: all.")] = _DEFAULTS.val_batches,
    patience: Annotated[int | None, typer.Option(help="End after so many validations without a better one.")] = None,
    save_every: Annotated[int | None, typer.Option(help="Iterations between saves of the whole state.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the state that --save-every saved.")] = False,
    resume_adapter_file: Annotated[Path | None, path_option(help="Adapter weights to begin with.")] = None,
    seed: Annotated[int, typer.Option(help="Of the first weights and the order of rows.")] = _DEFAULTS.seed,
    test: Annotated[bool, typer.Option("--test", help="Score the adapter on test.jsonl at the end.")] = False,
    test_batches: Annotated[int, typer.Option(help="Batches of the test; -1: all.")] = _DEFAULTS.test_batches,
    report_to: Annotated[
        TrackerName | None, typer.Option(help="Also report to TensorBoard's files, or to Weights & Biases.")
    ] = None,
    project_name: Annotated[str, typer.Option(help="The project there.")] = _DEFAULTS.project_name,
) -> None:
    """Fine-tune a base model on a dataset: LoRA, DoRA or in full. Ctrl-C keeps the best so far."""
    given = dict(locals())
    del given["context"], given["config"]
    from tenny_lsp.cli.tables import TrainingView, result_table
    from tenny_lsp.learning.config_file import read_config
    from tenny_lsp.learning.train import train

    from_file = read_config(config) if config is not None else {}
    given |= {name: value for name, value in from_file.items() if not _is_settled(context, name)}
    given["model"] = given["model"] or locations.EMBEDDED
    given["adapter_path"] = given["adapter_path"] or locations.trained_adapter(given["model"])
    given["keys"] = tuple(given["keys"] or ())
    with TrainingView(err) as view:
        result = train(TrainOptions(**given), view.show)
    if result.rank == 0:
        from tenny_lsp.evaluation.training_report import write_training_report

        report: Path | None = None
        try:
            report = write_training_report(result)
        finally:  # what the training has come to is shown also without it
            out.print(result_table(result, report))


def _is_settled(context: typer.Context, name: str) -> bool:
    """Return whether the command line gives an option, or another one that excludes it."""
    names = {name}.union(*(pair for pair in (*EXCLUSIVE, ("data", "hf_dataset")) if name in pair))
    sources = [context.get_parameter_source(one) for one in names]
    return any(source is not None and source.name != "DEFAULT" for source in sources)
