"""The commands convert and fuse: models and adapters of other tools, and models made of base and adapter."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from tenny_lsp import locations
from tenny_lsp.cli.app import Model, app, err, named_path, out, path_option
from tenny_lsp.learning.convert.options import ConvertOptions, Dtype, Mode, Recipe


@app.command()
def convert(
    source: Annotated[
        Path,
        typer.Argument(
            help="A model's folder, lora.py's .npz file, a folder of PEFT, or an adapter of Tenny.", parser=named_path
        ),
    ],
    output: Annotated[Path, typer.Argument(help="The folder to write.", parser=named_path)],
    quantize: Annotated[bool, typer.Option("--quantize", "-q", help="Quantise a model.")] = False,
    q_bits: Annotated[int | None, typer.Option(help="2, 3, 4, 5, 6 or 8. Default: 4.")] = None,
    q_group_size: Annotated[int | None, typer.Option(help="32, 64 or 128. Default: 64.")] = None,
    q_mode: Annotated[Mode, typer.Option(help="How a model is quantised.")] = "affine",
    quant_recipe: Annotated[Recipe | None, typer.Option(help="More bits for the layers that need them.")] = None,
    dtype: Annotated[Dtype | None, typer.Option(help="The type of a model's other weights.")] = None,
    dequantize: Annotated[bool, typer.Option("--dequantize", help="Dequantise a model.")] = False,
    model: Annotated[str, typer.Option(help="An adapter's base. Default: the embedded one.")] = "",
    scale: Annotated[float | None, typer.Option(help="Of an .npz file: what its output is multiplied with.")] = None,
    to: Annotated[Literal["mlx", "peft"], typer.Option(help="The format of an adapter to write.")] = "mlx",
) -> None:
    """Convert a model to MLX's format, or an adapter between lora.py's, PEFT's and MLX-LM's."""
    from tenny_lsp.model.runtime import prepare

    prepare()
    with err.status("Converting"):
        if any((source / name).is_file() for name in ("config.json", "params.json")):
            options = ConvertOptions(quantize, q_bits, q_group_size, q_mode, quant_recipe, dtype, dequantize)
            said = _converted_model(source, output, options)
        elif to == "peft":
            said = _exported(source, output, model)
        else:
            said = _imported(source, output, model, scale)
    out.print(said, highlight=False, soft_wrap=True)


def _converted_model(source: Path, output: Path, options: ConvertOptions) -> str:
    from tenny_lsp.learning.convert.model import convert_model

    convert_model(source, output, options)
    return f"{source} is in MLX's format in {output}"


def _exported(source: Path, output: Path, model: str) -> str:
    from tenny_lsp.learning.convert.adapters import export_adapter

    export_adapter(source, output, locations.base_folder(model), model or locations.EMBEDDED)
    return f"{source} is in PEFT's format in {output}"


def _imported(source: Path, output: Path, model: str, scale: float | None) -> str:
    from tenny_lsp.learning.convert.adapters import import_adapter

    base = locations.base_folder(model)
    config = import_adapter(source, output, base, model or locations.EMBEDDED, scale=scale)
    lora = config["lora_parameters"]
    kind, layers = config["fine_tune_type"], config["num_layers"]
    return f"{source} is in {output}: {kind} on {layers} layers, rank {lora['rank']}, scale {lora['scale']:g}"


@app.command()
def fuse(
    adapter_path: Annotated[Path, path_option(help="Folder of the adapter.")],
    output: Annotated[Path, path_option("--output", "--save-path", help="The folder to write.")],
    model: Model = "",
    keep_quantized: Annotated[
        bool, typer.Option("--keep-quantized", help="Quantise again, which may undo the adapter.")
    ] = False,
) -> None:
    """Write a base with an adapter's change in its weights; refused where the change would be lost."""
    from tenny_lsp.model.runtime import prepare

    prepare()  # before MLX is imported
    from tenny_lsp.learning.fuse import fuse

    with err.status("Fusing"):
        fused = fuse(locations.base_folder(model), adapter_path, output, keep_quantized=keep_quantized)
    kept = 1 - fused.lost / max(fused.changed, 1e-9)
    said = f"{fused.folder} holds the fused model: {kept:.1%} of the adapter's change is kept"
    out.print(f"{said} ({fused.changed:.3f} nats a token against the base)", highlight=False, soft_wrap=True)
