"""The command check: list pitfalls as a linter does, and apply their safe fixes."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from tenny_lsp.cli.app import Interpreter, app, err, named_path
from tenny_lsp.errors import TennyError

if TYPE_CHECKING:
    from tenny_lsp.cli.check_listing import CheckReport


@app.command()
def check(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(help="Python files, and folders of them. Default: this folder.", parser=named_path),
    ] = None,
    fix: Annotated[bool, typer.Option("--fix", help="Put right what is listed and safe to put right.")] = False,
    diff: Annotated[bool, typer.Option("--diff", help="Print what --fix would change, and change nothing.")] = False,
    select: Annotated[list[str] | None, typer.Option(help="Only this pitfall, by its code. Repeatable.")] = None,
    ignore: Annotated[list[str] | None, typer.Option(help="Not this pitfall. Repeatable.")] = None,
    exclude: Annotated[
        list[str] | None, typer.Option(help="Pass over files and folders of this name or path. Repeatable.")
    ] = None,
    force_exclude: Annotated[
        bool, typer.Option("--force-exclude", help="Exclude what is named itself too, for commit hooks.")
    ] = False,
    output_format: Annotated[
        Literal["text", "json", "github", "sarif"], typer.Option(help="How pitfalls are printed.")
    ] = "text",
    as_json: Annotated[bool, typer.Option("--json", help="The same as --output-format json.")] = False,
    statistics: Annotated[bool, typer.Option("--statistics", help="Count each pitfall instead.")] = False,
    exit_zero: Annotated[bool, typer.Option("--exit-zero", help="Exit status 0 though there are pitfalls.")] = False,
    python: Interpreter = None,
) -> None:
    """List the pitfalls in files, PyTorch's habits above all.

    Exit status 0: none are left. 1: some are, or --diff has something to print. 2: something could not be checked.

    Only files that mention mlx are checked. Of a file with a syntax error only that is listed; of a file without mlx it
    is listed if the file itself is named. A comment `# tenny: ignore` silences a line. Options win over the table
    tool.tenny of the nearest pyproject.toml: select, ignore, exclude, per-file-ignores.
    """
    if as_json and output_format not in ("text", "json"):
        raise typer.BadParameter(f"--json and --output-format {output_format} exclude each other")
    output_format = "json" if as_json else output_format
    if diff and (statistics or output_format != "text"):
        raise typer.BadParameter("--diff prints a diff: without --statistics and --output-format")
    if statistics and output_format in ("github", "sarif"):
        raise typer.BadParameter("--statistics are printed as text or json")
    from tenny_lsp.cli.check_settings import GivenSettings, SettingsOfFiles, unknown_codes

    given = GivenSettings(_codes(select), _codes(ignore), tuple(exclude or ()))
    if unknown := unknown_codes([*given.select, *given.ignore]):
        raise typer.BadParameter(f"there is no pitfall called {', '.join(unknown)}")
    try:
        from tenny_lsp.cli.check_run import CheckRun
        from tenny_lsp.cli.interpreter import index_of

        run = CheckRun(paths or [Path()], SettingsOfFiles(given), index_of(python), force_exclude=force_exclude)
        if diff:
            run.print_diff()
        elif fix:
            run.fix()
        _print(run.report, output_format, fix=fix, diff=diff, statistics=statistics)
    except TennyError as error:
        err.print(str(error), style="red", highlight=False, soft_wrap=True)
        raise typer.Exit(2) from error
    fails = run.report.fixed if diff else run.report.found
    raise typer.Exit(2 if run.report.unchecked else 1 if fails and not exit_zero else 0)


def _codes(given: list[str] | None) -> tuple[str, ...]:
    """Return the codes of an option that is repeated, or given codes with commas between them."""
    return tuple(code.strip() for codes in given or () for code in codes.split(",") if code.strip())


def _print(report: "CheckReport", output_format: str, *, fix: bool, diff: bool, statistics: bool) -> None:
    from tenny_lsp.cli import check_formats
    from tenny_lsp.cli.check_sarif import sarif_log

    if statistics:
        check_formats.print_statistics(report, as_json=output_format == "json")
    elif output_format == "json":
        check_formats.print_json(report)
    elif output_format == "github":
        check_formats.print_github(report)
    elif output_format == "sarif":
        check_formats.echo_json(sarif_log(report))
    elif not diff:
        check_formats.print_text(report)
    check_formats.print_unchecked(report.unchecked)
    if output_format == "text":
        check_formats.print_summary(report, fix=fix, diff=diff)
