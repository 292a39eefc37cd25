"""The commands serve and doctor."""

import json
import sys
from dataclasses import asdict
from typing import Annotated, Any

import typer

from tenny_lsp import __version__, locations
from tenny_lsp.cli.app import AsJson, app, out
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


@app.command()
def doctor(as_json: AsJson = False) -> None:
    """Measure this machine and say what Tenny found on it."""
    from tenny_lsp.cli.tables import findings_table
    from tenny_lsp.mlx_api.index import load_mlx_index
    from tenny_lsp.model.runtime import measure, prepare

    index = load_mlx_index()
    adapter = locations.find_adapter()
    findings: dict[str, Any] = {
        "tenny_lsp": __version__,
        "python": sys.version.split()[0],
        **asdict(prepare()),
        **asdict(measure()),
        "api": f"mlx {index.version}, {len(index)} names" + (" (shipped snapshot)" if index.from_snapshot else ""),
        "base": str(locations.embedded_base()),
        "adapter": str(adapter) if adapter else None,
    }
    if as_json:
        out.print_json(json.dumps(findings))
    else:
        out.print(findings_table(findings))
