"""Every command of ``tenny-lsp``: parse, wire, print."""

import asyncio
import json
import logging
import os
import sys
from collections.abc import Awaitable, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar

import typer
from rich.console import Console

from tenny_lsp import __version__, folders
from tenny_lsp.__main__ import LOG_FORMAT
from tenny_lsp.errors import AdapterError, StorageError, TennyError
from tenny_lsp.learning.options import TrainOptions
from tenny_lsp.wiring import make_server, worker_model

if TYPE_CHECKING:
    from tenny_lsp.features.ask import Complete
    from tenny_lsp.model.client import WorkerModel

_Answer = TypeVar("_Answer")
LOGGER = logging.getLogger(__name__)

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)


class Output(Console):
    """Standard output, whose reader may go away."""

    def on_broken_pipe(self) -> None:
        """Raises what the user is told, having made sure that nothing more is written."""
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise StorageError("The output was closed before everything was written", "Read it whole, or into a file.")


# Paths and questions may hold square brackets: they are no markup.
_err = Console(stderr=True, markup=False)
_out = Output(markup=False)

Interpreter = Annotated[
    Path | None, typer.Option("--python", help="The interpreter whose packages are meant. Default: this one.")
]
Model = Annotated[str, typer.Option(help="Folder of the base model. Default: the embedded one.")]
AdapterPath = Annotated[Path | None, typer.Option(help="Folder of the adapter. Default: mlx-docs.")]
_T = TrainOptions(data=Path(), adapter_path=Path())  # train's defaults are these
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


@app.callback(invoke_without_command=True)
def tenny(
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
    log_level: Annotated[str, typer.Option(help="debug, info, warning or error; logs go to stderr.")] = "warning",
) -> None:
    """A Python language server with a language model inside, for people who write MLX code."""
    level = getattr(logging, log_level.upper(), None)
    if not isinstance(level, int):
        raise typer.BadParameter(f"there is no log level {log_level!r}")
    logging.basicConfig(stream=sys.stderr, level=level, format=LOG_FORMAT)
    if version:
        _out.print(f"tenny-lsp {__version__}", highlight=False)


@app.command()
def build_dataset(
    package: Annotated[list[str] | None, typer.Option(help="An installed package; repeatable. Default: mlx.")] = None,
    output: Annotated[Path, typer.Option(help="The folder to write.")] = Path("dataset"),
    row_format: Annotated[
        Literal["completions", "text"], typer.Option("--format", help="completions: prompt and completion; text: one.")
    ] = "completions",
    seq_limit: Annotated[int, typer.Option(help="The longest row, in characters.")] = 2048,
    test_size: Annotated[float, typer.Option(help="Share of names kept for test.")] = 0.05,
    valid_size: Annotated[float, typer.Option(help="Share of names kept for validation.")] = 0.05,
    seed: Annotated[int, typer.Option(help="Another seed splits otherwise.")] = 0,
    jobs: Annotated[int, typer.Option(help="Packages read at once.")] = 1,
    documentation: Annotated[bool, typer.Option(help="Put documentation into prompts, as hovers and ask do.")] = True,
    python: Interpreter = None,
) -> None:
    """Read an installed package's docstrings into questions and answers to train on."""
    from tenny_lsp.learning.dataset import DatasetOptions, build_dataset
    from tenny_lsp.terminal import dataset_table

    options = DatasetOptions(
        packages=tuple(package or ("mlx",)),
        python=python,
        format=row_format,
        seq_limit=seq_limit,
        test_size=test_size,
        valid_size=valid_size,
        seed=seed,
        jobs=jobs,
        reads=documentation,
    )
    with _err.status("Reading docstrings"):
        dataset = build_dataset(output, options)
    _out.print(dataset_table(dataset))
    read = ", ".join(f"{name} {version}" for name, version in dataset.versions.items())
    cut = f"{dataset.shortened} answers shortened, {dataset.left_out} left out"
    _out.print(f"{read} → {dataset.folder} ({cut})", highlight=False, soft_wrap=True)


@app.command()
def train(
    data: Annotated[Path, typer.Option(help="The folder that build-dataset wrote.")] = Path("dataset"),
    model: Annotated[str, typer.Option(help="Folder or hub name of the base model. Default: the embedded one.")] = "",
    adapter_path: AdapterPath = None,
    iters: Annotated[int | None, typer.Option(help="Iterations, instead of epochs.")] = None,
    epochs: Annotated[float | None, typer.Option(help="How often every row is read.")] = None,
    batch_size: Annotated[int, typer.Option(help="Rows in a batch.")] = _T.batch_size,
    learning_rate: Annotated[float, typer.Option(help="Its peak, after the warm-up.")] = _T.learning_rate,
    num_layers: Annotated[
        int, typer.Option("--num-layers", "--lora-layers", help="Layers to adapt, from the last; -1: all.")
    ] = _T.num_layers,
    rank: Annotated[int, typer.Option(help="Rank of the adapter's matrices.")] = _T.rank,
    scale: Annotated[float, typer.Option(help="What the adapter's output is multiplied with.")] = _T.scale,
    dropout: Annotated[float, typer.Option(help="Share of the adapter's inputs dropped in training.")] = _T.dropout,
    optimizer: Annotated[str, typer.Option(help="adam or adamw.")] = _T.optimizer,
    max_grad_norm: Annotated[float, typer.Option(help="Longer gradients are scaled down.")] = _T.max_grad_norm,
    mask_prompt: Annotated[bool, typer.Option(help="Take the loss on completions only.")] = _T.mask_prompt,
    max_seq_length: Annotated[int, typer.Option(help="The longest row, in tokens.")] = _T.max_seq_length,
    grad_checkpoint: Annotated[bool, typer.Option(help="Less memory, more time.")] = _T.grad_checkpoint,
    steps_per_report: Annotated[int, typer.Option(help="Iterations between reports.")] = _T.steps_per_report,
    steps_per_eval: Annotated[int, typer.Option(help="Iterations between validations.")] = _T.steps_per_eval,
    val_batches: Annotated[int, typer.Option(help="Batches of a validation; -1: all.")] = _T.val_batches,
    resume_adapter_file: Annotated[Path | None, typer.Option(help="Adapter weights to go on from.")] = None,
    seed: Annotated[int, typer.Option(help="Of the first weights and the order of rows.")] = _T.seed,
    test: Annotated[bool, typer.Option("--test", help="Score the adapter on test.jsonl at the end.")] = False,
    test_batches: Annotated[int, typer.Option(help="Batches of the test; -1: all.")] = _T.test_batches,
) -> None:
    """Fine-tune a base model with LoRA on a dataset; Ctrl-C keeps the best so far."""
    given = dict(locals())
    from tenny_lsp.learning.train import train
    from tenny_lsp.terminal import TrainingView, result_table

    given["model"] = model or str(folders.embedded_base())
    given["adapter_path"] = adapter_path or folders.trained_adapter(model)
    with TrainingView(_err) as view:
        result = train(TrainOptions(**given), view.show)
    _out.print(result_table(result))


@app.command()
def serve(
    tcp: Annotated[bool, typer.Option("--tcp", help="Serve on TCP instead of stdio.")] = False,
    host: Annotated[str, typer.Option(help="Address to listen on, with --tcp.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on, with --tcp.")] = 2087,
    stdio: Annotated[bool, typer.Option("--stdio", help="Serve on stdio (the default).")] = False,
) -> None:
    """Serve an editor: the Language Server Protocol on stdio, or on TCP."""
    if tcp and stdio:
        raise typer.BadParameter("--tcp and --stdio exclude each other")
    server = make_server()
    if not tcp:
        server.start_io()
        return
    try:
        server.start_tcp(host, port)
    except (OSError, OverflowError) as error:
        raise typer.BadParameter(f"nothing can listen on {host}, port {port}: {error}") from error


@app.command()
def ask(
    question: Annotated[str, typer.Argument(help="For example: how do I save weights?")],
    model: Model = "",
    adapter_path: AdapterPath = None,
    max_tokens: Annotated[int, typer.Option(help="The longest answer, in tokens.")] = 128,
    python: Interpreter = None,
    as_json: AsJson = False,
) -> None:
    """Answer a question about MLX from its documentation, and say where that stands."""
    if not question.strip():
        raise typer.BadParameter("the question is empty")
    from tenny_lsp.features.ask import ask
    from tenny_lsp.mlx_api.index import load_mlx_index
    from tenny_lsp.mlx_api.search import Search
    from tenny_lsp.terminal import answer_text, answer_values

    speaker = _speaker(model, adapter_path)
    index = load_mlx_index(python)
    with _err.status("Reading"):
        answer = asyncio.run(_closing(speaker, ask(question, index, Search(index), _asking(speaker, max_tokens))))
    if as_json:
        _out.print_json(json.dumps({"question": question, **answer_values(answer)}))
    else:
        _out.print(answer_text(answer, index), soft_wrap=True)


@app.command()
def doctor(as_json: AsJson = False) -> None:
    """Measure this machine and say what Tenny found on it."""
    from tenny_lsp.mlx_api.index import load_mlx_index
    from tenny_lsp.model.runtime import measure, prepare
    from tenny_lsp.terminal import findings_table

    index = load_mlx_index()
    adapter = folders.find_adapter()
    findings: dict[str, Any] = {
        "tenny_lsp": __version__,
        "python": sys.version.split()[0],
        **asdict(prepare()),
        **asdict(measure()),
        "api": f"mlx {index.version}, {len(index)} names" + (" (shipped snapshot)" if index.from_snapshot else ""),
        "base": str(folders.embedded_base()),
        "adapter": str(adapter) if adapter else None,
    }
    if as_json:
        _out.print_json(json.dumps(findings))
    else:
        _out.print(findings_table(findings))


def _speaker(model: str, adapter_path: Path | None) -> "WorkerModel | None":
    """Returns the model that answers; None, and a line on stderr, when nothing has been trained yet."""
    try:
        speaker = worker_model(model, adapter_path, deadline_s=600)  # who asks here has Ctrl-C
        LOGGER.debug("%s answers", speaker.identity)  # and an incomplete base or adapter is refused right here
    except AdapterError as error:
        if model or adapter_path:
            raise
        _err.print(f"The documentation answers alone. {error}", highlight=False, soft_wrap=True)
        return None
    return speaker


def _asking(speaker: "WorkerModel | None", max_tokens: int) -> "Complete | None":
    return partial(speaker.complete, max_tokens=max_tokens) if speaker else None


async def _closing(speaker: "WorkerModel | None", answer: Awaitable[_Answer]) -> _Answer:
    try:
        return await answer
    finally:
        if speaker:
            await speaker.close()


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs the command line; every TennyError is one red line on stderr and exit status 1."""
    try:
        app(args=arguments, prog_name="tenny-lsp")
    except TennyError as error:
        _err.print(str(error), style="red", highlight=False, soft_wrap=True)
        sys.exit(1)
