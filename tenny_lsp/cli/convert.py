"""The commands convert and fuse: adapters of other tools, and models made of base and adapter."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from tenny_lsp import locations
from tenny_lsp.cli.app import Model, app, err, out
from tenny_lsp.model.runtime import prepare


@app.command()
def convert(
    source: Annotated[Path, typer.Argument(help="lora.py's .npz file, a folder of PEFT, or an adapter of Tenny.")],
    output: Annotated[Path, typer.Argument(help="The folder to write.")],
    model: Model = "",
    scale: Annotated[float | None, typer.Option(help="Of an .npz file: what its output is multiplied with.")] = None,
    to: Annotated[Literal["mlx", "peft"], typer.Option(help="The format to write.")] = "mlx",
) -> None:
    """Convert an adapter between lora.py's, PEFT's and MLX-LM's format, checked against its base."""
    prepare()
    from tenny_lsp.learning.convert.adapters import export_adapter, import_adapter

    base, name = locations.base_folder(model), model or locations.EMBEDDED
    with err.status("Converting"):
        if to == "peft":
            export_adapter(source, output, base, name)
            said = f"{source} is in PEFT's format in {output}"
        else:
            config = import_adapter(source, output, base, name, scale=scale)
            lora = config["lora_parameters"]
            said = (
                f"{source} is in {output}: {config['fine_tune_type']} on {config['num_layers']} layers,"
                f" rank {lora['rank']}, scale {lora['scale']:g}"
            )
    out.print(said, highlight=False, soft_wrap=True)


@app.command()
def fuse(
    adapter_path: Annotated[Path, typer.Option(help="Folder of the adapter.")],
    output: Annotated[Path, typer.Option("--output", "--save-path", help="The folder to write.")],
    model: Model = "",
    keep_quantized: Annotated[
        bool, typer.Option("--keep-quantized", help="Quantise again, which may undo the adapter.")
    ] = False,
) -> None:
    """Write a base with an adapter's change in its weights; refused where the change would be lost."""
    prepare()
    from tenny_lsp.learning.fuse import fuse

    with err.status("Fusing"):
        fused = fuse(locations.base_folder(model), adapter_path, output, keep_quantized=keep_quantized)
    kept = 1 - fused.lost / max(fused.changed, 1e-9)
    said = f"{fused.folder} holds the fused model: {kept:.1%} of the adapter's change is kept"
    out.print(f"{said} ({fused.changed:.3f} nats a token against the base)", highlight=False, soft_wrap=True)
