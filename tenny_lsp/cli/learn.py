"""The commands build-dataset and evaluate."""

import json
from pathlib import Path
from typing import Annotated, Literal

import typer

from tenny_lsp import locations
from tenny_lsp.cli.app import AdapterPath, AsJson, Interpreter, Model, app, err, out, path_option
from tenny_lsp.cli.interpreter import index_of
from tenny_lsp.wiring import worker_model


@app.command()
def build_dataset(
    package: Annotated[list[str] | None, typer.Option(help="An installed package; repeatable. Default: mlx.")] = None,
    roasts: Annotated[
        list[Path] | None,
        path_option(help="A file of roasts, JSON lines or Markdown; repeatable. Then only --package adds."),
    ] = None,
    output: Annotated[Path, path_option(help="The folder to write.")] = Path("dataset"),
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
    from tenny_lsp.cli.tables import dataset_table
    from tenny_lsp.learning.dataset import DatasetOptions, build_dataset

    options = DatasetOptions(
        packages=tuple(package or (() if roasts else ("mlx",))),
        roasts=tuple(roasts or ()),
        python=python,
        format=row_format,
        seq_limit=seq_limit,
        test_size=test_size,
        valid_size=valid_size,
        seed=seed,
        jobs=jobs,
        with_documentation=documentation,
    )
    with err.status("Reading docstrings"):
        dataset = build_dataset(output, options)
    out.print(dataset_table(dataset))
    read = ", ".join([*(f"{name} {version}" for name, version in dataset.versions.items()), *map(str, roasts or ())])
    cut = f"{dataset.shortened} answers shortened, {dataset.left_out} left out"
    out.print(f"{read} → {dataset.folder} ({cut})", highlight=False, soft_wrap=True)


@app.command()
def evaluate(
    data: Annotated[Path | None, path_option(help="A dataset's folder, for its test rows.")] = None,
    code: Annotated[
        Path | None,
        path_option(help="A folder of Python source no model has read, a folder for each package."),
    ] = None,
    model: Model = "",
    adapter_path: AdapterPath = None,
    most: Annotated[int | None, typer.Option(help="Entries asked about; 0: none. Default: all.")] = None,
    documentation: Annotated[bool, typer.Option(help="Put documentation into prompts, as hovers do.")] = True,
    output: Annotated[Path | None, path_option(help="A folder for a report with plots.")] = None,
    python: Interpreter = None,
    as_json: AsJson = False,
) -> None:
    """Measure a base and its adapter: answers to unseen questions, perplexity, speed."""
    from tenny_lsp.cli.tables import counted, evaluation_table
    from tenny_lsp.evaluation.evaluate import EvaluateOptions, evaluate

    if output:
        from tenny_lsp.evaluation.report import check_plotting, write_report

        check_plotting()
    index = index_of(python)
    adapter = adapter_path or locations.find_adapter(model)
    speaker = worker_model(model, adapter, deadline_s=600, may_be_bare=True)
    options = EvaluateOptions(model or None, adapter, data, code, max_entries=most, with_documentation=documentation)
    with counted(err, "Asking") as on_answer:
        scores = evaluate(options, index, speaker, on_answer)
    if output:
        write_report(scores, output)
    if as_json:
        out.print_json(json.dumps(scores.to_json()))
    else:
        out.print(evaluation_table(scores))
