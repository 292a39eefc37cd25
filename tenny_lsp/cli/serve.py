"""The command serve."""

from typing import Annotated

import typer

from tenny_lsp.cli.app import app
from tenny_lsp.wiring import make_server


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
