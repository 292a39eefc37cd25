"""The command line's app, its outputs and input, and the options that several commands share."""

import logging
import os
import sys
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from tenny_lsp import __version__
from tenny_lsp.errors import StorageError
from tenny_lsp.wiring import log_to_stderr

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)


def drop_output() -> None:
    """Redirect further output to nowhere, and what is still in its buffer."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


class Output(Console):
    """Standard output that reports a closed pipe as a StorageError."""

    def on_broken_pipe(self) -> None:
        """Redirect further output to nowhere and raise the error for the user."""
        drop_output()
        raise StorageError("The output was closed before everything was written", "Read it whole, or into a file.")


# Paths and questions may hold square brackets: they are no markup. Nor is the ":100:" of a line's number an emoji.
err = Console(stderr=True, markup=False, emoji=False)
out = Output(markup=False, emoji=False)


def named_path(path: str) -> Path:
    """Return a path of the command line; an empty one would be the working folder, and hardly meant."""
    if not path:
        raise typer.BadParameter("the path is empty")
    return Path(path)


def standard_input() -> str:
    """Return what stands on standard input; nothing where it is closed.

    Raises:
        StorageError: It is no text.
    """
    try:
        text = sys.stdin.read() if sys.stdin is not None else ""  # closed by the shell: <&-
    except ValueError:
        text = "\0"
    if "\0" in text:
        raise StorageError("Standard input is not text but binary", "Give text.")
    return text


#: An option that takes a path.
path_option = partial(typer.Option, parser=named_path, metavar="PATH")

Interpreter = Annotated[
    Path | None,
    path_option("--python", help="The interpreter whose packages are meant. Default: this one."),
]
Model = Annotated[
    str, typer.Option(help="The base: a name that `models` lists, a folder, or a hub name. Default: the embedded one.")
]
SpeakingModel = Annotated[
    str,
    typer.Option(
        help="The base, as `models` lists them, or the address of an OpenAI-compatible server: "
        "http://localhost:8080/v1#model. Default: smollm2 if it is there, else the embedded one."
    ),
]
AdapterPath = Annotated[Path | None, path_option(help="Folder of the adapter. Default: mlx-docs.")]
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
    log_to_stderr(level)
    if version:
        out.print(f"tenny-lsp {__version__}", highlight=False)
